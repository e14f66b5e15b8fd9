"""Files from the retailer's other systems: read, checked row by row, applied in chunks."""
