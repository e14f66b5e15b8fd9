"""The phone as a scanner."""
