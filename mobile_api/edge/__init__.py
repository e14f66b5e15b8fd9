"""Where HTTP ends: who may call, problem details, limits, cookies, Idempotency-Key."""
