"""Tells whoever shows an order or a desk that a command has changed it."""

from collections.abc import Iterable

from sqlmodel import Session

from cart.picking.model import Changed
from gateway.fanout import DeskChanged, OrderChanged
from mobile_api.wiring import Parts


def tell(wired: Parts, db: Session, *changes: Changed) -> None:
    """Ring for each order and, once, for each desk, when this has committed."""
    for change in changes:
        wired.tell(db, OrderChanged(change.order_id, change.version))
    for location_id in _locations(changes):
        wired.tell(db, DeskChanged(location_id))


def _locations(changes: Iterable[Changed]) -> list[str]:
    return sorted({change.location_id for change in changes})
