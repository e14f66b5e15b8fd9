"""What a customer sees of herself: addresses, the phones that are signed in, signing out."""
