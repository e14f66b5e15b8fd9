"""Keeps who is in which segment, as things happen. Each function belongs to one unit of work.

One at a time writes memberships, behind the lock of a row: what was read of the timeline, the
memberships that follow, and what is noted of them are committed together, so that twice is once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, or_, select, update

from cart.db.engine import is_sqlite
from cart.db.rows import (
    BIGINT,
    BOOLEAN,
    FEW,
    INTEGER,
    TEXT,
    Ask,
    Batch,
    Columns,
    insert_new,
    run,
    run_last,
    run_together,
)
from cart.journeys.segments import queries
from cart.journeys.segments.person import Catalogue
from cart.journeys.segments.queries import Found, Segment
from cart.journeys.segments.weighing import NEVER, weigh_each
from cart.kernel.clock import EPOCH, Clock, from_us, to_us
from cart.profile.consent.holders import decided_between
from cart.profile.tables import JoiningRow
from cart.profile.timeline.tables import TimelineMarkRow

FOLLOWED_MAX: Final = 500  # interactions of one round: a second's work, then others have the lock
HOMES_MAX: Final = 500  # weighed together
DUE_MAX: Final = 500
# A transaction is stamped before it commits: what began so long before is looked at again.
OVERLAP: Final = timedelta(seconds=60)
SPAN_MAX: Final = timedelta(hours=1)  # of joinings and decisions in one round
MARK: Final = "segments"
CHANGES: Final = "segment-changes"
_KEY: Final = (("segment_id", TEXT), ("home", TEXT))
_MEMBER: Final = (*_KEY, ("version", INTEGER), ("since_us", BIGINT))
_CHANGE: Final = (
    *(("nth", INTEGER), ("segment_id", TEXT), ("version", INTEGER), ("home", TEXT)),
    *(("entered", BOOLEAN), ("at_us", BIGINT)),
)
_TOUCHED: Final = (
    "SELECT i.position, COALESCE(j.to_session_id, i.session_id) AS home FROM interaction AS i"
    " LEFT JOIN joining AS j ON j.from_session_id = i.session_id AND j.undone_at IS NULL"
    " WHERE i.position > (SELECT position FROM timeline_mark WHERE name = :mark)"
    " ORDER BY i.position LIMIT {limit}"  # said, not bound: of a bound one each is planned anew
)
_HOMES: Final = f"(SELECT DISTINCT t.home FROM ({_TOUCHED}) AS t) AS d"  # noqa: S608 - our own text
# Nothing of a batch is asked of these: a batch of one, which they do not look at.
_ALONE: Final[tuple[Columns, list[tuple[str]]]] = ((("alone", TEXT),), [("",)])
_DUE: Final = "SELECT home FROM segment_due WHERE due_us <= :now_us ORDER BY due_us LIMIT :limit"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far was read: of the timeline, and of joinings and decisions."""

    position: int
    read_until_us: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What a round did. ``read``: interactions, people or decisions; 0 if there was nothing."""

    read: int
    entered: int = 0
    left: int = 0


def lock_ask(db: Session) -> Ask:
    """Ask for how far was read; nobody else writes memberships until the commit."""
    # SQLite has one writer at a time anyway.
    alone = "" if is_sqlite(db.connection()) else " FOR UPDATE"
    asked = f"SELECT position, read_until_us FROM timeline_mark WHERE name = :mark{alone}"  # noqa: S608 - our own text
    return Ask(asked, *_ALONE, {"mark": MARK})


def lock(db: Session) -> Mark:
    """Return how far was read; nobody else writes memberships until the commit."""
    [found] = run_together(db, lock_ask(db))
    if not found:
        insert_new(
            db,
            "timeline_mark",
            (("name", TEXT), ("position", BIGINT), ("read_until_us", BIGINT)),
            [(MARK, 0, 0), (CHANGES, 0, 0)],
            keys=1,
        )
        [found] = run_together(db, lock_ask(db))
    return Mark(*found[0])


def follow(db: Session, clock: Clock, catalogue: Catalogue, limit: int = FOLLOWED_MAX) -> Moved:
    """Read on in the timeline and weigh whoever is in it; return what that did.

    Of a few interactions two round trips: one reads, one writes and commits.
    """
    now_us = to_us(clock.now())
    few = min(limit, FEW)
    touched = _touched(few)
    homes = Batch(_ALONE[0], select=_with_limit(_HOMES, few), extra={"mark": MARK})
    about = queries.asks_of(catalogue, homes, queries.ALL, now_us)
    # The others see what was committed while the first waited for the lock.
    asks = (lock_ask(db), touched, queries.active_ask(), *about, touched)
    mark, rows, kept, *said, again = run_together(db, *asks)
    if not mark:
        lock(db)
        mark, rows, kept, *said, again = run_together(db, *asks)
    if not rows:
        return Moved(0)
    segments = queries.active_of(kept)
    if rows == again and (len(rows) < few or few == limit):
        found = queries.found_of(catalogue, said)
    else:  # there are more, or somebody came along or joined another while these were read
        [rows] = run_together(db, _touched(min(limit, FOLLOWED_MAX)))
        gone_on = sorted({row[1] for row in rows})
        found = queries.find(db, catalogue, gone_on, queries.needs_of_all(segments), now_us)
    number = len({row[1] for row in rows})
    moved, writes = _weighed(found, segments, number, now_us)
    run_last(db, *writes, _read_to(rows[-1][0]))
    return Moved(len(rows), moved.entered, moved.left)


def _touched(limit: int) -> Ask:
    return Ask(_with_limit(_TOUCHED, limit), *_ALONE, {"mark": MARK})


@lru_cache(maxsize=16)
def _with_limit(asked: str, limit: int) -> str:
    return asked.replace("{limit}", str(int(limit)))


def tend(db: Session, clock: Clock, catalogue: Catalogue) -> Moved:
    """Weigh those for whom it is time, and those who joined, parted or decided on consent."""
    mark = lock(db)
    now = clock.now()
    since = from_us(mark.read_until_us) if mark.read_until_us else now
    until = min(now, max(since, EPOCH) + SPAN_MAX)
    changed = _changed(db, since - OVERLAP, until)
    due = db.connection().execute(text(_DUE), {"now_us": to_us(now), "limit": DUE_MAX})
    homes = sorted({*changed, *(row[0] for row in due)})
    entered = left = 0
    for start in range(0, len(homes), HOMES_MAX):
        moved = weigh_all(db, clock, catalogue, homes[start : start + HOMES_MAX])
        entered, left = entered + moved.entered, left + moved.left
    db.execute(
        update(TimelineMarkRow)
        .where(col(TimelineMarkRow.name) == MARK)
        .values(read_until_us=to_us(until))
    )
    return Moved(len(homes), entered, left)


def weigh_all(db: Session, clock: Clock, catalogue: Catalogue, homes: Sequence[str]) -> Moved:
    """Weigh these homes against every active segment, and write what changed.

    Who has no home any more, because it joined another or was emptied, leaves everything.
    """
    segments, now_us = queries.active(db), to_us(clock.now())
    found = queries.find(db, catalogue, homes, queries.needs_of_all(segments), now_us)
    moved, writes = _weighed(found, segments, len(homes), now_us)
    run_together(db, *writes)
    return moved


def _weighed(
    found: Found, segments: Sequence[Segment], number: int, now_us: int
) -> tuple[Moved, list[Ask]]:
    """Weigh ``number`` homes, of which this was found.

    Returns what that does once the statements that are returned too are executed.
    """
    kept = {one.id for one in segments}
    # An ended segment is emptied by filling it, not by who happens to come along.
    before = {pair for pair in found.memberships if pair[0] in kept}
    after: set[tuple[str, str]] = set()
    due: dict[str, int] = {}
    rules = [one.rule for one in segments]
    for home, person in found.people.items():
        verdicts = weigh_each(rules, person, found.places, now_us, briefly=True)
        after |= {(one.id, home) for one, said in zip(segments, verdicts, strict=True) if said.met}
        due_us = min((said.until_us for said in verdicts), default=NEVER)
        if due_us != NEVER:
            due[home] = due_us
    version = {one.id: one.version for one in segments}
    entered, left = sorted(after - before), sorted(before - after)
    moved = Moved(number, len(entered), len(left))
    writes = _moves(now_us, version, entered=entered, left=left)
    return moved, [*writes, *_dues(found.due_us, due)]


def _moves(
    now_us: int,
    version: Mapping[str, int],
    *,
    entered: Sequence[tuple[str, str]],
    left: Sequence[tuple[str, str]],
) -> list[Ask]:
    noted = [(pair, True) for pair in entered] + [(pair, False) for pair in left]
    if not noted:
        return []
    return [
        Ask(
            "DELETE FROM segment_member WHERE (segment_id, home) IN"
            " (SELECT d.segment_id, d.home FROM {rows})",
            _KEY,
            left,
        ),
        Ask(
            "INSERT INTO segment_member (segment_id, home, version, since_us)"
            " SELECT d.segment_id, d.home, d.version, d.since_us FROM {rows}",
            _MEMBER,
            [(one, home, version[one], now_us) for one, home in entered],
        ),
        Ask(
            "INSERT INTO segment_change (position, segment_id, version, home, entered, at_us)"
            " SELECT m.position + d.nth, d.segment_id, d.version, d.home, d.entered, d.at_us"
            " FROM {rows} JOIN timeline_mark AS m ON m.name = :changes",
            _CHANGE,
            [
                (place, pair[0], version[pair[0]], pair[1], came, now_us)
                for place, (pair, came) in enumerate(noted, start=1)
            ],
            {"changes": CHANGES},
        ),
        Ask(
            "UPDATE timeline_mark SET position = position + :number WHERE name = :changes",
            *_ALONE,
            {"changes": CHANGES, "number": len(noted)},
        ),
    ]


def next_change(db: Session, number: int) -> int:
    """Return the first of so many positions; the caller holds the lock."""
    where = col(TimelineMarkRow.name) == CHANGES
    last = db.exec(select(TimelineMarkRow.position).where(where)).one()
    db.execute(update(TimelineMarkRow).where(where).values(position=last + number))
    return last + 1


def _dues(before: Mapping[str, int], due: Mapping[str, int]) -> list[Ask]:
    changed = [(home, due_us) for home, due_us in due.items() if before.get(home) != due_us]
    return [
        Ask(
            "INSERT INTO segment_due (home, due_us) SELECT d.home, d.due_us FROM {rows}"
            " WHERE true ON CONFLICT (home) DO UPDATE SET due_us = excluded.due_us",
            (("home", TEXT), ("due_us", BIGINT)),
            changed,
        ),
        Ask(
            "DELETE FROM segment_due WHERE home IN (SELECT d.home FROM {rows})",
            (("home", TEXT),),
            [(home,) for home in before.keys() - due.keys()],
        ),
    ]


def _read_to(position: int) -> Ask:
    return Ask(
        "UPDATE timeline_mark SET position = :position WHERE name = :mark",
        *_ALONE,
        {"mark": MARK, "position": position},
    )


def _changed(db: Session, since: datetime, until: datetime) -> set[str]:
    """Return the homes that joinings, partings and decisions of this time touch."""
    joinings = db.exec(
        select(JoiningRow.from_session_id, JoiningRow.to_session_id).where(
            or_(
                (col(JoiningRow.joined_at) > since) & (col(JoiningRow.joined_at) <= until),
                (col(JoiningRow.undone_at) > since) & (col(JoiningRow.undone_at) <= until),
            )
        )
    )
    homes = {home for pair in joinings for home in pair}
    decided = decided_between(db, since, until)
    homes |= {session_id for _, session_id in decided if session_id}
    return homes | homes_of(db, {customer_id for customer_id, _ in decided if customer_id})


def homes_of(db: Session, customer_ids: Collection[str]) -> set[str]:
    """Return the homes of customers."""
    found = run(
        db,
        "SELECT p.id FROM {rows} JOIN shopper_session AS p ON p.customer_id = d.customer_id",
        (("customer_id", TEXT),),
        [(one,) for one in customer_ids],
    )
    return {row[0] for row in found}
