"""A plan made at home that the shop follows: a list, a shop, a time, bookings, a way through."""
