"""Pages of marketers' lists: ask, confirm, choose, leave; and what comes back for letters."""
