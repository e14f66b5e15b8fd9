"""What is not a promise but comes with orders: pieces that came back, spoilt, or were fetched."""

from collections.abc import Mapping

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from inventory_api.stock import promised, queries
from inventory_api.stock.facts import all_or_nothing, begin, booked, require_pieces
from inventory_api.stock.model import ON_HAND_MAX, Reason
from inventory_api.stock.promised import Step
from inventory_api.stock.service import move, require_names


def take_back(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    fact: str,
    pieces: Mapping[str, int],
    sellable: bool,
) -> None:
    """Take pieces that came back on hand; those that cannot be sold are written off at once.

    Raises:
        InvalidInput: a number below 1, or more than a location can hold.
        ReferenceReused: other pieces came back under this fact.
        UnknownLocation, UnknownSku: the catalogue has no such name.
    """
    require_pieces(fact, pieces)
    for sku in pieces:
        require_names(db, location_id, sku)
    now_us = begin(db, clock)
    with all_or_nothing(db) as undo:
        ordered = dict(sorted(pieces.items()))
        # Pieces written off at once are never for sale, not even for a moment.
        on_hand = {sku: number if sellable else 0 for sku, number in ordered.items()}
        room = promised.put_back(db, location_id, on_hand, now_us)
        known = booked(db, Reason.RETURNED, fact, pieces, location_id)
        if known or len(room) < len(pieces):
            undo()
        else:
            steps = [Step(location_id, sku, on_hand=number) for sku, number in ordered.items()]
            promised.enter(db, Reason.RETURNED, promised.under(fact, steps), now_us)
            if not sellable:
                gone = [Step(one.location_id, one.sku, on_hand=-one.on_hand) for one in steps]
                promised.enter(db, Reason.DAMAGED, promised.under(fact, gone), now_us)
            return
    if not known:
        msg = f"a location holds at most {ON_HAND_MAX} pieces of one SKU"
        raise InvalidInput(msg, location_id=location_id)


def write_off(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    fact: str,
    pieces: Mapping[str, int],
    damaged: bool,
) -> None:
    """Take pieces that are not there, or spoilt, off what is on hand; never below 0.

    What is promised stays promised: whoever promised it decides what becomes of that.

    Raises:
        InvalidInput: a number below 1, or a name too long.
        ReferenceReused: the fact wrote other pieces off before.
    """
    require_pieces(fact, pieces)
    reason = Reason.DAMAGED if damaged else Reason.COUNTED
    begin(db, clock)
    known = queries.positions(db, [(location_id, sku) for sku in pieces], lock=True)
    there = {position.sku: position.on_hand for position in known.values()}
    for sku, number in sorted(pieces.items()):
        if gone := min(number, there.get(sku, 0)):
            move(
                db,
                clock,
                location_id=location_id,
                sku=sku,
                delta=-gone,
                reason=reason,
                reference=fact,
            )


def note_picked(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    fact: str,
    pieces: Mapping[str, int],
) -> None:
    """Put pieces that went from the shelf into a bag into the ledger; each fact counts once.

    They stay on hand, and promised.

    Raises:
        InvalidInput: a number below 1, or a name too long.
    """
    require_pieces(fact, pieces)
    promised.walked(db, location_id, fact, pieces, begin(db, clock))


def note_unpicked(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    fact: str,
    pieces: Mapping[str, int],
) -> None:
    """Put the way back to the shelf into the ledger; each fact counts once.

    Raises:
        InvalidInput: a number below 1, or a name too long.
    """
    require_pieces(fact, pieces)
    back = {sku: -number for sku, number in pieces.items()}
    promised.walked(db, location_id, fact, back, begin(db, clock))
