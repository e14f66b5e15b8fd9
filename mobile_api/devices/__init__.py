"""The one thing a device asks of this process: to be enrolled."""
