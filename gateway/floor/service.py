"""Commands on floors: the plan as an operator draws it, and who moves about on it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from cart.db.rows import BIGINT, INTEGER, TEXT, run
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import InvalidInput, UnknownDevice
from gateway.floor import serving
from gateway.floor.model import FloorPlan
from gateway.floor.tables import BandPresenceRow, FloorAreaRow, FloorReceiverRow, ZoneTrafficRow
from gateway.presence.changes import Change, Kind
from gateway.registry.locations import require_location
from gateway.registry.queries import devices_by_id
from inventory_api.catalogue.tables import ZoneRow

HOUR_US: Final = 3_600_000_000
# Numbers of an hour, of nobody: for as long as a shop compares with the year before.
TRAFFIC_KEPT: Final = timedelta(days=400)
# A statement of PostgreSQL takes 65,535 parameters; a shop that closes takes back thousands.
FORGOTTEN_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Settled:
    """A change that is to be kept: of whom (``loan_id``), and at which location."""

    change: Change
    location_id: str
    loan_id: str


def draw(db: Session, location_id: str, plan: FloorPlan) -> None:
    """Put this plan in the place of the one before.

    Raises:
        UnknownLocation: there is no such location.
        UnknownDevice: a device that is not enrolled.
        InvalidInput: a zone that the catalogue does not know, a device of another kind or
            location, or a receiver that stands at a receiver.
    """
    require_location(db, location_id)
    known = set(db.exec(select(ZoneRow.zone_id).where(ZoneRow.location_id == location_id)))
    for zone in plan.zone:
        if known and zone.id not in known:
            msg = f"{location_id} has no zone {zone.id!r}; it has {', '.join(sorted(known)[:20])}"
            raise InvalidInput(msg, field="zone")
    _check_devices(db, location_id, plan)
    for table in (FloorAreaRow, FloorReceiverRow):
        db.exec(delete(table).where(col(table.location_id) == location_id))
    db.add_all(
        FloorAreaRow(
            location_id=location_id,
            zone_id=zone.id,
            place=place,
            left_m=area[0],
            top_m=area[1],
            right_m=area[2],
            bottom_m=area[3],
        )
        for zone in plan.zone
        for place, area in enumerate(zone.areas)
    )
    serving.redraw(db, location_id, plan)
    db.add_all(
        FloorReceiverRow(
            device_id=one.device,
            location_id=location_id,
            x_m=one.at[0],
            y_m=one.at[1],
            stands_at=one.stands_at,
            desk=one.desk,
            gate=one.gate,
        )
        for one in plan.receiver
    )
    db.flush()


def _check_devices(db: Session, location_id: str, plan: FloorPlan) -> None:
    named = {one.device for one in plan.receiver}
    named |= {one.stands_at for one in plan.receiver if one.stands_at}
    found = devices_by_id(db, named)
    for name in sorted(named):
        if name not in found:
            msg = f"there is no device {name!r}; see `gateway devices list`"
            raise UnknownDevice(msg, device_id=name)
        if found[name].address.location_id != location_id:
            where = found[name].address.location_id
            msg = f"{name} is enrolled at {where}, not at {location_id}"
            raise InvalidInput(msg, field="receiver")
    for one in plan.receiver:
        if found[one.device].kind != "receiver":
            msg = f"{one.device} is a {found[one.device].kind}, not a receiver"
            raise InvalidInput(msg, field="receiver")
        if one.stands_at and found[one.stands_at].kind == "receiver":
            msg = f"{one.device} cannot stand at {one.stands_at}, which is a receiver itself"
            raise InvalidInput(msg, field="receiver")


_PRESENCE = (
    ("number", BIGINT),
    ("loan_id", TEXT),
    ("location_id", TEXT),
    ("zone_id", TEXT),
)
_TRAFFIC = (("location_id", TEXT), ("zone_id", TEXT), ("hour_us", BIGINT), ("entered", INTEGER))


def keep(db: Session, clock: Clock, settled: Sequence[Settled]) -> None:
    """Keep where bands are now; of several changes of one band the last one holds.

    A band that was heard somewhere else meanwhile is not taken from there by its departure.
    """
    now = clock.now()
    last = {one.change.band: one for one in settled}
    gone = [one for one in last.values() if one.change.kind is Kind.DEPARTED]
    here = [one for one in last.values() if one.change.kind is not Kind.DEPARTED]
    serving.note_stays(
        db, clock, {band: (one.location_id, one.change.zone) for band, one in last.items()}
    )
    run(
        db,
        "DELETE FROM band_presence WHERE EXISTS (SELECT 1 FROM {rows}"
        " WHERE d.number = band_presence.number AND d.location_id = band_presence.location_id)",
        _PRESENCE,
        [(one.change.band, one.loan_id, one.location_id, "") for one in gone],
    )
    run(
        db,
        "INSERT INTO band_presence (number, loan_id, location_id, zone_id, arrived_at, since)"
        " SELECT d.number, d.loan_id, d.location_id, d.zone_id, :now, :now FROM {rows}"
        " WHERE true ON CONFLICT (number) DO UPDATE SET"
        " arrived_at = CASE WHEN band_presence.loan_id = excluded.loan_id"
        " AND band_presence.location_id = excluded.location_id"
        " THEN band_presence.arrived_at ELSE excluded.arrived_at END,"
        " loan_id = excluded.loan_id, location_id = excluded.location_id,"
        " zone_id = excluded.zone_id, since = excluded.since",
        _PRESENCE,
        [(one.change.band, one.loan_id, one.location_id, one.change.zone) for one in here],
        {"now": now},
    )
    hour_us = to_us(now) // HOUR_US * HOUR_US
    entered = Counter(
        (one.location_id, one.change.zone)
        for one in settled
        if one.change.kind is not Kind.DEPARTED
    )
    run(
        db,
        "INSERT INTO zone_traffic (location_id, zone_id, hour_us, entered)"
        " SELECT d.location_id, d.zone_id, d.hour_us, d.entered FROM {rows} WHERE true"
        " ON CONFLICT (location_id, zone_id, hour_us)"
        " DO UPDATE SET entered = zone_traffic.entered + excluded.entered",
        _TRAFFIC,
        [(*key, hour_us, number) for key, number in entered.items()],
    )


def forget_loans(db: Session, loan_ids: Sequence[str]) -> set[str]:
    """Know nothing of where these loans' bands are: handed back, lost, or followed no more.

    Returns the locations at which they were.

    Raises:
        ValueError: more than FORGOTTEN_AT_ONCE.
    """
    if len(loan_ids) > FORGOTTEN_AT_ONCE:
        msg = f"{len(loan_ids)} at once, {FORGOTTEN_AT_ONCE} may be"
        raise ValueError(msg)
    wanted = col(BandPresenceRow.loan_id).in_(loan_ids)
    places = set(db.exec(select(BandPresenceRow.location_id).where(wanted)))
    db.exec(delete(BandPresenceRow).where(wanted))
    return places


def forget_at(db: Session, location_ids: Sequence[str]) -> None:
    """Forget who is at these locations: nobody has followed them for a while, or does any more."""
    db.exec(delete(BandPresenceRow).where(col(BandPresenceRow.location_id).in_(location_ids)))


def forget_traffic(db: Session, clock: Clock) -> None:
    """Delete numbers of hours that are older than TRAFFIC_KEPT."""
    before_us = to_us(clock.now() - TRAFFIC_KEPT)
    db.exec(delete(ZoneTrafficRow).where(col(ZoneTrafficRow.hour_us) < before_us))
