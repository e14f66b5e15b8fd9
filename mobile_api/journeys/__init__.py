"""Journeys at the edge: their round, the mail they send, and the link that brings a cart back."""
