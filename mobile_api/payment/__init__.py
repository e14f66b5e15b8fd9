"""Payment: the providers, the durable work around them, and what they send us."""
