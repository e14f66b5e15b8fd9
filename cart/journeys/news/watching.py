"""From changes of goods to news: what was away long enough, and is back to stay.

A change and its contrary within a short time are none. Only a journey that is on has the shelves
watched; what changed while none was is not made up for.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from cart.db.guarded import insert_new, write
from cart.db.rows import BIGINT, TEXT, run
from cart.journeys.enrolling import lock_mark, move_mark
from cart.journeys.model import TriggerKind
from cart.journeys.news.tables import JourneyNewsRow, ShelfGapRow
from cart.journeys.ports import Goods, Shelf
from cart.kernel.clock import to_us

# The last piece in somebody's checkout is kept for her for two hours at most (terms of a
# location): an article that comes back after that was never away.
EMPTY_MIN: Final = timedelta(hours=3)
SETTLES: Final = timedelta(minutes=30)  # a delivery that was booked to the wrong shop is put right
SETTLED_AT_ONCE_MAX: Final = 100
PRICES_AT_ONCE_MAX: Final = 200
PRICE_READER: Final = "journeys:prices"
_SHELF: Final = (("at_location", TEXT), ("of_sku", TEXT), ("of_gtin", TEXT), ("at_us", BIGINT))
_EMPTY: Final = (
    "INSERT INTO shelf_gap AS g (location_id, sku, gtin, empty_since_us, back_at_us)"
    " SELECT d.at_location, d.of_sku, d.of_gtin, d.at_us, NULL FROM {rows} WHERE true"
    " ON CONFLICT (location_id, sku) DO UPDATE SET back_at_us = NULL"
    " WHERE g.back_at_us IS NOT NULL RETURNING sku"
)
_BACK: Final = (
    "UPDATE shelf_gap AS g SET back_at_us = d.at_us FROM {rows} WHERE g.location_id = d.at_location"
    " AND g.sku = d.of_sku AND g.back_at_us IS NULL RETURNING sku"
)


def note_shelves(db: Session, shelves: Collection[Shelf]) -> None:
    """Note what is sold out and what is back; the same again changes nothing."""
    for sql, there in ((_EMPTY, False), (_BACK, True)):
        rows = [
            (one.location_id, one.sku, one.gtin, one.at_us)
            for one in shelves
            if (one.available > 0) is there
        ]
        if rows:
            run(db, sql, _SHELF, rows)


def read_prices(db: Session, goods: Goods, now: datetime) -> int:
    """Make news of prices that fell and stayed so for SETTLES; return how many were read."""
    position = lock_mark(db, PRICE_READER)
    settled_us, read = to_us(now - SETTLES), 0
    for one in goods.prices(db, position, PRICES_AT_ONCE_MAX):
        if one.at_us > settled_us:
            break
        position, read = one.position, read + 1
        if one.price_minor < one.before_minor:
            news = JourneyNewsRow(
                id=f"price:{one.position}",
                kind=TriggerKind.PRICE_DROP.value,
                gtin=one.gtin,
                at_us=one.at_us,
            )
            insert_new(db, JourneyNewsRow, news.model_dump(), keys=["id"])
    move_mark(db, PRICE_READER, position)
    return read


def settle_shelves(db: Session, now: datetime) -> int:
    """Make news of what is back for SETTLES; return how many shelves were looked at."""
    found = db.exec(
        select(ShelfGapRow)
        .where(col(ShelfGapRow.back_at_us) <= to_us(now - SETTLES))
        .order_by(col(ShelfGapRow.back_at_us), col(ShelfGapRow.location_id), col(ShelfGapRow.sku))
        .limit(SETTLED_AT_ONCE_MAX)
        .with_for_update(skip_locked=True)
    ).all()
    for gap in found:
        back_at_us = gap.back_at_us or 0
        if back_at_us - gap.empty_since_us >= EMPTY_MIN // timedelta(microseconds=1):
            news = JourneyNewsRow(
                id=f"back:{gap.location_id}:{gap.sku}:{back_at_us}",
                kind=TriggerKind.BACK_IN_STOCK.value,
                gtin=gap.gtin,
                location_id=gap.location_id,
                at_us=back_at_us,
            )
            insert_new(db, JourneyNewsRow, news.model_dump(), keys=["id"])
        here = (col(ShelfGapRow.location_id) == gap.location_id, col(ShelfGapRow.sku) == gap.sku)
        write(db, delete(ShelfGapRow).where(*here))
    return len(found)
