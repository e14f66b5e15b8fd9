"""Every select of floors."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from gateway.floor.model import GROUP_MIN
from gateway.floor.tables import BandPresenceRow, FloorAreaRow, FloorReceiverRow, ZoneTrafficRow
from gateway.presence.plan import Area, Plan

ROWS_MAX = 100_000  # areas, or receivers, of all floors of a chain


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """How many bands are in a zone. None: some, too few for a number (GROUP_MIN)."""

    zone_id: str
    people: int | None
    entered: int  # in this hour, rounded down to GROUP_MIN


def plans(db: Session) -> dict[str, Plan]:
    """Return the plan of every location that has one and a receiver on it."""
    areas: dict[str, dict[str, list[Area]]] = defaultdict(lambda: defaultdict(list))
    rows = select(FloorAreaRow).order_by(
        col(FloorAreaRow.location_id), col(FloorAreaRow.zone_id), col(FloorAreaRow.place)
    )
    for row in db.exec(rows.limit(ROWS_MAX)):
        areas[row.location_id][row.zone_id].append(
            Area(row.left_m, row.top_m, row.right_m, row.bottom_m)
        )
    receivers: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    hung = select(FloorReceiverRow).order_by(col(FloorReceiverRow.device_id)).limit(ROWS_MAX)
    for one in db.exec(hung):
        receivers[one.location_id][one.device_id] = (one.x_m, one.y_m)
    return {
        location: Plan({zone: tuple(some) for zone, some in zones.items()}, receivers[location])
        for location, zones in areas.items()
        if location in receivers
    }


def plan_of(db: Session, location_id: str) -> Plan:
    """Return what is drawn of a location's floor; empty where nothing is."""
    zones: dict[str, list[Area]] = defaultdict(list)
    rows = (
        select(FloorAreaRow)
        .where(FloorAreaRow.location_id == location_id)
        .order_by(col(FloorAreaRow.zone_id), col(FloorAreaRow.place))
    )
    for row in db.exec(rows):
        zones[row.zone_id].append(Area(row.left_m, row.top_m, row.right_m, row.bottom_m))
    hung = db.exec(select(FloorReceiverRow).where(FloorReceiverRow.location_id == location_id))
    receivers = {one.device_id: (one.x_m, one.y_m) for one in hung}
    return Plan({zone: tuple(some) for zone, some in zones.items()}, receivers)


def stands_at(db: Session, receiver_id: str) -> str | None:
    """Return the device that bands are held to where this receiver hangs."""
    return db.exec(
        select(FloorReceiverRow.stands_at).where(FloorReceiverRow.device_id == receiver_id)
    ).first()


def gate_of(db: Session, receiver_id: str) -> str | None:
    """Return the location at whose door this receiver reads, None if at none."""
    return db.exec(
        select(FloorReceiverRow.location_id).where(
            FloorReceiverRow.device_id == receiver_id, col(FloorReceiverRow.gate).is_not(None)
        )
    ).first()


def counts(db: Session, location_id: str, hour_us: int) -> dict[str, ZoneCount]:
    """Return how many are in each zone in which somebody is or was in this hour.

    Numbers below GROUP_MIN are not told; of those who came in only full groups.
    """
    here = db.exec(
        select(BandPresenceRow.zone_id, func.count())
        .where(BandPresenceRow.location_id == location_id)
        .group_by(BandPresenceRow.zone_id)
    )
    people = {zone: int(number) for zone, number in here}
    came = db.exec(
        select(ZoneTrafficRow.zone_id, ZoneTrafficRow.entered).where(
            ZoneTrafficRow.location_id == location_id, ZoneTrafficRow.hour_us == hour_us
        )
    )
    entered = {zone: int(number) for zone, number in came}
    return {
        zone: ZoneCount(
            zone, told(people.get(zone, 0)), entered.get(zone, 0) // GROUP_MIN * GROUP_MIN
        )
        for zone in sorted(people | entered)
    }


def told(people: int) -> int | None:
    """Return a number of people as it may be shown: None for a few, who might be known by it."""
    return None if 0 < people < GROUP_MIN else people


def present(db: Session, location_id: str) -> dict[int, str]:
    """Return the zone of every band that is at a location."""
    rows = select(BandPresenceRow.number, BandPresenceRow.zone_id).where(
        BandPresenceRow.location_id == location_id
    )
    return {number: zone for number, zone in db.exec(rows)}  # noqa: C416 - rows are no pairs to dict
