"""What somebody wants of one article: in her cart, on a list, tried on or scanned lately. Selects.

Wanted once and taken off again is not wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from cart.carts import queries as carts
from cart.carts.tables import SavedListLineRow, SavedListRow
from cart.kernel.clock import from_us, to_us
from cart.profile.timeline.model import Kind
from cart.profile.timeline.tables import InteractionRow

LATELY: Final = timedelta(days=30)  # what was tried or scanned, and put nowhere
# In her cart or on a list: what nobody touched for a season is not waited for any more.
WANTED_FOR: Final = timedelta(days=90)
WANTS: Final = (Kind.SCANNED, Kind.TRIED, Kind.SIZE_ASKED)


@dataclass(frozen=True, slots=True)
class Want:
    """``since``: of this touch. ``kept``: in her cart or on a list, with the price of then."""

    gtin: str
    quantity: int
    price_minor: int | None
    currency: str
    location_id: str
    since: datetime
    kept: bool


def wanted(
    db: Session, sessions: Sequence[str], cart_id: str, gtin: str, now: datetime
) -> Want | None:
    """Return what she wants of an article, the surest first: cart, list, touch."""
    found = _in_cart(db, cart_id, gtin) or _listed(db, sessions, gtin)
    if found is not None:
        return found if found.since >= now - WANTED_FOR else None
    return _touched(db, sessions, gtin, now)


def sessions_that_touched(
    db: Session, gtin: str, since: datetime, after: str, limit: int
) -> list[str]:
    """Return the sessions that wanted an article since a moment, by id, from ``after`` on.

    Read from the index over the article: nobody else is looked at.
    """
    row = InteractionRow
    asked = (
        select(row.session_id)
        .where(
            row.gtin == gtin,
            row.gtin != "",  # what the index leaves out
            row.session_id > after,
            row.at_us >= to_us(since),
            col(row.kind).in_([one.value for one in WANTS]),
        )
        .distinct()
        .order_by(col(row.session_id))
    )
    return list(db.exec(asked.limit(limit)).all())


def last_place(db: Session, sessions: Sequence[str]) -> str:
    """Return the location where somebody was last; empty: at none."""
    row = InteractionRow
    asked = (
        select(row.location_id)
        .where(col(row.session_id).in_(sessions), row.location_id != "")
        .order_by(col(row.at_us).desc(), col(row.position).desc())
    )
    return db.exec(asked.limit(1)).first() or ""


def _in_cart(db: Session, cart_id: str, gtin: str) -> Want | None:
    for one in carts.view(db, cart_id).lines:
        if one.gtin == gtin:
            said = (one.price_minor, one.currency, one.location_id or "")
            return Want(gtin, one.quantity, *said, from_us(one.added_at_us), kept=True)
    return None


def _listed(db: Session, sessions: Sequence[str], gtin: str) -> Want | None:
    found = db.exec(
        select(SavedListLineRow, SavedListRow.created_at)
        .join(SavedListRow, col(SavedListRow.id) == col(SavedListLineRow.list_id))
        .where(
            col(SavedListRow.session_id).in_(sessions),
            col(SavedListRow.deleted_at).is_(None),
            SavedListLineRow.gtin == gtin,
        )
        .order_by(col(SavedListRow.created_at).desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    one, at = found
    said = (one.price_minor, one.currency, one.location_id or "")
    return Want(gtin, one.quantity, *said, at, kept=True)


def _touched(db: Session, sessions: Sequence[str], gtin: str, now: datetime) -> Want | None:
    row = InteractionRow
    asked = (
        select(row)
        .where(
            col(row.session_id).in_(sessions),
            row.gtin == gtin,
            row.gtin != "",
            col(row.kind).in_([one.value for one in (*WANTS, Kind.REMOVED)]),
            row.at_us >= to_us(now - LATELY),
        )
        .order_by(col(row.at_us).desc(), col(row.position).desc())
    )
    last = db.exec(asked.limit(1)).first()
    if last is None or last.kind == Kind.REMOVED:
        return None
    return Want(gtin, 1, None, "EUR", last.location_id, from_us(last.at_us), kept=False)
