"""The virtual cart: operations, their fold, saved lists, and who holds which cart."""
