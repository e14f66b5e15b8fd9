"""Wristbands that are held to the reader of a desk. Knows no payment: whoever looks decides."""
