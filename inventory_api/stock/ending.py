"""The end of a promise: pieces go back to everybody, or leave with the shopper."""

from collections.abc import Callable, Mapping

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.kernel.errors import InsufficientStock
from inventory_api.stock import promised
from inventory_api.stock.facts import begin, booked, require_pieces, turned
from inventory_api.stock.model import Reason
from inventory_api.stock.promised import Held, Step


def release(
    db: Session,
    clock: Clock,
    *,
    reference: str,
    fact: str,
    pieces: Mapping[str, int] | None = None,
) -> None:
    """Give promised pieces back to everybody: all, or ``pieces``; each fact counts once.

    Raises:
        InsufficientStock: fewer pieces are promised under the reference.
        InvalidInput: a number below 1, or names too long.
        ReferenceReused: the fact gave other pieces back before.
    """
    names = (reference, fact)
    _end(db, clock, Reason.RELEASED, names=names, pieces=pieces, step_of=_releasing)


def hand_over(
    db: Session,
    clock: Clock,
    *,
    reference: str,
    fact: str,
    pieces: Mapping[str, int],
) -> None:
    """Let allocated pieces leave the location with a shopper; each fact counts once.

    Raises:
        InsufficientStock: fewer pieces are allocated, or on hand: a till sold them.
        InvalidInput: a number below 1, or names too long.
        ReferenceReused: the fact handed other pieces over before.
    """
    names = (reference, fact)
    _end(db, clock, Reason.SOLD, names=names, pieces=pieces, step_of=_handing_over)


def entry_of(reference: str, fact: str) -> str:
    """Return the ledger's reference of a fact about a promise: a fact counts once for each."""
    return f"{reference}/{fact}"


def _end(
    db: Session,
    clock: Clock,
    reason: Reason,
    *,
    names: tuple[str, str],
    pieces: Mapping[str, int] | None,
    step_of: Callable[[Held, int], Step],
) -> None:
    reference, fact = names
    entry = entry_of(reference, fact)
    if pieces is not None:
        require_pieces(entry, pieces)
    now_us = begin(db, clock)
    known = promised.held(db, reference, locked=True)
    if booked(db, reason, entry, pieces):
        return
    wanted = _open(known) if pieces is None else pieces
    if wanted.keys() <= known.keys():
        steps = [step_of(known[sku], number) for sku, number in wanted.items()]
        if turned(db, reason, reference, entry, (steps, now_us)):
            return
    msg = f"{reference} has fewer pieces promised or on hand than were to go"
    raise InsufficientStock(msg, reference=reference)


def _releasing(one: Held, number: int) -> Step:
    soft = min(number, one.reserved)
    return Step(one.location_id, one.sku, reserved=-soft, allocated=soft - number, released=number)


def _handing_over(one: Held, number: int) -> Step:
    return Step(one.location_id, one.sku, on_hand=-number, allocated=-number, taken=number)


def _open(known: Mapping[str, Held]) -> dict[str, int]:
    promised_now = {sku: one.reserved + one.allocated for sku, one in known.items()}
    return {sku: number for sku, number in promised_now.items() if number}
