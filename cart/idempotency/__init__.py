"""What became of a request that carried an Idempotency-Key, kept beside its effect."""
