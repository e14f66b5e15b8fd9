"""Wristbands: which there are, how they do, and who has which. Knows no radio and no HTTP."""
