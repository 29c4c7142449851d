"""Taking in listings, old stores and exports, and giving out a whole store."""
