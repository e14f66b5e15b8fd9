"""Finds who is in a segment, for everybody at once; counts a rule before it is a segment's."""

import hashlib
from collections.abc import Sequence
from json import dumps
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, update

from cart.db.engine import is_sqlite
from cart.journeys.segments import queries
from cart.journeys.segments.keeping import Moved, lock, next_change
from cart.journeys.segments.person import Catalogue
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import Group, InStock, Leaf, leaves
from cart.journeys.segments.setwise import homes, in_stock_pairs
from cart.journeys.segments.tables import SegmentRow
from cart.kernel.clock import Clock, to_us

STOCK_EVERY_US: Final = 600_000_000  # ten minutes: so late a segment may hear of the shelves
COUNT_MAX_MS: Final = 60_000  # a marketer waits no longer, and the database does not either
FILL_MAX_MS: Final = 600_000  # work in the background, but not for ever: it holds the lock
WORK_MEM: Final = "256MB"  # of one such statement: a million people grouped without a disk


def count(db: Session, clock: Clock, catalogue: Catalogue, rule: Leaf | Group) -> int:
    """Return how many people a rule is met by now.

    Raises:
        InvalidInput: a condition is about more articles than can be looked at.
    """
    asked = homes(db, catalogue, catalogue.places(db), rule, to_us(clock.now()))
    _make_room(db, COUNT_MAX_MS)
    found = db.connection().execute(
        text(f"SELECT COUNT(*) FROM ({asked.sql}) AS met"),  # noqa: S608 - made by setwise
        asked.bound,
    )
    return int(found.scalar_one())


def all_homes(db: Session, clock: Clock, catalogue: Catalogue, rule: Leaf | Group) -> list[str]:
    """Return the homes that a rule is met by now, in order: for trying a rule on few people."""
    asked = homes(db, catalogue, catalogue.places(db), rule, to_us(clock.now()))
    found = db.connection().execute(text(asked.sql), asked.bound)
    return sorted(row[0] for row in found)


def fill(db: Session, clock: Clock, catalogue: Catalogue, segment_id: str) -> Moved:
    """Write who is in a segment by its rule of now; an ended one is emptied. Notes each change.

    Until the commit nobody else writes memberships.
    """
    lock(db)
    segment = queries.one(db, segment_id)
    if segment is None:
        return Moved(0)
    now_us = to_us(clock.now())
    _make_room(db, FILL_MAX_MS)
    _matched(db, catalogue, segment, now_us)
    entered = _number(db, f"SELECT COUNT(*) FROM ({_ENTERING}) AS e", segment)  # noqa: S608 - our own texts, values are bound
    left = _number(db, f"SELECT COUNT(*) FROM ({_LEAVING}) AS l", segment)  # noqa: S608 - our own texts, values are bound
    position = next_change(db, entered + left)
    bound = {"segment_id": segment.id, "version": segment.version, "now_us": now_us}
    for homes_, first, came in ((_ENTERING, position, True), (_LEAVING, position + entered, False)):
        db.connection().execute(
            text(
                "INSERT INTO segment_change (position, segment_id, version, home, entered, at_us)"  # noqa: S608 - our own texts
                " SELECT :first - 1 + ROW_NUMBER() OVER (ORDER BY home), :segment_id, :version,"
                f" home, :came, :now_us FROM ({homes_}) AS moved"
            ),
            {**bound, "first": first, "came": came},
        )
    for statement in (_LEAVE, _ENTER):
        db.connection().execute(text(statement), bound)
    db.connection().execute(text("DROP TABLE segment_match"))
    db.execute(
        update(SegmentRow)
        .where(col(SegmentRow.id) == segment.id)
        .values(
            unfilled=False, stock_digest=stock_digest(db, catalogue, segment), stock_at_us=now_us
        )
    )
    return Moved(1, entered, left)


_ENTERING: Final = (
    "SELECT x.home FROM segment_match AS x LEFT JOIN segment_member AS m"
    " ON m.segment_id = :segment_id AND m.home = x.home WHERE m.home IS NULL"
)
_LEAVING: Final = (
    "SELECT m.home FROM segment_member AS m LEFT JOIN segment_match AS x ON x.home = m.home"
    " WHERE m.segment_id = :segment_id AND x.home IS NULL"
)
_LEAVE: Final = (
    "DELETE FROM segment_member WHERE segment_id = :segment_id"
    " AND NOT EXISTS (SELECT 1 FROM segment_match AS x WHERE x.home = segment_member.home)"
)
_ENTER: Final = (
    "INSERT INTO segment_member (segment_id, home, version, since_us)"  # noqa: S608 - our own texts
    f" SELECT :segment_id, home, :version, :now_us FROM ({_ENTERING}) AS came"
)


def _matched(db: Session, catalogue: Catalogue, segment: Segment, now_us: int) -> None:
    """Put the homes into a table of this connection, and say when they may change by time."""
    connection = db.connection()
    connection.execute(text("DROP TABLE IF EXISTS segment_match"))
    connection.execute(text("CREATE TEMPORARY TABLE segment_match (home VARCHAR(64) PRIMARY KEY)"))
    if segment.state != "active":
        return
    asked = homes(db, catalogue, catalogue.places(db), segment.rule, now_us)
    connection.execute(
        text(f"INSERT INTO segment_match (home) {asked.sql}"),
        asked.bound,
    )
    least = "MIN" if is_sqlite(connection) else "LEAST"
    connection.execute(
        text(
            f"INSERT INTO segment_due (home, due_us) SELECT home, due_us FROM ({asked.expiring})"  # noqa: S608 - as above
            " AS e WHERE true ON CONFLICT (home) DO UPDATE"
            f" SET due_us = {least}(segment_due.due_us, excluded.due_us)"
            " WHERE segment_due.due_us > excluded.due_us"
        ),
        asked.bound,
    )


def _number(db: Session, statement: str, segment: Segment) -> int:
    found = db.connection().execute(text(statement), {"segment_id": segment.id})
    return int(found.scalar_one())


def _make_room(db: Session, longest_ms: int) -> None:
    if not is_sqlite(db.connection()):
        db.execute(text(f"SET LOCAL work_mem = '{WORK_MEM}'"))
        db.execute(text(f"SET LOCAL statement_timeout = {longest_ms}"))


def stock_digest(db: Session, catalogue: Catalogue, segment: Segment) -> str:
    """Return a digest of what is in stock, as far as this segment asks; "" if it does not."""
    asked = [one for one in leaves(segment.rule) if isinstance(one, InStock)]
    if not asked:
        return ""
    places = catalogue.places(db)
    found = [in_stock_pairs(db, catalogue, places, one) for one in asked]
    return hashlib.sha256(dumps(found).encode()).hexdigest()


def stale(db: Session, clock: Clock, catalogue: Catalogue) -> Sequence[str]:
    """Return the segments that are to be filled: new, changed, ended, or the shelves differ."""
    now_us = to_us(clock.now())
    found = [one.id for one in queries.unfilled(db)]
    for one in queries.active(db):
        if one.id not in found and now_us - one.stock_at_us >= STOCK_EVERY_US:
            digest = stock_digest(db, catalogue, one)
            if digest != one.stock_digest:
                found.append(one.id)
    return found
