"""What the gateway has of every device's spool, for operators and for whoever counts after it."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from gateway.ingest.tables import DeviceEventRow, DeviceStreamRow, SequenceGapRow


@dataclass(frozen=True, slots=True)
class Stream:
    """One spool: stored without a hole through a number, how many events, how many given up.

    ``missing``: numbers past it that are asked for, because later ones have come.
    """

    device_id: str
    spool: str
    stored_through: int
    events: int
    given_up: int
    missing: int = 0
    channel: str = "events"


def streams(db: Session) -> list[Stream]:
    """Return every spool that was ever heard of, by device."""
    events = dict[tuple[str, str], int]()
    counted = select(
        DeviceEventRow.device_id,
        DeviceEventRow.spool,
        func.count(func.distinct(DeviceEventRow.sequence)),
    ).group_by(col(DeviceEventRow.device_id), col(DeviceEventRow.spool))
    for device_id, spool, count in db.exec(counted):
        events[device_id, spool] = count
    given_up = dict[tuple[str, str], int]()
    for gap in db.exec(select(SequenceGapRow)):
        key = (gap.device_id, gap.spool)
        given_up[key] = given_up.get(key, 0) + gap.last - gap.first + 1
    missing = _missing(db)
    rows = db.exec(
        select(DeviceStreamRow).order_by(
            col(DeviceStreamRow.device_id), col(DeviceStreamRow.updated_at_us)
        )
    )
    return [
        Stream(
            row.device_id,
            row.spool,
            row.stored_through,
            events.get((row.device_id, row.spool), 0),
            given_up.get((row.device_id, row.spool), 0),
            missing.get((row.device_id, row.spool), 0),
            row.channel,
        )
        for row in rows
    ]


def _missing(db: Session) -> dict[tuple[str, str], int]:
    """Return how many numbers lack before the last one of each spool that has a hole."""
    past = (
        select(
            DeviceEventRow.device_id,
            DeviceEventRow.spool,
            func.max(DeviceEventRow.sequence) - func.min(DeviceStreamRow.stored_through),
            func.count(func.distinct(DeviceEventRow.sequence)),
        )
        .join(
            DeviceStreamRow,
            (col(DeviceStreamRow.device_id) == col(DeviceEventRow.device_id))
            & (col(DeviceStreamRow.spool) == col(DeviceEventRow.spool)),
        )
        .where(col(DeviceEventRow.sequence) > col(DeviceStreamRow.stored_through))
        .group_by(col(DeviceEventRow.device_id), col(DeviceEventRow.spool))
    )
    return {(device, spool): span - count for device, spool, span, count in db.exec(past)}
