"""Durable work: what leaves the database and has to survive a crash."""
