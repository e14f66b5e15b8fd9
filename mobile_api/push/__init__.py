"""Rings a shopper's phone while no page of ours is open on it: web push (RFC 8030, 8291, 8292)."""
