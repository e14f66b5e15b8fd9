"""Catalogue and stock: what is sold, and how many pieces of it stand where.

Owns products, locations, stock and the feeds that fill them. Knows nothing of
devices or shoppers.
"""
