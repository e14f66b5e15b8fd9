"""The tablet that a shopper borrows: its visit, its catalogue, its screen on loopback."""
