"""The product page, where it is in stock, and its pictures."""
