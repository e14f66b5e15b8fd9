"""Commands that a device must carry out even if it is away just now: kept until acknowledged."""
