"""What could not be done, with its reason: kept, shown, replayed; never a line in a log alone."""
