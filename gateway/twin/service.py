"""Commands of the twin: an operator's wish, and what devices report.

Sends nothing: whoever takes in a device's health asks :func:`pending` and sends
the command. A wish thus waits for a device that is switched off.
"""

from collections.abc import Iterable
from typing import Unpack

from sqlmodel import Session

from cart.db import is_sqlite
from cart.db.rows import BIGINT, INTEGER, TEXT, run
from cart.kernel.errors import UnknownDevice
from gateway.twin.model import Desired, Report, desired_data, merged
from gateway.twin.queries import pending_of
from gateway.twin.tables import TwinRow
from gateway.wire.downlink import DesiredData

_DESIRED_COLUMNS = (("device_id", TEXT),)
_REPORT_COLUMNS = (
    ("device_id", TEXT),
    ("reported", TEXT),
    ("reported_version", INTEGER),
    ("at_us", BIGINT),
)


def set_desired(db: Session, device_id: str, **change: Unpack[Desired]) -> int:
    """Merge ``change`` into what is desired of the device; return the version it came to.

    A change that changes nothing gives no new version.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
        InvalidInput: a value that the wire does not allow.
    """
    run(
        db,
        "INSERT INTO twin (device_id, desired, desired_version, reported, reported_version)"
        " SELECT v.id, '{}', 0, '{}', 0 FROM {rows} JOIN device AS v ON v.id = d.device_id"
        " WHERE true ON CONFLICT (device_id) DO NOTHING",
        _DESIRED_COLUMNS,
        [(device_id,)],
    )
    row = db.get(TwinRow, device_id, with_for_update=True, populate_existing=True)
    if row is None:
        msg = f"there is no device {device_id!r}"
        raise UnknownDevice(msg, device_id=device_id)
    wishes = merged(row.desired, change)
    if wishes != row.desired:
        desired_data(row.desired_version + 1, wishes)
        row.desired, row.desired_version = wishes, row.desired_version + 1
        db.add(row)
        db.flush()
    return row.desired_version


def report(db: Session, reports: Iterable[Report]) -> None:
    """Keep each device's latest health, in the order of ``reports``; one statement.

    Devices that are not enrolled are passed over.
    """
    latest = {one.device_id: one for one in reports}
    reported = "d.reported" if is_sqlite(db.connection()) else "CAST(d.reported AS jsonb)"
    run(
        db,
        "INSERT INTO twin"  # noqa: S608 - one of two constants
        " (device_id, desired, desired_version, reported, reported_version, reported_at_us)"
        f" SELECT v.id, '{{}}', 0, {reported}, d.reported_version, d.at_us"
        " FROM {rows} JOIN device AS v ON v.id = d.device_id WHERE true ORDER BY v.id"
        " ON CONFLICT (device_id) DO UPDATE SET reported = excluded.reported,"
        " reported_version = excluded.reported_version, reported_at_us = excluded.reported_at_us",
        _REPORT_COLUMNS,
        [
            (
                one.device_id,
                one.health.model_dump_json(exclude_none=True),
                one.health.desired_version,
                one.at_us,
            )
            for one in latest.values()
        ],
    )


def pending(db: Session, device_id: str) -> DesiredData | None:
    """Return what the device has still to become, None when it has reported that it is."""
    return pending_of(db, [device_id]).get(device_id)
