"""A small shop at work: servers, tablets, shoppers, a till, and an account of it at the end."""
