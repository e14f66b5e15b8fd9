"""Reserving: pieces are kept from everybody else for a while, all of a reference or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.kernel.errors import InsufficientStock, ReferenceReused
from cart.ports import Promising, Shortfall
from inventory_api.stock import promised, queries
from inventory_api.stock.facts import all_or_nothing, begin, require_pieces, shortfalls
from inventory_api.stock.model import Reason
from inventory_api.stock.promised import Step


def reserve(
    db: Session,
    clock: Clock,
    *,
    reference: str,
    location_id: str,
    pieces: Mapping[str, int],
    until: datetime,
) -> list[Shortfall]:
    """Reserve all pieces until a time, or none and say of which too few are left.

    The same reference again changes nothing, whatever became of its pieces.

    Raises:
        InvalidInput: no pieces, a number below 1, too many SKUs, a name too long.
        ReferenceReused: the reference promised other pieces, or at another location.
    """
    require_pieces(reference, pieces)
    now_us = begin(db, clock)
    steps = [
        Step(location_id, sku, reserved=quantity, anew=quantity)
        for sku, quantity in sorted(pieces.items())
    ]
    if _reserved(db, reference, steps, until, now_us):
        return []
    known = promised.held(db, reference)
    if known:
        before = {(one.location_id, sku): one.promised for sku, one in known.items()}
        if before != {(location_id, sku): quantity for sku, quantity in pieces.items()}:
            msg = f"{reference} promised other pieces before"
            raise ReferenceReused(msg, reference=reference)
        return []
    short = shortfalls(db, location_id, pieces)
    if short:
        return short
    # Pieces came free since: once more, and nobody moves any between question and answer.
    queries.positions(db, [(location_id, sku) for sku in pieces], lock=True)
    if _reserved(db, reference, steps, until, now_us):
        return []
    return shortfalls(db, location_id, pieces)


def reserve_many(db: Session, clock: Clock, wanted: Sequence[Promising]) -> set[str]:
    """Reserve for many, in their order; return the references that got all of their pieces.

    The others got none: of too few pieces the first have theirs. Two round trips,
    however many references and locations; one guarded UPDATE for all of them.

    Raises:
        InsufficientStock: a reference has promised before; this unit of work must not go on.
        InvalidInput: no pieces, a number below 1, too many SKUs, a name too long.
    """
    for one in wanted:
        require_pieces(one.reference, one.pieces)
    now_us = begin(db, clock)
    left = promised.free(db, {(one.location_id, sku) for one in wanted for sku in one.pieces})
    entries: dict[datetime, list[tuple[str, Step]]] = {}
    for one in wanted:
        place = one.location_id
        if any(left.get((place, sku), 0) < number for sku, number in one.pieces.items()):
            continue
        for sku, number in sorted(one.pieces.items()):
            left[place, sku] -= number
            step = Step(place, sku, reserved=number, anew=number)
            entries.setdefault(one.until, []).append((one.reference, step))
    if not promised.keep_many(db, Reason.RESERVED, entries, now_us):
        msg = "a promise of these was made before"
        raise InsufficientStock(msg)
    return {reference for part in entries.values() for reference, _ in part}


def _reserved(db: Session, reference: str, steps: list[Step], until: datetime, now_us: int) -> bool:
    """Reserve; False where too few are left, or the reference has promised before."""
    entries = promised.under(reference, steps)
    with all_or_nothing(db) as undo:
        promised.lock(db, steps[0].location_id, [step.sku for step in steps])
        done = (
            len(promised.move(db, steps, now_us)) == len(steps)
            and promised.keep(db, entries, until, now_us) == len(steps)
        )  # fmt: skip
        if done:
            promised.enter(db, Reason.RESERVED, entries, now_us)
        else:
            undo()
    return done
