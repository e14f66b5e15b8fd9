"""Pieces per location and SKU: availability, the ledger, and what changed."""
