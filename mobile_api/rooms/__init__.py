"""Fitting rooms as staff see them, what time ends there, and how fast a shop is."""
