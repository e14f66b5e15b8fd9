"""When an order can be ready: quarter hours inside opening hours, with what is left of each.

The calendar is pure; ``take`` and ``give_back`` move a slot by one guarded statement.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select, update

from cart.db.guarded import insert_or_change
from cart.kernel.clock import EPOCH
from cart.orders.tables import SlotRow

QUARTER: Final = timedelta(minutes=15)
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_AHEAD: Final = 7  # a shop that is closed for longer promises nothing
SLOTS_MAX: Final = 120  # two long days: what a person can choose from on a phone
HOUR_END_OF_DAY: Final = 24  # feeds write midnight at the end of a day as 24:00


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter hour. ``left`` None: the location sets no limit; 0: full, it cannot be chosen."""

    starts_at: datetime
    left: int | None


@dataclass(frozen=True, slots=True)
class Promise:
    """When an order is to be ready, and the quarter hour whose capacity that takes."""

    at: datetime
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a location can promise. Without opening hours it is taken to be always open.

    ``offers``: what was offered from a quarter hour on, shared by the calendars of one moment.
    """

    hours: Mapping[str, Any]
    timezone: str
    ready_at: datetime
    capacity: int | None
    taken: Mapping[datetime, int]
    offers: dict[datetime, tuple[Slot, ...]] = field(default_factory=dict, compare=False)

    def soonest(self) -> Promise | None:
        """Return the first moment at which an order can be ready; None: not within DAYS_AHEAD."""
        for starts_at in self._quarters(self.ready_at):
            if self._left(starts_at) != 0:
                return Promise(max(starts_at, self.ready_at), starts_at)
        return None

    def offered(self) -> tuple[Slot, ...]:
        """Return the quarter hours that can be chosen, and the full ones between them.

        SLOTS_MAX of either kind at most: a shop that is full for two days still offers the third.
        """
        since = floor_quarter(self.ready_at + QUARTER)  # it ends after all moments within it
        if since not in self.offers:
            self.offers[since] = self._offered(since)
        return self.offers[since]

    def _offered(self, since: datetime) -> tuple[Slot, ...]:
        slots: list[Slot] = []
        free = 0
        for starts_at in self._quarters(since):
            left = self._left(starts_at)
            if left != 0 or len(slots) < SLOTS_MAX:
                slots.append(Slot(starts_at, left))
                free += left != 0
            if free == SLOTS_MAX:
                break
        return tuple(slots)

    def promise(self, slot_at: datetime | None) -> Promise | None:
        """Return the promise of a chosen slot, or the soonest; None: it cannot be kept."""
        if slot_at is None:
            return self.soonest()
        if slot_at < self.ready_at or self._left(slot_at) == 0:
            return None
        inside = next(self._quarters(slot_at), None) == slot_at
        return Promise(slot_at, slot_at) if inside else None

    def _left(self, starts_at: datetime) -> int | None:
        if self.capacity is None:
            return None
        return max(0, self.capacity - self.taken.get(starts_at, 0))

    def _quarters(self, until: datetime) -> Iterator[datetime]:
        """Yield the beginnings of quarter hours that are open and end after ``until``, in UTC."""
        start = floor_quarter(until)
        for opens, closes in self._openings(start):
            starts_at = max(floor_quarter(opens), start)
            if starts_at < opens:
                starts_at += QUARTER
            while starts_at + QUARTER <= closes:
                if starts_at + QUARTER > until:
                    yield starts_at
                starts_at += QUARTER

    def _openings(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        if not self.hours:
            yield start, start + timedelta(days=DAYS_AHEAD)
            return
        zone = ZoneInfo(self.timezone)
        today = start.astimezone(zone).date()
        for days in range(DAYS_AHEAD + 1):
            day = today + timedelta(days=days)
            for begins, ends in sorted(self.hours.get(WEEKDAYS[day.weekday()]) or ()):
                yield _moment(day, begins, zone), _moment(day, ends, zone)


def next_opening_day(hours: Mapping[str, Any], timezone: str, now: datetime) -> datetime:
    """Return when a location opens on the first day after today that it opens, in UTC.

    Without opening hours, or where it stays closed for DAYS_AHEAD: a day from ``now``.
    """
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    for days in range(1, DAYS_AHEAD + 1):
        day = today + timedelta(days=days)
        opens = [begins for begins, _ in hours.get(WEEKDAYS[day.weekday()]) or ()]
        if opens:
            return _moment(day, min(opens), zone)
    return now + timedelta(days=1)


def floor_quarter(moment: datetime) -> datetime:
    """Return the beginning of the quarter hour in UTC; every zone is whole quarters away from it.

    Source: the tz database since 1972 (Nepal and the Chatham Islands have the odd quarters).
    """
    return moment - (moment - EPOCH) % QUARTER


def _moment(day: date, text: str, zone: ZoneInfo) -> datetime:
    hour, _, minute = text.partition(":")
    if int(hour) == HOUR_END_OF_DAY:
        day, hour, minute = day + timedelta(days=1), "0", "0"
    local = datetime.combine(day, time(int(hour), int(minute or 0)), zone)
    return local.astimezone(UTC)


def taken(db: Session, location_id: str, since: datetime) -> dict[datetime, int]:
    """Return how many orders are promised for each quarter hour from ``since``'s on."""
    until = since + timedelta(days=DAYS_AHEAD + 1)
    found = db.exec(
        select(SlotRow.starts_at, SlotRow.taken).where(
            col(SlotRow.location_id) == location_id,
            col(SlotRow.starts_at).between(floor_quarter(since), until),
        )
    )
    return dict(found.all())


def take(
    db: Session, *, location_id: str, starts_at: datetime, capacity: int, count: int = 1
) -> bool:
    """Take the places of orders in a quarter hour; False: too few are left, and nothing changed."""
    return count <= capacity and insert_or_change(
        db,
        SlotRow,
        {"location_id": location_id, "starts_at": starts_at, "taken": count},
        keys=("location_id", "starts_at"),
        change={"taken": col(SlotRow.taken) + count},
        where=col(SlotRow.taken) <= capacity - count,
    )


def give_back(db: Session, *, location_id: str, starts_at: datetime) -> None:
    """Give an order's place in a quarter hour back."""
    db.exec(
        update(SlotRow)
        .where(
            col(SlotRow.location_id) == location_id,
            col(SlotRow.starts_at) == starts_at,
            col(SlotRow.taken) > 0,
        )
        .values(taken=SlotRow.taken - 1)
    )
