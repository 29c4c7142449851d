"""The two storage engines, behind one interface."""
