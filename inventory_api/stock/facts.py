"""What the verbs on promises share: what may be asked, all or nothing, facts that count once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlmodel import Session

from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import InvalidInput, ReferenceReused
from cart.ports import Shortfall
from inventory_api.stock import promised, queries
from inventory_api.stock.model import ON_HAND_MAX, Reason
from inventory_api.stock.promised import Step
from inventory_api.stock.tables import REFERENCE_LENGTH_MAX

SKUS_MAX: Final = 200  # as many as a cart has lines


def available(db: Session, *, location_id: str, skus: Collection[str]) -> dict[str, int]:
    """Return available-to-promise pieces of the SKUs that the location has ever had."""
    found = queries.positions(db, [(location_id, sku) for sku in skus])
    return {position.sku: position.available for position in found.values()}


def most(db: Session, *, skus: Collection[str]) -> dict[str, int]:
    """Return of each SKU the pieces that can be promised where most of them are."""
    return queries.most(db, skus)


def shortfalls(db: Session, location_id: str, wanted: Mapping[str, int]) -> list[Shortfall]:
    """Return the SKUs of which fewer pieces can be promised than are wanted."""
    there = available(db, location_id=location_id, skus=list(wanted))
    return [
        Shortfall(sku, number, there.get(sku, 0))
        for sku, number in sorted(wanted.items())
        if there.get(sku, 0) < number
    ]


def begin(db: Session, clock: Clock) -> int:
    """Return the time in microseconds, taken once nobody else can write."""
    db.connection()  # on SQLite the wait for other writers is here, before the time is taken
    return to_us(clock.now())


def require_pieces(reference: str, pieces: Mapping[str, int]) -> None:
    """Let pass what may be promised.

    Raises:
        InvalidInput: no pieces, a number below 1, too many SKUs, a name too long.
    """
    if not 0 < len(reference) <= REFERENCE_LENGTH_MAX:
        msg = f"a reference has between 1 and {REFERENCE_LENGTH_MAX} characters"
        raise InvalidInput(msg)
    if not 0 < len(pieces) <= SKUS_MAX:
        msg = f"a promise has between 1 and {SKUS_MAX} SKUs"
        raise InvalidInput(msg)
    if not all(0 < number <= ON_HAND_MAX for number in pieces.values()):
        msg = f"a promise has between 1 and {ON_HAND_MAX} pieces of a SKU"
        raise InvalidInput(msg)


def booked(
    db: Session,
    reason: Reason,
    entry: str,
    pieces: Mapping[str, int] | None,
    location_id: str | None = None,
) -> bool:
    """Say whether the ledger has this fact. Its rows of stock are locked: nobody is half-way."""
    before = {
        sku: number
        for (place, sku), number in promised.booked(db, reason, entry).items()
        if (pieces is None or sku in pieces) and location_id in {None, place}
    }
    if before and pieces is not None and before != pieces:
        msg = f"{entry} was booked before, with other pieces"
        raise ReferenceReused(msg, reference=entry)
    return bool(before)


def turned(
    db: Session, reason: Reason, reference: str, entry: str, change: tuple[list[Step], int]
) -> bool:
    """Change stock, reservation and ledger; False where a number did not allow it."""
    steps, now_us = change
    with all_or_nothing(db) as undo:
        done = (
            len(promised.move(db, steps, now_us)) == len(steps)
            and promised.turn(db, promised.under(reference, steps)) == len(steps)
        )  # fmt: skip
        if done:
            promised.enter(db, reason, promised.under(entry, steps), now_us)
        else:
            undo()
    return done


@contextmanager
def all_or_nothing(db: Session) -> Iterator[Callable[[], None]]:
    """Yield a function that undoes what was done in the block; an error undoes it, too."""
    saved = db.begin_nested()
    try:
        yield saved.rollback
        if saved.is_active:
            saved.commit()
    finally:
        if saved.is_active:
            saved.rollback()
