"""Audiences of advertisers: who is in a segment and allows it, told to them as hashes."""
