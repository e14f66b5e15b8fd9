"""Brings audiences to what they should be: who is in the segment, and allows it, and no others.

An upload may have arrived although nobody said so. So what was on its way is sent again while it is
wanted, and taken out again if it is not: nothing is lost, and nobody stays in by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, delete, or_, select, update

from cart.db.rows import TEXT, run
from cart.journeys.audiences.hashing import Style, hashed
from cart.journeys.audiences.tables import FAILURE_LENGTH_MAX, AudienceEntryRow, AudienceRow
from cart.journeys.audiences.targets import Upload
from cart.journeys.segments.service import need
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import Ids
from cart.profile.consent.holders import holders
from cart.profile.consent.model import Purpose

UPLOAD_MAX: Final = 10_000  # hashes at once: what both advertisers take in a request
EVERY: Final = timedelta(minutes=5)  # a withdrawal is told on within this
LEASE: Final = timedelta(minutes=10)  # longer than any upload takes; then another tries
AGAIN_MAX: Final = timedelta(hours=1)
AUDIENCES_MAX: Final = 100
_WANTED: Final = (
    "SELECT m.home, e.address FROM segment_member AS m"
    " JOIN shopper_session AS p ON p.id = m.home"
    " JOIN customer_email AS e ON e.customer_id = p.customer_id"
    " JOIN allowed AS a ON a.customer_id = p.customer_id"
    " WHERE m.segment_id = :segment_id ORDER BY e.address"
)
_ENTRY: Final = (("audience_id", TEXT), ("hash", TEXT), ("home", TEXT), ("state", TEXT))


@dataclass(frozen=True, slots=True)
class Taken:
    """An audience that this process brings up to date now, and by which number."""

    id: str
    number: int


def make(
    db: Session, clock: Clock, ids: Ids, *, segment_id: str, style: Style, target: str, by: str
) -> str:
    """Begin to tell an advertiser of a segment; return the audience's id.

    Raises:
        UnknownSegment: there is none of this id.
        InvalidInput: there are as many as there may be.
    """
    need(db, segment_id)
    if len(db.exec(select(AudienceRow.id)).all()) >= AUDIENCES_MAX:
        msg = f"there are {AUDIENCES_MAX} audiences"
        raise InvalidInput(msg)
    row = AudienceRow(
        id=ids.new("aud"),
        segment_id=segment_id,
        target=target,
        style=style.value,
        created_at=clock.now(),
        created_by=by,
    )
    db.add(row)
    db.flush()
    return row.id


def end(db: Session, audience_id: str) -> None:
    """End an audience: with the next rounds everybody is taken out of it."""
    db.execute(
        update(AudienceRow)
        .where(col(AudienceRow.id) == audience_id)
        .values(state="ended", due_at=None)
    )


def due(db: Session, clock: Clock) -> list[str]:
    """Return the audiences that are to be looked at."""
    found = select(AudienceRow.id).where(
        or_(col(AudienceRow.due_at).is_(None), col(AudienceRow.due_at) <= clock.now())
    )
    return list(db.exec(found.order_by(AudienceRow.id).limit(AUDIENCES_MAX)))


def take(db: Session, clock: Clock, audience_id: str) -> Taken | None:
    """Take an audience for a round; None if another has it."""
    now = clock.now()
    moved = db.execute(
        update(AudienceRow)
        .where(
            col(AudienceRow.id) == audience_id,
            or_(col(AudienceRow.due_at).is_(None), col(AudienceRow.due_at) <= now),
        )
        .values(batch=AudienceRow.batch + 1, due_at=now + LEASE)
    )
    if not moved.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        return None
    row = db.exec(select(AudienceRow.batch).where(AudienceRow.id == audience_id)).one()
    return Taken(audience_id, row)


def plan(db: Session, taken: Taken) -> tuple[str, Upload]:
    """Compare what is there with what should be; return target and what is to be sent."""
    row = db.get_one(AudienceRow, taken.id)
    style = Style(row.style)
    wanted = _wanted(db, row, style) if row.state == "active" else {}
    entries = db.exec(select(AudienceEntryRow).where(AudienceEntryRow.audience_id == row.id)).all()
    states: dict[str, str] = {}
    for one in entries:
        # Also one whose adding may have arrived, and which is not wanted any more.
        state = "removing" if one.hash not in wanted else one.state
        states[one.hash] = "adding" if state == "removing" and one.hash in wanted else state
    states |= {one: "adding" for one in wanted if one not in states}
    changed = [
        (row.id, one, wanted.get(one), state) for one, state in states.items() if state != "there"
    ]
    run(
        db,
        "INSERT INTO audience_entry (audience_id, hash, home, state, batch)"
        " SELECT d.audience_id, d.hash, d.home, d.state, 0 FROM {rows} WHERE true"
        " ON CONFLICT (audience_id, hash) DO UPDATE SET state = excluded.state, batch = 0,"
        " home = COALESCE(excluded.home, audience_entry.home)",
        _ENTRY,
        changed,
    )
    # Who is to be taken out comes first: there is no waiting for that behind many new ones.
    first = sorted(changed, key=lambda one: (one[3] != "removing", one[1]))[:UPLOAD_MAX]
    run(
        db,
        "UPDATE audience_entry SET batch = :number WHERE audience_id = :audience_id"
        " AND hash IN (SELECT d.hash FROM {rows})",
        (("hash", TEXT),),
        [(one[1],) for one in first],
        {"number": taken.number, "audience_id": row.id},
    )
    add = [one[1] for one in first if one[3] == "adding"]
    remove = [one[1] for one in first if one[3] == "removing"]
    return row.target, Upload(row.id, taken.number, style, add, remove)


def _wanted(db: Session, row: AudienceRow, style: Style) -> Mapping[str, str]:
    allowed = holders("allowed", Purpose.AD_AUDIENCES)
    found = db.connection().execute(
        text(f"WITH {allowed.sql} {_WANTED}"), {**allowed.bound, "segment_id": row.segment_id}
    )
    wanted: dict[str, str] = {}
    for home, address in found:
        wanted.setdefault(hashed(address, style), home)
    return wanted


def done(db: Session, clock: Clock, upload: Upload) -> None:
    """Note that an upload arrived. One that took so long that another tried notes nothing."""
    mine = (col(AudienceEntryRow.audience_id) == upload.audience_id) & (
        col(AudienceEntryRow.batch) == upload.number
    )
    db.execute(delete(AudienceEntryRow).where(mine, col(AudienceEntryRow.state) == "removing"))
    db.execute(update(AudienceEntryRow).where(mine).values(state="there", batch=0))
    more = len(upload.add) + len(upload.remove) >= UPLOAD_MAX
    _next(db, upload, due_at=None if more else clock.now() + EVERY, failures=0, failure="")


def failed(db: Session, clock: Clock, upload: Upload, reason: str) -> None:
    """Note that an upload did not arrive, or nobody knows; it is tried again, ever later."""
    row = db.get_one(AudienceRow, upload.audience_id)
    after = min(EVERY * 2 ** min(row.failures, 10), AGAIN_MAX)
    _next(
        db,
        upload,
        due_at=clock.now() + after,
        failures=row.failures + 1,
        failure=reason[:FAILURE_LENGTH_MAX],
    )


def _next(db: Session, upload: Upload, **values: object) -> None:
    db.execute(
        update(AudienceRow)
        .where(col(AudienceRow.id) == upload.audience_id, col(AudienceRow.batch) == upload.number)
        .values(**values)
    )
