"""Waiting in a shop: how long it takes where, and a virtual queue that calls her phone."""
