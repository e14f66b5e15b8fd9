"""The smart mirror."""
