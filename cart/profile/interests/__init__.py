"""What a person seems to like, derived from her timeline, and what she says about it herself."""
