"""A plan made at home: which shop has it, when, what is booked, and the way through the shop."""
