"""Requests that time ends: unanswered, not brought, of a visit that is over; and what is old."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, delete, or_, select, update

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from gateway.binding.tables import BindingRow
from gateway.commands.service import ask_size_answered
from gateway.rooms.model import (
    ANSWER_WITHIN,
    BRING_WITHIN,
    KEPT,
    OPEN,
    SAID_FOR,
    UNANSWERED,
    SizeState,
)
from gateway.rooms.tables import SizeRequestRow, TriedItemRow
from gateway.wire.size_answer import SizeAnswer, SizeAnswerData

SWEPT_MAX: Final = 200  # requests of one round
FORGOTTEN_AT_ONCE_MAX: Final = 1_000  # rows of a table; the writer's lock is held for as long


def any_open(db: Session) -> bool:
    """Say whether anything is asked for anywhere."""
    found = db.exec(select(SizeRequestRow.id).where(_is(OPEN)).limit(1))
    return found.first() is not None


def lapse(db: Session, clock: Clock, ids: Ids) -> list[tuple[str, str]]:
    """End what nobody answered, or brought, in time, and have the glass say so.

    Return where it was and at which device.
    """
    now = clock.now()
    due = _due(now)
    late = db.exec(
        select(SizeRequestRow, BindingRow.visit)
        .join(BindingRow, col(BindingRow.id) == SizeRequestRow.binding_id)
        .where(due, col(BindingRow.ended_at).is_(None))
        .order_by(col(SizeRequestRow.asked_at), col(SizeRequestRow.id))
        .limit(SWEPT_MAX)
    ).all()
    told = []
    for row, visit in late:
        # Whoever presses a button at this moment is faster, or finds it over.
        gone = db.execute(
            update(SizeRequestRow)
            .where(col(SizeRequestRow.id) == row.id, due)
            .values(state=SizeState.LAPSED.value, ended_at=now)
            .returning(col(SizeRequestRow.id))
            .execution_options(synchronize_session=False)
        )
        if gone.first() is None:
            continue
        answer = SizeAnswerData(
            visit=visit, request=row.request, answer=SizeAnswer.LAPSED, until=now + SAID_FOR
        )
        ask_size_answered(db, clock, ids, device_id=row.device_id, answer=answer)
        told.append((row.location_id, row.device_id))
    return told


def close_over(db: Session, clock: Clock) -> set[str]:
    """Call off what visits asked for that ended without a word of their device; return where."""
    over = (
        select(BindingRow.id)
        .where(
            BindingRow.id == SizeRequestRow.binding_id,
            col(BindingRow.ended_at).is_not(None),
        )
        .exists()
    )
    gone = db.execute(
        update(SizeRequestRow)
        .where(_is(OPEN), over)
        .values(state=SizeState.CANCELLED.value, ended_at=clock.now())
        .returning(col(SizeRequestRow.location_id))
        .execution_options(synchronize_session=False)
    )
    return {row.location_id for row in gone.all()}


def forget(db: Session, clock: Clock) -> int:
    """Delete what is over since KEPT, and what was brought in before; return how many rows."""
    before = clock.now() - KEPT
    old = select(SizeRequestRow.id).where(col(SizeRequestRow.ended_at) < before)
    requests = db.exec(
        delete(SizeRequestRow).where(col(SizeRequestRow.id).in_(old.limit(FORGOTTEN_AT_ONCE_MAX)))
    )
    brought = (
        select(TriedItemRow.binding_id)
        .where(col(TriedItemRow.tried_at) < before)
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    items = db.exec(
        delete(TriedItemRow).where(
            col(TriedItemRow.binding_id).in_(brought), col(TriedItemRow.tried_at) < before
        )
    )
    return int(requests.rowcount) + int(items.rowcount)


def _is(states: tuple[SizeState, ...]) -> ColumnElement[bool]:
    return col(SizeRequestRow.state).in_([one.value for one in states])


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(_is(UNANSWERED), col(SizeRequestRow.asked_at) <= now - ANSWER_WITHIN),
        and_(
            col(SizeRequestRow.state) == SizeState.COMING.value,
            col(SizeRequestRow.coming_at) <= now - BRING_WITHIN,
        ),
    )
