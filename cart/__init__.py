"""The domain: carts, profiles, orders. Imports nothing else of the project."""
