"""Every select of the twin."""

import json
from collections.abc import Iterable

from sqlmodel import Session

from cart.db import is_sqlite
from cart.db.rows import TEXT, run
from cart.kernel.clock import from_us
from gateway.twin.model import Twin, desired_data
from gateway.twin.tables import TwinRow
from gateway.wire.downlink import DesiredData
from gateway.wire.events import HealthData


def pending_of(db: Session, device_ids: Iterable[str]) -> dict[str, DesiredData]:
    """Return what each of these devices has still to become; those that are up to date miss."""
    # Text on both databases: PostgreSQL would hand over a dict, SQLite the text it keeps.
    desired = "t.desired" if is_sqlite(db.connection()) else "CAST(t.desired AS text)"
    found = run(
        db,
        f"SELECT t.device_id, t.desired_version, {desired}"  # noqa: S608 - one of two constants
        " FROM {rows} JOIN twin AS t ON t.device_id = d.id"
        " WHERE t.reported_version < t.desired_version",
        (("id", TEXT),),
        [(device_id,) for device_id in set(device_ids)],
    )
    return {row[0]: _desired(row[1], row[2]) for row in found}


def _desired(version: int, text: str) -> DesiredData:
    return desired_data(version, json.loads(text))


def twin(db: Session, device_id: str) -> Twin:
    """Return both halves; empty ones for a device that was never heard nor asked anything."""
    row = db.get(TwinRow, device_id)
    if row is None:
        return Twin(device_id, None, None, None)
    return Twin(
        device_id,
        desired_data(row.desired_version, row.desired) if row.desired_version else None,
        HealthData.model_validate_json(json.dumps(row.reported)) if row.reported else None,
        from_us(row.reported_at_us) if row.reported_at_us is not None else None,
    )
