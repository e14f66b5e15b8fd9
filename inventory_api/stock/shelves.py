"""Follows the shelves for one reader that writes down what it makes of them.

Satisfies ``cart.journeys.ports.Goods``. As the tail does, it reads again what may have been
committed late; unlike it, within the reader's own transaction and behind the lock of the mark.
Of several processes each may follow: what is told are present states, one process at a time.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

from cart.db import is_sqlite
from cart.journeys.ports import PriceChange, Shelf
from inventory_api.catalogue import price_changes
from inventory_api.stock.following import note_mark
from inventory_api.stock.queries import changed_since
from inventory_api.stock.tail import OVERLAP_US

# Nothing is committed this late: then what is there is not read again and again.
QUIET_S: Final = 60.0
READER: Final = "journeys"
_Place = tuple[int, str, str]  # as changed_since orders them


class Shelves:
    """A place among the changes. For one thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """``monotonic``: seconds that grow evenly; no clock on a wall is asked."""
        self._monotonic = monotonic
        self._at: _Place | None = None
        self._newest_us = -1
        self._moved_at_s = monotonic()

    def shelves(self, db: Session, limit: int) -> Sequence[Shelf]:
        """Return the next shelves that changed, at most ``limit``; fewer: that is all for now."""
        mark_us = _locked_mark(db)
        if mark_us != self._newest_us:
            self._newest_us, self._moved_at_s = mark_us, self._monotonic()
        mark_us, location_id, sku = self._at or (mark_us - OVERLAP_US, "", "")
        page = changed_since(db, mark_us, limit, after=(location_id, sku))
        if page:
            last = page[-1]
            self._at = (last.changed_at_us, last.location_id, last.sku)
            note_mark(db, READER, last.changed_at_us)
        if len(page) < limit and self._monotonic() - self._moved_at_s < QUIET_S:
            self._at = None  # the next time from the overlap on
        return [
            Shelf(one.location_id, one.sku, one.gtin, one.available, one.changed_at_us)
            for one in page
        ]

    def prices(self, db: Session, position: int, limit: int) -> Sequence[PriceChange]:
        """Return changes of prices after a position, in their order, at most ``limit``."""
        return price_changes.after(db, position, limit)

    def again(self) -> None:
        """Begin anew from what was committed."""
        self._at = None


def _locked_mark(db: Session) -> int:
    connection = db.connection()
    connection.execute(
        text(
            "INSERT INTO stock_mark (name, mark_us) VALUES (:name, 0) ON CONFLICT (name) DO NOTHING"
        ),
        {"name": READER},
    )
    lock = "" if is_sqlite(connection) else " FOR UPDATE"
    asked = text(f"SELECT mark_us FROM stock_mark WHERE name = :name{lock}")  # noqa: S608 - ours
    return int(connection.execute(asked, {"name": READER}).scalar_one())
