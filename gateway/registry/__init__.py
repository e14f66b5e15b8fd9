"""Which devices there are, what proves that it is them, and when they were last heard."""
