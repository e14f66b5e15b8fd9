"""A test bank inside the API process, so that a shop can be tried without a provider's account.

It plays the outside world, strictly: a file of its own, a page of its own, signed
webhooks, and no knowledge of carts, checkouts or orders.
"""
