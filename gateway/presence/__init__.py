"""Wristbands that receivers hear: whose each is, and where."""
