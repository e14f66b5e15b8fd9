"""Every select on the timeline.

A person is named by her home: the customer's own session where she has signed in, also with
what she did before in a session whose cart joined hers; else the anonymous session itself. A
joining that is undone splits what it had joined.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, or_, select

from cart.db.rows import TEXT, run
from cart.kernel.clock import from_us, to_us
from cart.profile.tables import JoiningRow
from cart.profile.timeline.model import Channel, Interaction, Kind, Placed
from cart.profile.timeline.tables import InteractionRow, TimelineMarkRow

LAST: Final = "timeline"  # the mark that has the last position given


def after(db: Session, position: int, limit: int) -> list[Placed]:
    """Return what was kept after this position, the oldest first."""
    found = db.exec(
        select(InteractionRow)
        .where(col(InteractionRow.position) > position)
        .order_by(col(InteractionRow.position))
        .limit(limit)
    )
    return [_placed(row) for row in found]


def known(db: Session, ids: Collection[str]) -> set[str]:
    """Return those of these ids under which something is kept."""
    found = run(
        db,
        "SELECT i.id FROM {rows} JOIN interaction AS i ON i.id = d.id",
        (("id", TEXT),),
        [(one,) for one in ids],
    )
    return {row[0] for row in found}


def first_since(db: Session, moment: datetime) -> int:
    """Return the lowest position of what happened since a moment; past all if there is nothing."""
    found = db.exec(
        select(func.min(InteractionRow.position)).where(col(InteractionRow.at_us) >= to_us(moment))
    ).one()
    return int(found) if found is not None else mark(db, LAST).position + 1


def mark(db: Session, name: str) -> TimelineMarkRow:
    """Return how far a reader has come: at the very beginning, if nothing is noted of it."""
    found = db.exec(select(TimelineMarkRow).where(TimelineMarkRow.name == name)).first()
    return found or TimelineMarkRow(name=name)


def origins(db: Session, kind: str, ids: Collection[str]) -> dict[str, str]:
    """Return the anonymous session that each of these things came from, where it came along.

    ``kind``: as a joining has it. What is told of a thing is told under that session, so that
    the undo of a joining takes it back too; meanwhile it is in her story by the joining.
    """
    found = run(
        db,
        "SELECT m.thing_id, j.from_session_id FROM {rows}"
        " JOIN joining_moved AS m ON m.thing_id = d.id AND m.kind = :kind"
        " JOIN joining AS j ON j.id = m.joining_id ORDER BY j.joined_at DESC, j.id DESC",
        (("id", TEXT),),
        [(one,) for one in set(ids)],
        {"kind": kind},
    )
    return {row[0]: row[1] for row in found}  # the first joining has the last word


def home_of(db: Session, session_id: str) -> str:
    """Return the home of whoever had this session."""
    found = db.exec(
        select(JoiningRow.to_session_id).where(
            JoiningRow.from_session_id == session_id, col(JoiningRow.undone_at).is_(None)
        )
    ).first()
    return found or session_id


def sessions_of(db: Session, home: str) -> list[str]:
    """Return the sessions of a person: her home, and those that joined it."""
    joined = db.exec(
        select(JoiningRow.from_session_id).where(
            JoiningRow.to_session_id == home, col(JoiningRow.undone_at).is_(None)
        )
    )
    return [home, *joined]


def story(
    db: Session,
    home: str,
    limit: int,
    before: tuple[int, int] | None = None,
    *,
    kinds: Collection[Kind] = (),
    location_id: str = "",
) -> Sequence[Placed]:
    """Return a person's interactions, the newest first.

    ``before``: time (microseconds) and position of the last one that was seen already.
    ``kinds``, ``location_id``: only those; all, if none is named.
    """
    asked = select(InteractionRow).where(col(InteractionRow.session_id).in_(sessions_of(db, home)))
    if kinds:
        asked = asked.where(col(InteractionRow.kind).in_([one.value for one in kinds]))
    if location_id:
        asked = asked.where(InteractionRow.location_id == location_id)
    if before is not None:
        at_us, position = before
        asked = asked.where(
            or_(
                col(InteractionRow.at_us) < at_us,
                (col(InteractionRow.at_us) == at_us) & (col(InteractionRow.position) < position),
            )
        )
    ordered = asked.order_by(col(InteractionRow.at_us).desc(), col(InteractionRow.position).desc())
    return [_placed(row) for row in db.exec(ordered.limit(limit))]


def _placed(row: InteractionRow) -> Placed:
    return Placed(
        row.position,
        Interaction(
            id=row.id,
            session_id=row.session_id,
            kind=Kind(row.kind),
            channel=Channel(row.channel),
            at=from_us(row.at_us),
            gtin=row.gtin,
            sku=row.sku,
            quantity=row.quantity,
            amount_minor=row.amount_minor,
            currency=row.currency,
            location_id=row.location_id,
            device_id=row.device_id,
            ref=row.ref,
        ),
    )
