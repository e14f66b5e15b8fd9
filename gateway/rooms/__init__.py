"""Fitting rooms: what somebody brought in, and what she asks staff to bring."""
