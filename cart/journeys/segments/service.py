"""Makes segments, gives them new rules, begins and ends them. A rule is never changed in place."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, func, select

from cart.db.columns import NAME_LENGTH_MAX
from cart.journeys.segments import queries
from cart.journeys.segments.queries import ACTIVE_MAX, Segment
from cart.journeys.segments.rule import Group, Leaf, written
from cart.journeys.segments.tables import SegmentChangeRow, SegmentRow, SegmentVersionRow
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import InvalidInput
from cart.kernel.errors.segments import SegmentEnded, SegmentInUse, UnknownSegment
from cart.kernel.ids import Ids

SEGMENTS_MAX: Final = 1_000  # ended ones too: nobody finds one among more
VERSIONS_MAX: Final = 500
KEPT: Final = timedelta(days=365)  # changes: as far back as a rule looks


def make(db: Session, clock: Clock, ids: Ids, *, name: str, rule: Leaf | Group, by: str) -> Segment:
    """Make a draft: nobody is in it until it is begun. ``by``: the staff's id.

    Raises:
        InvalidInput: no name, one that is taken, or there are too many segments.
    """
    named = " ".join(name.split())
    if not named or len(named) > NAME_LENGTH_MAX:
        msg = "a segment has a name"
        raise InvalidInput(msg)
    if db.exec(select(SegmentRow.id).where(SegmentRow.name == named)).first() is not None:
        msg = "another segment has this name"
        raise InvalidInput(msg)
    if db.exec(select(func.count()).select_from(SegmentRow)).one() >= SEGMENTS_MAX:
        msg = f"there are {SEGMENTS_MAX} segments"
        raise InvalidInput(msg)
    now = clock.now()
    row = SegmentRow(id=ids.new("seg"), name=named, created_at=now, created_by=by)
    db.add(row)
    db.flush()
    db.add(
        SegmentVersionRow(
            segment_id=row.id, number=1, rule=written(rule), created_at=now, created_by=by
        )
    )
    db.flush()
    return need(db, row.id)


def need(db: Session, segment_id: str) -> Segment:
    """Return a segment.

    Raises:
        UnknownSegment: there is none of this id.
    """
    found = queries.one(db, segment_id)
    if found is None:
        msg = f"there is no segment {segment_id}"
        raise UnknownSegment(msg)
    return found


def change(db: Session, clock: Clock, segment_id: str, *, rule: Leaf | Group, by: str) -> Segment:
    """Give a segment another rule, as its next version; the same rule again changes nothing.

    Raises:
        UnknownSegment: there is none of this id.
        SegmentEnded: it is over.
        InvalidInput: it has had too many rules.
    """
    row = _open(db, segment_id)
    newest = db.exec(
        select(SegmentVersionRow.rule).where(
            SegmentVersionRow.segment_id == segment_id, SegmentVersionRow.number == row.version
        )
    ).one()
    if newest == written(rule):
        return need(db, segment_id)
    if row.version >= VERSIONS_MAX:
        msg = f"a segment has at most {VERSIONS_MAX} rules in its life"
        raise InvalidInput(msg)
    row.version += 1
    row.unfilled = row.state == "active"
    db.add(row)
    db.add(
        SegmentVersionRow(
            segment_id=segment_id,
            number=row.version,
            rule=written(rule),
            created_at=clock.now(),
            created_by=by,
        )
    )
    db.flush()
    return need(db, segment_id)


def begin(db: Session, segment_id: str) -> Segment:
    """Begin a draft: from the next round on people are in it. Begun twice is begun once.

    Raises:
        UnknownSegment: there is none of this id.
        SegmentEnded: it is over.
        InvalidInput: as many are active as may be.
    """
    row = _open(db, segment_id)
    if row.state == "draft":
        if len(queries.active(db)) >= ACTIVE_MAX:
            msg = f"{ACTIVE_MAX} segments are active"
            raise InvalidInput(msg)
        row.state, row.unfilled = "active", True
        db.add(row)
        db.flush()
    return need(db, segment_id)


def end(db: Session, segment_id: str, used_by: Collection[str] = ()) -> Segment:
    """End a segment for good: everybody leaves it with the next round. Twice is once.

    ``used_by``: what still asks for it, unless whoever ends it was told.

    Raises:
        UnknownSegment: there is none of this id.
        SegmentInUse: something asks for it. Nothing has changed.
    """
    row = _row(db, segment_id)
    if used_by and row.state == "active":
        msg = "journeys that are on ask for this segment"
        raise SegmentInUse(msg, journeys=", ".join(sorted(used_by)))
    if row.state != "ended":
        row.unfilled, row.state = row.state == "active", "ended"
        db.add(row)
        db.flush()
    return need(db, segment_id)


def forget(db: Session, clock: Clock, limit: int) -> int:
    """Delete what was noted longer ago than it is kept; return how much, at most ``limit``."""
    old = (
        select(SegmentChangeRow.position)
        .where(SegmentChangeRow.at_us < to_us(clock.now() - KEPT))
        .limit(limit)
    )
    gone = db.exec(delete(SegmentChangeRow).where(col(SegmentChangeRow.position).in_(old)))
    return int(gone.rowcount)


def _open(db: Session, segment_id: str) -> SegmentRow:
    row = _row(db, segment_id)
    if row.state == "ended":
        msg = "this segment is over: make another"
        raise SegmentEnded(msg)
    return row


def _row(db: Session, segment_id: str) -> SegmentRow:
    asked = select(SegmentRow).where(col(SegmentRow.id) == segment_id)
    row = db.exec(asked.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        msg = f"there is no segment {segment_id}"
        raise UnknownSegment(msg)
    return row
