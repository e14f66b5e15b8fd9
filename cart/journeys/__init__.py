"""Planned contacts with a person: who enters, what happens next, and what stops them."""
