"""Looks: turns before a mirror that a shopper kept, sealed so that only she can open them."""
