"""Products, variants, prices, pictures, reviews and locations."""
