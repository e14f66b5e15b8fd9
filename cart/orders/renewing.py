"""A promise that money came too late for is made anew: the next quarter hour that is real.

Inside opening hours, and counted where the location counts them. Called with the
checkout's row locked, after the pieces: the one order of locks.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from cart.orders import slots, terms
from cart.orders.model import Method
from cart.orders.slots import QUARTER, Calendar, Promise, floor_quarter
from cart.orders.tables import AttemptRow
from cart.orders.wanted import Wanted
from cart.ports import Shop

# Each time somebody was faster at this very moment; then it is promised without its place.
TAKEN_TRIES_MAX: Final = 10


def is_over(promise_at: datetime, now: datetime) -> bool:
    """Say whether the quarter hour that was promised has ended."""
    return floor_quarter(promise_at) + QUARTER <= now


def renewed(
    db: Session, shop: Shop, attempt: AttemptRow, *, late: bool, now: datetime
) -> tuple[datetime, datetime | None]:
    """Return when what ``attempt`` buys can be ready, and the quarter hour that it has taken.

    What was promised stands while it can be kept. ``late``: the attempt had ended, and its
    place was given back. A shop that opens on no day that can be promised has the order
    waiting for when it does: the money is there.
    """
    wanted, held, promised = Wanted.read(attempt.wanted), attempt.slot_at, attempt.promise_at
    if not late and not is_over(promised, now):
        return promised, held
    located = terms.get(db, wanted.location_id)
    ready_at = max(promised, now + timedelta(minutes=located.lead_minutes))
    if wanted.method == Method.SHIP:
        return ready_at, None
    if held is not None:
        slots.give_back(db, location_id=wanted.location_id, starts_at=held)
    place = shop.locations.facts(db, wanted.location_id)
    for _ in range(TAKEN_TRIES_MAX):
        capacity = located.orders_per_quarter
        taken = {} if capacity is None else slots.taken(db, wanted.location_id, ready_at)
        found = Calendar(place.opening_hours, place.timezone, ready_at, capacity, taken).soonest()
        if found is None:
            break
        if capacity is None:
            return found.at, None
        if _taken(db, wanted.location_id, found, capacity):
            return found.at, found.starts_at
    return ready_at, None


def _taken(db: Session, location_id: str, promise: Promise, capacity: int) -> bool:
    return slots.take(db, location_id=location_id, starts_at=promise.starts_at, capacity=capacity)
