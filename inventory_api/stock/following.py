"""How far those who follow the changes of stock have come, whichever process does it now.

Kept beside the stock and in its time, that of whoever stamps the changes. So one that
takes over goes on from there: its own clock is not asked, and may be wrong by hours.
"""

from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from inventory_api.stock.tables import StockMarkRow, StockRow

_NOTE: Final = text(
    "INSERT INTO stock_mark AS m (name, mark_us) VALUES (:name, :mark_us)"
    " ON CONFLICT (name) DO UPDATE SET mark_us = excluded.mark_us"
    " WHERE m.mark_us < excluded.mark_us"
)


def mark_of(db: Session, name: str) -> int:
    """Return how far the follower ``name`` has come, in microseconds since 1970.

    One that is new begins behind the newest change there is; without any, before the first.
    """
    found = db.exec(select(StockMarkRow.mark_us).where(col(StockMarkRow.name) == name)).first()
    if found is not None:
        return found
    return db.exec(select(func.max(col(StockRow.changed_at_us)))).one() or 0


def note_mark(db: Session, name: str, mark_us: int) -> None:
    """Note that the follower ``name`` has told of all before; one that is behind changes nothing.

    Two may follow for a moment, of which the first does not know yet that it is the former.
    """
    db.connection().execute(_NOTE, {"name": name, "mark_us": mark_us})
