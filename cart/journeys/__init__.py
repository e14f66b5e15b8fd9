"""What the shop does for people by what they did: segments, later journeys."""
