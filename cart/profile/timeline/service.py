"""Keeps interactions: each once, in one order that readers may follow.

One at a time keeps them, behind the lock of a row: so positions are given in the order of the
commits, and whoever has read up to one misses none below it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete, select, update

from cart.db import is_sqlite
from cart.db.rows import BIGINT, INTEGER, TEXT, insert_new, run
from cart.kernel.clock import Clock, to_us
from cart.profile.timeline import queries
from cart.profile.timeline.model import Interaction
from cart.profile.timeline.tables import InteractionRow, TimelineMarkRow

_MARK_COLUMNS: Final = (("name", TEXT), ("position", BIGINT), ("read_until_us", BIGINT))
_COLUMNS: Final = (
    *(("id", TEXT), ("position", BIGINT), ("session_id", TEXT), ("kind", TEXT), ("channel", TEXT)),
    *(("at_us", BIGINT), ("kept_at_us", BIGINT), ("gtin", TEXT), ("sku", TEXT)),
    *(("quantity", INTEGER), ("amount_minor", BIGINT), ("currency", TEXT)),
    *(("location_id", TEXT), ("device_id", TEXT), ("ref", TEXT)),
)


def moved(db: Session, name: str, *, position: int = 0, read_until_us: int = 0) -> None:
    """Note that a reader has come this far; a rival that is further is not taken back."""
    insert_new(db, "timeline_mark", _MARK_COLUMNS, [(name, 0, 0)], keys=1)
    row = TimelineMarkRow
    for column, value in (("position", position), ("read_until_us", read_until_us)):
        further = update(row).where(col(row.name) == name, getattr(row, column) < value)
        db.execute(further.values(**{column: value}))


def set_back(db: Session, name: str, position: int) -> None:
    """Let a reader begin again after ``position``, wherever it has come to."""
    insert_new(db, "timeline_mark", _MARK_COLUMNS, [(name, position, 0)], keys=1)
    db.execute(
        update(TimelineMarkRow).where(col(TimelineMarkRow.name) == name).values(position=position)
    )


def forget(db: Session, before: datetime, limit: int) -> int:
    """Delete the oldest interactions that happened before a time; return how many."""
    old = (
        select(InteractionRow.id)
        .where(col(InteractionRow.at_us) < to_us(before))
        .order_by(col(InteractionRow.at_us))
        .limit(limit)
    )
    gone = delete(InteractionRow).where(col(InteractionRow.id).in_(old.scalar_subquery()))
    return int(db.connection().execute(gone).rowcount)


def keep(db: Session, clock: Clock, batch: Sequence[Interaction]) -> int:
    """Add what is not there yet, in this order; return how many that were.

    What belongs to a session that is gone or emptied meanwhile is left out: it was erased.
    """
    if not batch:
        return 0
    position = _lock(db)
    unique = {one.id: one for one in batch}
    known = queries.known(db, unique)
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
        .where(col(TimelineMarkRow.name) == queries.LAST)
        .values(position=position + len(fresh))
    )
    return len(fresh)


def _lock(db: Session) -> int:
    """Return the last position given; nobody else gives one until the commit."""
    insert_new(db, "timeline_mark", _MARK_COLUMNS, [(queries.LAST, 0, 0)], keys=1)
    asked = select(TimelineMarkRow.position).where(TimelineMarkRow.name == queries.LAST)
    return db.exec(asked.with_for_update()).one()


def _alive(db: Session, ids: Collection[str]) -> set[str]:
    # An erasure changes the session's row before it deletes from the timeline: it waits for us and
    # then finds what we keep, or we wait for it and find the session emptied.
    lock = "" if is_sqlite(db.connection()) else " FOR SHARE OF s"
    found = run(
        db,
        "SELECT s.id FROM {rows} JOIN shopper_session AS s ON s.id = d.id"  # noqa: S608 - constant
        f" WHERE s.emptied_at IS NULL ORDER BY s.id{lock}",
        (("id", TEXT),),
        [(one,) for one in ids],
    )
    return {row[0] for row in found}
