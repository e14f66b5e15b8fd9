"""What changed on the shelves, and whom it concerns: journeys that no touch of hers starts."""
