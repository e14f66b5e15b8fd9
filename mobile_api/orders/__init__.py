"""Orders on the phone: the ticket, what happens now, and the receipt."""
