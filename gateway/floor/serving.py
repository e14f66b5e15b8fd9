"""Zones in which people are served: as they are drawn, how long people stay, who is before whom.

Of stays only their lengths are kept, for as long as a waiting time is reckoned from them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, func, select

from cart.db.rows import BIGINT, INTEGER, TEXT, run
from cart.kernel.clock import Clock, to_us
from gateway.floor.model import FloorPlan, Serves, TurnState
from gateway.floor.tables import BandPresenceRow, ServingZoneRow, TurnRow, ZoneStayRow
from gateway.floor.waiting import (
    STAY_MAX_S,
    STAY_MIN_S,
    Service,
    Wait,
    believed,
    service,
    told,
    wait_s,
)

# An afternoon is not a morning; in half an hour a quiet place ends no five stays.
MEASURED_OVER: Final = timedelta(hours=2)
# So coarse that a row does not tell who has just gone, and fine enough for two hours.
ENDED_STEP_US: Final = 600_000_000
SECONDS_STEP: Final = 10
STAYS_MAX: Final = 720  # rows read of a zone: with a few each it is more than a hall serves in 2 h

_STAYS: Final = (
    ("location_id", TEXT),
    ("zone_id", TEXT),
    ("ended_us", BIGINT),
    ("seconds", INTEGER),
    ("times", INTEGER),
)


@dataclass(frozen=True, slots=True)
class Queue:
    """A place that serves, as it is now.

    ``present``: bands that are there, exactly: not to be shown. ``waiting``, ``called``:
    turns. ``busy``: people who have one of its places, or will in a moment, as is believed.
    """

    zone_id: str
    serves: Serves
    places: int
    service: Service
    present: int
    waiting: int
    called: int
    busy: int

    def wait(self, turns_before: int | None = None) -> Wait:
        """Return how long who has so many turns before her waits; without: who joins now."""
        before = self.waiting if turns_before is None else turns_before
        seconds = wait_s(self.busy + before, self.places, self.service.seconds)
        return told(seconds, measured=self.service.measured)


def redraw(db: Session, location_id: str, plan: FloorPlan) -> None:
    """Put the serving zones of this plan in the place of those before; their numbers go on."""
    wanted = {zone.id: zone for zone in plan.zone if zone.serves is not None}
    here = select(ServingZoneRow).where(ServingZoneRow.location_id == location_id)
    known = {row.zone_id: row for row in db.exec(here.with_for_update())}
    for zone_id in known.keys() - wanted.keys():
        db.delete(known[zone_id])
    for zone_id, zone in wanted.items():
        row = known.get(zone_id) or ServingZoneRow(
            location_id=location_id, zone_id=zone_id, serves="", places=0, service_minutes=0
        )
        row.serves, row.places = str(zone.serves), zone.places
        row.service_minutes, row.bookable = zone.service_minutes, zone.bookable
        db.add(row)
    db.flush()


def note_stays(db: Session, clock: Clock, now_in: Mapping[int, tuple[str, str]]) -> None:
    """Count the stays that end with these bands being in (location, zone) now, "" for gone.

    Before where they are is kept: that takes the beginning of the stay away.
    """
    if not now_in:
        return
    now = clock.now()
    ended_us = to_us(now) // ENDED_STEP_US * ENDED_STEP_US
    rows = db.exec(
        select(
            BandPresenceRow.number,
            BandPresenceRow.location_id,
            BandPresenceRow.zone_id,
            BandPresenceRow.since,
        )
        .join(
            ServingZoneRow,
            (col(ServingZoneRow.location_id) == BandPresenceRow.location_id)
            & (col(ServingZoneRow.zone_id) == BandPresenceRow.zone_id),
        )
        .where(col(BandPresenceRow.number).in_(sorted(now_in)))
    ).all()
    stays: Counter[tuple[str, str, int, int]] = Counter()
    for number, location_id, zone_id, since in rows:
        seconds = round((now - since).total_seconds() / SECONDS_STEP) * SECONDS_STEP
        if now_in[number] != (location_id, zone_id) and STAY_MIN_S <= seconds <= STAY_MAX_S:
            stays[location_id, zone_id, ended_us, seconds] += 1
    run(
        db,
        "INSERT INTO zone_stay (location_id, zone_id, ended_us, seconds, times)"
        " SELECT d.location_id, d.zone_id, d.ended_us, d.seconds, d.times FROM {rows} WHERE true"
        " ON CONFLICT (location_id, zone_id, ended_us, seconds)"
        " DO UPDATE SET times = zone_stay.times + excluded.times",
        _STAYS,
        [(*key, times) for key, times in sorted(stays.items())],
    )


def forget_stays(db: Session, clock: Clock) -> None:
    """Delete stays from which no waiting time is reckoned any more."""
    before_us = to_us(clock.now() - MEASURED_OVER) // ENDED_STEP_US * ENDED_STEP_US
    db.exec(delete(ZoneStayRow).where(col(ZoneStayRow.ended_us) < before_us))


def locations_that_serve(db: Session) -> set[str]:
    """Return the locations that have a serving place."""
    return set(db.exec(select(ServingZoneRow.location_id).distinct()))


def queues(db: Session, clock: Clock, location_id: str) -> list[Queue]:
    """Return the serving places of a location, by zone; none where nothing is drawn to serve."""
    zones = db.exec(
        select(ServingZoneRow)
        .where(ServingZoneRow.location_id == location_id)
        .order_by(col(ServingZoneRow.zone_id))
        .execution_options(populate_existing=True)
    ).all()
    if not zones:
        return []
    there = db.execute(
        select(BandPresenceRow.zone_id, func.count())
        .where(BandPresenceRow.location_id == location_id)
        .group_by(BandPresenceRow.zone_id)
    )
    people = {row[0]: row[1] for row in there}
    turns = Counter[tuple[str, str]]()
    open_turns = db.execute(
        select(TurnRow.zone_id, TurnRow.state, func.count())
        .where(
            TurnRow.location_id == location_id,
            col(TurnRow.state).in_([TurnState.WAITING.value, TurnState.CALLED.value]),
        )
        .group_by(TurnRow.zone_id, TurnRow.state)
    )
    for zone_id, state, count in open_turns:
        turns[zone_id, state] = count
    return [_queue(db, clock, zone, people.get(zone.zone_id, 0), turns) for zone in zones]


def _queue(
    db: Session,
    clock: Clock,
    zone: ServingZoneRow,
    present: int,
    turns: Mapping[tuple[str, str], int],
) -> Queue:
    now = clock.now()
    since_us = to_us(now - MEASURED_OVER) // ENDED_STEP_US * ENDED_STEP_US
    stays = db.execute(
        select(ZoneStayRow.seconds, ZoneStayRow.times)
        .where(
            ZoneStayRow.location_id == zone.location_id,
            ZoneStayRow.zone_id == zone.zone_id,
            col(ZoneStayRow.ended_us) >= since_us,
        )
        .order_by(col(ZoneStayRow.ended_us).desc(), col(ZoneStayRow.seconds))
        .limit(STAYS_MAX)
    ).all()
    took = service(
        (seconds for seconds, times in stays for _ in range(times)), zone.service_minutes
    )
    # Who was called and came is being served for about so long, with a band or without one.
    served = db.execute(
        select(func.count())
        .select_from(TurnRow)
        .where(
            TurnRow.location_id == zone.location_id,
            TurnRow.zone_id == zone.zone_id,
            TurnRow.state == TurnState.CAME.value,
            col(TurnRow.ended_at) > now - timedelta(seconds=took.seconds),
        )
    ).scalar_one()
    called = turns[zone.zone_id, TurnState.CALLED.value]
    return Queue(
        zone_id=zone.zone_id,
        serves=Serves(zone.serves),
        places=zone.places,
        service=took,
        present=present,
        waiting=turns[zone.zone_id, TurnState.WAITING.value],
        called=called,
        busy=max(believed(present), min(served, zone.places)) + called,
    )
