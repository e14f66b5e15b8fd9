"""My cart: the page, its API and its live stream."""
