"""Wristbands: what runs in each, and how the air carries it."""
