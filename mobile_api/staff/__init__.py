"""Staff on the floor: queue, walk, desk, returns."""
