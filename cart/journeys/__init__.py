"""A person's way with the shop over time: what she did, told in one timeline, and what follows."""
