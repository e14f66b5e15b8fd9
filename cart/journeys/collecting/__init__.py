"""Fills the timeline from the facts that stand in the database anyway: one source a table."""
