"""Requests that leave the house: only to where they are meant to go, in bounded time and size."""
