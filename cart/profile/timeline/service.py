"""Keeps interactions: each once, in one order that readers may follow.

One at a time keeps them, behind the lock of a row: so positions are given in the order of the
commits, and whoever has read up to one misses none below it.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlmodel import Session, col, select, update

from cart.db.rows import BIGINT, INTEGER, TEXT, insert_new, run
from cart.kernel.clock import Clock, to_us
from cart.profile.timeline.model import Interaction
from cart.profile.timeline.tables import TimelineMarkRow

_MARK: Final = "timeline"
_COLUMNS: Final = (
    *(("id", TEXT), ("position", BIGINT), ("session_id", TEXT), ("kind", TEXT), ("channel", TEXT)),
    *(("at_us", BIGINT), ("kept_at_us", BIGINT), ("gtin", TEXT), ("sku", TEXT)),
    *(("quantity", INTEGER), ("amount_minor", BIGINT), ("currency", TEXT)),
    *(("location_id", TEXT), ("device_id", TEXT), ("ref", TEXT)),
)


def keep(db: Session, clock: Clock, batch: Sequence[Interaction]) -> int:
    """Add what is not there yet, in this order; return how many that were.

    What belongs to a session that is gone meanwhile is left out: it was erased.
    """
    if not batch:
        return 0
    position = _lock(db)
    unique = {one.id: one for one in batch}
    known = _known(db, unique)
    alive = _alive(db, {one.session_id for one in unique.values()})
    fresh = [one for one in unique.values() if one.id not in known and one.session_id in alive]
    now_us = to_us(clock.now())
    rows = [
        (
            *(one.id, position + place, one.session_id, one.kind.value, one.channel.value),
            *(to_us(one.at), now_us, one.gtin, one.sku, one.quantity, one.amount_minor),
            *(one.currency, one.location_id, one.device_id, one.ref),
        )
        for place, one in enumerate(fresh, start=1)
    ]
    insert_new(db, "interaction", _COLUMNS, rows, keys=1)
    db.execute(
        update(TimelineMarkRow)
        .where(col(TimelineMarkRow.name) == _MARK)
        .values(position=position + len(fresh))
    )
    return len(fresh)


def _lock(db: Session) -> int:
    """Return the last position given; nobody else gives one until the commit."""
    insert_new(
        db,
        "timeline_mark",
        (("name", TEXT), ("position", BIGINT), ("read_until_us", BIGINT)),
        [(_MARK, 0, 0)],
        keys=1,
    )
    asked = select(TimelineMarkRow.position).where(TimelineMarkRow.name == _MARK)
    return db.exec(asked.with_for_update()).one()


def _known(db: Session, ids: Collection[str]) -> set[str]:
    found = run(
        db,
        "SELECT i.id FROM {rows} JOIN interaction AS i ON i.id = d.id",
        (("id", TEXT),),
        [(one,) for one in ids],
    )
    return {row[0] for row in found}


def _alive(db: Session, ids: Collection[str]) -> set[str]:
    found = run(
        db,
        "SELECT s.id FROM {rows} JOIN shopper_session AS s ON s.id = d.id",
        (("id", TEXT),),
        [(one,) for one in ids],
    )
    return {row[0] for row in found}
