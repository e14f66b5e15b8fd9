"""Signing in by a code from an e-mail, without a password."""
