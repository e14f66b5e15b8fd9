"""What a device should be and what it says it is."""
