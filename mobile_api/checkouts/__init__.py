"""Checkout on the phone: its pages and its API."""
