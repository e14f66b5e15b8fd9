"""Selects on saved lists for the pages."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from cart.carts.queries import saved_list_lines
from cart.carts.tables import ListRequestRow, SavedListLineRow, SavedListRow
from cart.kernel.errors import UnknownList
from cart.kernel.gtin import Gtin
from mobile_api.carts.basket import Wanted

PREVIEW_LINES = 4  # pictures beside a list's name


def open_list(db: Session, list_id: str) -> SavedListRow:
    """Return a list that anyone with its link may see.

    Raises:
        UnknownList: there is none, or its owner took it away.
    """
    found = db.get(SavedListRow, list_id)
    if found is None or found.deleted_at is not None:
        msg = f"there is no list {list_id}"
        raise UnknownList(msg, list_id=list_id)
    return found


def wanted(db: Session, list_id: str) -> list[Wanted]:
    """Return a list's lines as they can be shown."""
    return [_wanted(row) for row in saved_list_lines(db, list_id)]


def previews(db: Session, list_ids: Collection[str]) -> dict[str, list[Wanted]]:
    """Return the first lines of each list, in one statement."""
    rows = db.exec(
        select(SavedListLineRow)
        .where(
            col(SavedListLineRow.list_id).in_(list_ids),
            SavedListLineRow.position < PREVIEW_LINES,
        )
        .order_by(col(SavedListLineRow.position))
    )
    found: dict[str, list[Wanted]] = {}
    for row in rows:
        found.setdefault(row.list_id, []).append(_wanted(row))
    return found


def last_requests(db: Session, list_ids: Collection[str]) -> dict[str, ListRequestRow]:
    """Return the latest mail that was asked for of each list."""
    rows = db.exec(
        select(ListRequestRow)
        .where(col(ListRequestRow.list_id).in_(list_ids))
        .order_by(col(ListRequestRow.requested_at))
    )
    return {row.list_id: row for row in rows}


def _wanted(row: SavedListLineRow) -> Wanted:
    return Wanted(
        Gtin(row.gtin), row.sku, row.quantity, row.price_minor, row.currency, row.location_id
    )
