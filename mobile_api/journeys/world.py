"""Joins journeys with what this process has: catalogue, stock, and who gets no mail."""

from cart.journeys.ports import World
from mobile_api.wiring import Parts


def world_of(parts: Parts) -> World:
    """Return what moves journeys here."""
    return World(parts.clock, parts.secret, parts.shop)
