"""Segments as marketers see them, and the rounds that keep them."""
