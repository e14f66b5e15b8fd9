"""Segments: sets of people by rule, kept as things happen, each explained."""
