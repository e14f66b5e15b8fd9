"""Joins journeys with what this process has: catalogue, stock, and who gets no mail."""

from typing import Final

from sqlmodel import Session

from cart.journeys.ports import World
from cart.profile.subscriptions.suppression import reason_of
from inventory_api.kinds import Kinds
from mobile_api.wiring import Parts

CATALOGUE: Final = Kinds()


def world_of(parts: Parts) -> World:
    """Return what moves journeys here."""

    def suppressed(db: Session, address: str) -> str:
        return reason_of(db, parts.secret, address) or ""

    return World(
        parts.clock,
        parts.secret,
        parts.shop,
        suppressed,
        order_phones=parts.settings.text_order_phones,
        catalogue=CATALOGUE,
    )
