"""The floor of a location: which zone is where, where receivers hang, who is in which zone."""
