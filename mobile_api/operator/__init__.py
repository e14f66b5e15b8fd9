"""Pages of whoever looks after the devices: what they do, how fast, and what could not be done."""
