"""A phone takes a tablet's list along."""
