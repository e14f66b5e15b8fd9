"""Who of staff, operators and command lines saw and did what: written down, never changed."""
