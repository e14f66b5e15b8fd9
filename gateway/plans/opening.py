"""When a visit can be planned: quarter hours in which the shop is open, and what is free then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from cart.kernel.errors import TimeNotOffered
from cart.orders.slots import DAYS_AHEAD, QUARTER, Calendar, Slot, floor_quarter
from cart.ports import LocationFacts
from gateway.floor.model import Serves
from gateway.floor.tables import ServingZoneRow
from gateway.plans.route import Kind
from gateway.plans.tables import BookingSlotRow

# Which places serve what can be booked: somebody at a desk is an adviser for who has booked her.
SERVING: Final[Mapping[Kind, Serves]] = {
    Kind.FITTING_ROOM: Serves.FITTING_ROOM,
    Kind.ADVISER: Serves.DESK,
}
BOOKABLE: Final = tuple(SERVING)
# What is ready at twelve is offered from a quarter past; a visit can begin at twelve.
_JUST_BEFORE: Final = timedelta(seconds=1)
_DAY_STEP: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a shop by its own clock, and the quarter hours of it that can be chosen."""

    starts: tuple[Slot, ...]


def _calendar(
    facts: LocationFacts,
    since: datetime,
    capacity: int | None = None,
    taken: Mapping[datetime, int] | None = None,
) -> Calendar:
    return Calendar(
        hours=facts.opening_hours,
        timezone=facts.timezone,
        ready_at=since,
        capacity=capacity,
        taken=taken or {},
    )


def days(facts: LocationFacts, now: datetime) -> tuple[Day, ...]:
    """Return the days on which a visit can be planned, today first if the shop is open still."""
    zone = ZoneInfo(facts.timezone)
    found = []
    since = now
    for _ in range(DAYS_AHEAD):
        day = since.astimezone(zone).date()
        offered = _calendar(facts, since - _JUST_BEFORE).offered()
        starts = tuple(
            one
            for one in offered
            if one.starts_at.astimezone(zone).date() == day and one.starts_at + QUARTER > now
        )
        if starts:
            found.append(Day(starts))
        since = datetime.combine(day + _DAY_STEP, datetime.min.time(), zone)
    return tuple(found)


def check_open(facts: LocationFacts, now: datetime, starts_at: datetime) -> None:
    """Raise TimeNotOffered unless a visit can begin then: a quarter hour, open, within a week."""
    too_late = starts_at + QUARTER <= now or starts_at > now + timedelta(days=DAYS_AHEAD)
    whole = starts_at == floor_quarter(starts_at)
    if too_late or not whole or _calendar(facts, starts_at).promise(starts_at) is None:
        msg = f"{facts.id} offers nothing at {starts_at.isoformat()}"
        raise TimeNotOffered(msg)


def same_day(facts: LocationFacts, one: datetime, other: datetime) -> bool:
    """Say whether two moments are on one day by the shop's clock."""
    zone = ZoneInfo(facts.timezone)
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def day_of(facts: LocationFacts, moment: datetime) -> tuple[datetime, datetime]:
    """Return when the shop's day of this moment begins and when it ends."""
    zone = ZoneInfo(facts.timezone)
    begins = datetime.combine(moment.astimezone(zone).date(), datetime.min.time(), zone)
    return begins, datetime.combine(begins.date() + _DAY_STEP, datetime.min.time(), zone)


def serving_zones(db: Session, location_id: str, kind: Kind) -> list[ServingZoneRow]:
    """Return the zones at which this kind can be booked, by id."""
    rows = db.exec(
        select(ServingZoneRow)
        .where(
            ServingZoneRow.location_id == location_id,
            ServingZoneRow.serves == SERVING[kind].value,
            ServingZoneRow.bookable > 0,
        )
        .order_by(col(ServingZoneRow.zone_id))
        .execution_options(populate_existing=True)
    )
    return list(rows)


def bookable(db: Session, location_id: str) -> tuple[Kind, ...]:
    """Return what can be booked at a location at all."""
    return tuple(kind for kind in BOOKABLE if serving_zones(db, location_id, kind))


def free(
    db: Session, clock: Clock, facts: LocationFacts, kind: Kind, comes_at: datetime
) -> tuple[Slot, ...]:
    """Return the quarter hours of that day with what is free of a kind, from her coming on."""
    zones = serving_zones(db, facts.id, kind)
    if not zones:
        return ()
    begins, ends = day_of(facts, comes_at)
    rows = db.exec(
        select(BookingSlotRow)
        .where(
            BookingSlotRow.location_id == facts.id,
            col(BookingSlotRow.starts_at) >= begins,
            col(BookingSlotRow.starts_at) < ends,
        )
        .execution_options(populate_existing=True)
    )
    limits = {zone.zone_id: zone.bookable for zone in zones}
    taken: dict[datetime, int] = {}
    for row in rows:
        # A zone that was drawn smaller since has no more than all of its places taken.
        here = min(row.taken, limits.get(row.zone_id, 0))
        taken[row.starts_at] = taken.get(row.starts_at, 0) + here
    since = max(comes_at, clock.now())
    offered = _calendar(facts, since - _JUST_BEFORE, sum(limits.values()), taken).offered()
    return tuple(one for one in offered if since <= one.starts_at < ends)
