"""The public screen at the desk."""
