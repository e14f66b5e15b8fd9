"""Commands on saved lists: rename, take away and bring back, put into a cart."""

from sqlmodel import Session

from cart.carts.apply import Applied, apply
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.queries import saved_list_lines
from cart.carts.service import latest_at_us, own_list
from cart.carts.tables import SavedListRow
from cart.kernel.clock import Clock, to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids

SOURCE_LIST = "list"


def rename(db: Session, *, list_id: str, session_id: str, name: str) -> SavedListRow:
    """Give an own list another name. Raises UnknownList."""
    found = own_list(db, list_id=list_id, session_id=session_id)
    found.name = " ".join(name.split())
    db.add(found)
    db.flush()
    return found


def take_away(db: Session, clock: Clock, *, list_id: str, session_id: str) -> SavedListRow:
    """Delete an own list; its links close. :func:`bring_back` undoes it. Raises UnknownList."""
    found = own_list(db, list_id=list_id, session_id=session_id)
    found.deleted_at = found.deleted_at or clock.now()
    db.add(found)
    db.flush()
    return found


def bring_back(db: Session, *, list_id: str, session_id: str) -> SavedListRow:
    """Undo :func:`take_away`. Raises UnknownList."""
    found = own_list(db, list_id=list_id, session_id=session_id)
    found.deleted_at = None
    db.add(found)
    db.flush()
    return found


def put_into(db: Session, clock: Clock, ids: Ids, *, list_id: str, cart_id: str) -> Applied:
    """Add a list's lines to a cart; what is there already becomes more.

    Raises:
        TooManyLines: not all of them fit; then none is added.
    """
    at_us = next_at_us(to_us(clock.now()), latest_at_us(db, cart_id))
    applied = apply(
        db,
        clock,
        [
            Operation(
                id=ids.new("op"),
                cart_id=cart_id,
                gtin=Gtin(line.gtin),
                sku=line.sku,
                kind=Kind.ADD,
                quantity=line.quantity,
                at_us=at_us + place,
                source=SOURCE_LIST,
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
            for place, line in enumerate(saved_list_lines(db, list_id))
        ],
    )
    if applied.refused:
        raise applied.refused[0][1]
    return applied
