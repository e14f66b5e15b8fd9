"""Every select of the registry."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from cart.db.rows import TEXT, run
from cart.kernel.clock import Clock, from_us
from cart.kernel.errors import UnknownDevice
from gateway.registry.model import (
    DeviceRecord,
    ListedDevice,
    Verified,
    credential_matches,
)
from gateway.registry.tables import DeviceRow, DeviceSeenRow
from gateway.wire.credential import credential_hash
from gateway.wire.topics import DeviceAddress

LIST_MAX = 10_000  # devices in one answer; a chain has fewer
# Compared when there is no such device, so that the answer takes the same time.
_NOBODY = credential_hash("")


def devices_by_id(db: Session, ids: Iterable[str]) -> dict[str, DeviceRecord]:
    """Return the devices among ``ids`` that exist, revoked ones too; one statement."""
    found = run(
        db,
        'SELECT v.id, v.kind, v."partition", v.location_id, v.revoked_at IS NOT NULL'
        " FROM {rows} JOIN device AS v ON v.id = d.id",
        (("id", TEXT),),
        [(device_id,) for device_id in set(ids)],
    )
    return {
        row[0]: DeviceRecord(row[0], row[1], DeviceAddress(row[2], row[3], row[0]), bool(row[4]))
        for row in found
    }


def verify_credential(
    db: Session, clock: Clock, device_id: str, credential: str
) -> Verified | None:
    """Return the device if ``credential`` is its own and it is not revoked, else None.

    Its own is the present one, and the one before until its time is over.
    """
    row = db.get(DeviceRow, device_id)
    matches = credential_matches(credential, _NOBODY if row is None else row.credential_hash)
    if row is None or row.revoked_at is not None:
        return None
    record = DeviceRecord(
        row.id, row.kind, DeviceAddress(row.partition, row.location_id, row.id), revoked=False
    )
    before = row.previous_until is not None and row.previous_until > clock.now()
    if matches:
        return Verified(record, row.credential_hash, first_use=row.previous_until is not None)
    if before and credential_matches(credential, row.previous_hash):
        return Verified(record, row.previous_hash)
    return None


def current_hashes(db: Session, clock: Clock, ids: Iterable[str]) -> dict[str, set[str]]:
    """Return the hashes of what each of these devices may connect with; one statement.

    Those that may not at all are absent.
    """
    found = run(
        db,
        "SELECT v.id, v.credential_hash, v.previous_hash,"
        " COALESCE(v.previous_until > :now, false)"
        " FROM {rows} JOIN device AS v ON v.id = d.id WHERE v.revoked_at IS NULL",
        (("id", TEXT),),
        [(device_id,) for device_id in set(ids)],
        {"now": clock.now()},
    )
    return {row[0]: {row[1], row[2]} if row[3] else {row[1]} for row in found}


def credential_hashes(db: Session) -> dict[str, str | None]:
    """Return every device's credential hash by id, None for one that may not connect."""
    found = db.exec(
        select(DeviceRow.id, DeviceRow.credential_hash, DeviceRow.revoked_at).order_by(DeviceRow.id)
    )
    return {device_id: None if revoked_at else kept for device_id, kept, revoked_at in found}


def addresses(db: Session) -> list[DeviceAddress]:
    """Return where every device that may connect lives on the broker, by id."""
    found = db.exec(
        select(DeviceRow.partition, DeviceRow.location_id, DeviceRow.id)
        .where(col(DeviceRow.revoked_at).is_(None))
        .order_by(DeviceRow.id)
    )
    return [DeviceAddress(*row) for row in found]


def receivers(db: Session) -> list[DeviceAddress]:
    """Return where every receiver that may connect lives on the broker, by id."""
    found = db.exec(
        select(DeviceRow.partition, DeviceRow.location_id, DeviceRow.id)
        .where(col(DeviceRow.revoked_at).is_(None), DeviceRow.kind == "receiver")
        .order_by(DeviceRow.id)
    )
    return [DeviceAddress(*row) for row in found]


def receivers_at(db: Session, location_id: str) -> list[str]:
    """Return the ids of the receivers of a location that are online."""
    return list(
        db.exec(
            select(DeviceRow.id)
            .join(DeviceSeenRow, col(DeviceSeenRow.device_id) == DeviceRow.id)
            .where(
                col(DeviceRow.revoked_at).is_(None),
                DeviceRow.kind == "receiver",
                DeviceRow.location_id == location_id,
                col(DeviceSeenRow.online),
            )
            .order_by(DeviceRow.id)
        )
    )


def listed(db: Session, *, location_id: str | None = None) -> list[ListedDevice]:
    """Return the devices (of a location) with when they were last seen, by location and id."""
    statement = (
        select(DeviceRow, DeviceSeenRow)
        .join(DeviceSeenRow, col(DeviceSeenRow.device_id) == DeviceRow.id, isouter=True)
        .order_by(DeviceRow.location_id, DeviceRow.id)
        .limit(LIST_MAX)
    )
    if location_id is not None:
        statement = statement.where(DeviceRow.location_id == location_id)
    return [_listed(device, seen) for device, seen in db.exec(statement)]


def device(db: Session, device_id: str) -> ListedDevice:
    """Return one device with when it was last seen.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
    """
    row = db.get(DeviceRow, device_id)
    if row is None:
        msg = f"there is no device {device_id!r}"
        raise UnknownDevice(msg, device_id=device_id)
    return _listed(row, db.get(DeviceSeenRow, device_id))


def _listed(device: DeviceRow, seen: DeviceSeenRow | None) -> ListedDevice:
    return ListedDevice(
        id=device.id,
        kind=device.kind,
        name=device.name,
        location_id=device.location_id,
        partition=device.partition,
        enrolled_at=device.enrolled_at,
        revoked_at=device.revoked_at,
        last_seen_at=from_us(seen.last_seen_at_us) if seen else None,
        online=seen.online if seen else False,
        since=from_us(seen.since_us) if seen else None,
    )
