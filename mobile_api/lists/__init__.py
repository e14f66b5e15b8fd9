"""Saved lists: the shopper's own, and one opened by its signed link."""
