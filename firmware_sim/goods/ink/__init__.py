"""Drawing by code: curves, paints and the plate they go on. Knows no goods."""
