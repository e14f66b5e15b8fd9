"""Pictures in, codes out: pure functions over arrays. No device, network or clock of its own."""
