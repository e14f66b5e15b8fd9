"""Booking a fitting room or an adviser for a quarter hour: taken, changed, given back, served.

A place of a quarter hour is one guarded statement, so that rivals get no more than there are.
Whoever changes something of a shopper's bookings has her plan's row first.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from cart.db.guarded import insert_or_change, write
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    AlreadyBooked,
    BookingClash,
    BookingFull,
    BookingOver,
    TimeNotOffered,
    UnknownBooking,
    UnknownPlan,
)
from cart.kernel.ids import Ids
from cart.orders.slots import QUARTER
from cart.ports import LocationFacts
from gateway.plans import opening
from gateway.plans.model import TODAY_MAX, BookingState
from gateway.plans.route import Kind
from gateway.plans.tables import BookingRow, BookingSlotRow, PlanRow

_MARKED: Final = (BookingState.SERVED, BookingState.NO_SHOW)


def held(db: Session, session_id: str) -> PlanRow:
    """Return her plan, its row locked until the commit.

    Raises:
        UnknownPlan: she has none.
    """
    row = db.exec(
        select(PlanRow)
        .where(PlanRow.session_id == session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        msg = "this phone has no plan"
        raise UnknownPlan(msg)
    return row


def of_session(db: Session, session_id: str) -> list[BookingRow]:
    """Return what she has booked, by kind."""
    rows = db.exec(
        select(BookingRow)
        .where(BookingRow.session_id == session_id)
        .order_by(col(BookingRow.serves))
        .execution_options(populate_existing=True)
    )
    return list(rows)


def book(
    db: Session,
    clock: Clock,
    ids: Ids,
    facts: LocationFacts,
    *,
    session_id: str,
    kind: Kind,
    starts_at: datetime,
    change: bool = False,
) -> BookingRow:
    """Book a quarter hour for her, or ``change`` what she has booked to it.

    ``facts``: of the location of her plan. A refusal leaves what she had.

    Raises:
        UnknownPlan: she has none, or it is for another location.
        UnknownBooking: there is nothing to change.
        AlreadyBooked: she has one of this kind, and did not say that she changes it.
        BookingClash: she has the other kind at that time.
        BookingOver: what she has is served or past.
        TimeNotOffered: closed, past, before she comes, or on another day.
        BookingFull: somebody else has the last place.
    """
    plan = held(db, session_id)
    if plan.location_id != facts.id:
        msg = f"her plan is for {plan.location_id}"
        raise UnknownPlan(msg)
    every = {row.serves: row for row in of_session(db, session_id)}
    mine = every.get(kind.value)
    _check_hers(clock, every.values(), mine, starts_at, change=change)
    opening.check_open(facts, clock.now(), starts_at)
    early = starts_at < plan.comes_at and plan.arrived_at is None
    if early or not opening.same_day(facts, starts_at, plan.comes_at):
        msg = f"she comes at {plan.comes_at.isoformat()}"
        raise TimeNotOffered(msg)
    if mine is not None and mine.starts_at == starts_at:
        return mine
    if mine is not None:
        _lock(db, facts.id, {mine.starts_at, starts_at})
    zone_id = _take(db, facts.id, kind, starts_at)
    if mine is None:
        mine = BookingRow(
            id=ids.new("booking"),
            session_id=session_id,
            location_id=facts.id,
            zone_id=zone_id,
            serves=kind.value,
            starts_at=starts_at,
            booked_at=clock.now(),
        )
    else:
        _give_back(db, mine)
        mine.zone_id, mine.starts_at, mine.booked_at = zone_id, starts_at, clock.now()
    db.add(mine)
    db.flush()
    return mine


def _check_hers(
    clock: Clock,
    every: Iterable[BookingRow],
    mine: BookingRow | None,
    starts_at: datetime,
    *,
    change: bool,
) -> None:
    if mine is None and change:
        msg = "there is nothing to change"
        raise UnknownBooking(msg)
    if mine is not None and not change:
        msg = f"she has {mine.serves} at {mine.starts_at.isoformat()}"
        raise AlreadyBooked(msg)
    if mine is not None and is_over(mine, clock):
        msg = f"it is {mine.state}, at {mine.starts_at.isoformat()}"
        raise BookingOver(msg)
    if any(one is not mine and one.starts_at == starts_at for one in every):
        msg = f"she has something else at {starts_at.isoformat()}"
        raise BookingClash(msg)


def is_over(row: BookingRow, clock: Clock) -> bool:
    """Say whether a booking can be neither changed nor cancelled: marked, or its time is over."""
    return row.state != BookingState.BOOKED or row.starts_at + QUARTER <= clock.now()


def _lock(db: Session, location_id: str, moments: Iterable[datetime]) -> None:
    """Lock quarter hours in their order: of two who change places neither waits for the other."""
    db.exec(
        select(BookingSlotRow.taken)
        .where(
            BookingSlotRow.location_id == location_id,
            col(BookingSlotRow.starts_at).in_(sorted(moments)),
        )
        .order_by(col(BookingSlotRow.starts_at), col(BookingSlotRow.zone_id))
        .with_for_update()
    ).all()


def _take(db: Session, location_id: str, kind: Kind, starts_at: datetime) -> str:
    """Take a place at the first zone that has one; return the zone."""
    for zone in opening.serving_zones(db, location_id, kind):
        if insert_or_change(
            db,
            BookingSlotRow,
            {
                "location_id": location_id,
                "zone_id": zone.zone_id,
                "starts_at": starts_at,
                "taken": 1,
            },
            keys=("location_id", "zone_id", "starts_at"),
            change={"taken": col(BookingSlotRow.taken) + 1},
            where=col(BookingSlotRow.taken) < zone.bookable,
        ):
            return zone.zone_id
    msg = f"no {kind.value} is free at {starts_at.isoformat()}"
    raise BookingFull(msg)


def _give_back(db: Session, row: BookingRow) -> None:
    write(
        db,
        update(BookingSlotRow)
        .where(
            col(BookingSlotRow.location_id) == row.location_id,
            col(BookingSlotRow.zone_id) == row.zone_id,
            col(BookingSlotRow.starts_at) == row.starts_at,
            col(BookingSlotRow.taken) > 0,
        )
        .values(taken=BookingSlotRow.taken - 1),
    )


def cancel(db: Session, clock: Clock, *, session_id: str, kind: Kind) -> None:
    """Give her booking back to everybody.

    Raises:
        UnknownPlan, UnknownBooking: there is none.
        BookingOver: it was served, or its time is over.
    """
    held(db, session_id)
    mine = next((row for row in of_session(db, session_id) if row.serves == kind.value), None)
    if mine is None:
        msg = f"no {kind.value} is booked"
        raise UnknownBooking(msg)
    if is_over(mine, clock):
        msg = f"it is {mine.state}, at {mine.starts_at.isoformat()}"
        raise BookingOver(msg)
    drop(db, [mine])


def drop(db: Session, rows: Iterable[BookingRow]) -> None:
    """Delete bookings, and give back the places of those that were not served.

    The row that goes is the answer: what somebody else deletes at once is given back once.
    """
    for row in rows:
        gone = write(db, delete(BookingRow).where(col(BookingRow.id) == row.id))
        db.expunge(row)
        if gone and row.state == BookingState.BOOKED:
            _give_back(db, row)


# -- staff


def today(db: Session, clock: Clock, facts: LocationFacts) -> list[tuple[BookingRow, PlanRow]]:
    """Return the bookings of the shop's day with the plans that they are of, by time."""
    begins, ends = opening.day_of(facts, clock.now())
    rows = db.exec(
        select(BookingRow, PlanRow)
        .join(PlanRow, col(PlanRow.session_id) == BookingRow.session_id)
        .where(
            BookingRow.location_id == facts.id,
            col(BookingRow.starts_at) >= begins,
            col(BookingRow.starts_at) < ends,
        )
        .order_by(col(BookingRow.starts_at), col(BookingRow.serves), col(BookingRow.id))
        .limit(TODAY_MAX)
        .execution_options(populate_existing=True)
    )
    return [(booking, plan) for booking, plan in rows]


def mark(
    db: Session, clock: Clock, *, location_id: str, booking_id: str, state: BookingState
) -> PlanRow:
    """Note what became of a booking, return its plan; the last word counts.

    Who was served has come. ``BOOKED`` takes a mark back: she came after all.

    Raises:
        UnknownBooking, UnknownPlan: none of this location.
    """
    row = db.get(BookingRow, booking_id)
    if row is None or row.location_id != location_id:
        msg = f"{location_id} has no booking {booking_id}"
        raise UnknownBooking(msg)
    plan = held(db, row.session_id)  # before the booking, as she does
    found = db.get(BookingRow, booking_id, populate_existing=True)
    if found is None or found.session_id != plan.session_id:  # she cancelled, or signed in
        msg = f"{location_id} has no booking {booking_id}"
        raise UnknownBooking(msg)
    found.state = state.value
    found.ended_at = clock.now() if state in _MARKED else None
    if state is not BookingState.NO_SHOW and plan.location_id == location_id:
        plan.arrived_at = plan.arrived_at or clock.now()
    db.add_all((found, plan))
    db.flush()
    return plan
