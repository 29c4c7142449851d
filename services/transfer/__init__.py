"""Import of listings, reviews, old stores and exports; export of a whole store."""
