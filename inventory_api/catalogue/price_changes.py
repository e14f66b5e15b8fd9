"""What was charged before: each change of a price, in the order of the commits.

The feeds write it under the catalogue's lock, so a reader who has come to one position misses
none below it.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, delete, select

from cart.db.guarded import write
from cart.db.rows import BIGINT, TEXT, run
from cart.journeys.ports import PriceChange
from cart.kernel.clock import Clock, to_us
from inventory_api.catalogue.tables import PriceChangeRow

KEPT: Final = timedelta(days=30)  # who reads along is days behind at most
_NOTE: Final = (
    "INSERT INTO price_change (sku, currency, before_minor, price_minor, at_us)"
    " SELECT r.sku, r.currency, r.price_minor, d.minor, :now_us FROM {rows}"
    " JOIN price AS r ON r.sku = d.of_sku AND r.currency = d.of_currency"
    " WHERE r.price_minor <> d.minor ORDER BY r.sku, r.currency"
)
_PRICE: Final = (("of_sku", TEXT), ("of_currency", TEXT), ("minor", BIGINT))
_AFTER: Final = text(
    "SELECT c.position, v.gtin, c.currency, c.before_minor, c.price_minor, c.at_us"
    " FROM price_change AS c JOIN variant AS v ON v.sku = c.sku"
    " WHERE c.position > :after ORDER BY c.position LIMIT :limit"
)


def note(db: Session, clock: Clock, prices: Iterable[tuple[str, str, int]]) -> None:
    """Note which of these prices (SKU, currency, minor units) differ from those that hold.

    Before they are written, and under the catalogue's lock. A first price changes nothing.
    """
    run(db, _NOTE, _PRICE, list(prices), {"now_us": to_us(clock.now())})


def after(db: Session, position: int, limit: int) -> Sequence[PriceChange]:
    """Return changes after a position, in their order, at most ``limit``."""
    found = db.connection().execute(_AFTER, {"after": position, "limit": limit})
    return [PriceChange(*row) for row in found]


def forget(db: Session, clock: Clock, limit: int) -> int:
    """Delete at most ``limit`` changes that are older than KEPT; return how many."""
    old = (
        select(PriceChangeRow.position)
        .where(PriceChangeRow.at_us < to_us(clock.now() - KEPT))
        .order_by(col(PriceChangeRow.position))
        .limit(limit)
    )
    return write(
        db, delete(PriceChangeRow).where(col(PriceChangeRow.position).in_(db.exec(old).all()))
    )
