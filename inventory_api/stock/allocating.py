"""Allocating: what is reserved becomes an order's, without an end."""

from collections.abc import Collection

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.kernel.errors import InsufficientStock, NotFound
from cart.ports import Shortfall
from inventory_api.stock import promised
from inventory_api.stock.facts import begin, booked, shortfalls, turned
from inventory_api.stock.model import Reason
from inventory_api.stock.promised import Held, Step


def allocate(db: Session, clock: Clock, *, reference: str) -> list[Shortfall]:
    """Turn what is reserved into an allocation, once.

    Pieces that were released meanwhile (money came late) are promised anew if
    they are still there; with a shortfall nothing changes.

    Raises:
        NotFound: nothing was ever promised under this reference.
    """
    now_us = begin(db, clock)
    known = promised.held(db, reference, locked=True)
    if not known:
        msg = f"nothing was ever promised under {reference}"
        raise NotFound(msg, reference=reference)
    if booked(db, Reason.ALLOCATED, reference, None):
        return []
    steps = [_allocating(one) for one in known.values() if one.reserved or one.released]
    if turned(db, Reason.ALLOCATED, reference, reference, (steps, now_us)):
        return []
    wanted = {step.sku: step.anew for step in steps if step.anew}
    return shortfalls(db, steps[0].location_id, wanted)


def allocate_many(db: Session, clock: Clock, references: Collection[str]) -> set[str]:
    """Turn into allocations what is reserved in full; return the references of which it was.

    Nothing changes for the others: allocated before, released, or never promised.
    Two round trips, however many references.

    Raises:
        InsufficientStock: stock and reservations disagree; this unit of work must not go on.
    """
    now_us = begin(db, clock)
    known = promised.held_many(db, references)
    entries = [
        (reference, _allocating(one))
        for reference, held in known.items()
        if all(one.reserved == one.promised for one in held)
        for one in held
    ]
    if not promised.turn_many(db, Reason.ALLOCATED, entries, now_us):
        msg = "stock has fewer pieces reserved than are promised"
        raise InsufficientStock(msg)
    return {reference for reference, _ in entries}


def _allocating(one: Held) -> Step:
    return Step(
        one.location_id,
        one.sku,
        reserved=-one.reserved,
        allocated=one.reserved + one.released,
        released=-one.released,
        anew=one.released,
    )
