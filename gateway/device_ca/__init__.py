"""The shop's own authority: signs certificates of devices, and lists those withdrawn."""
