"""What the gateway has of every device's spool, for operators and for whoever counts after it."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from gateway.ingest.tables import DeviceEventRow, DeviceStreamRow, SequenceGapRow


@dataclass(frozen=True, slots=True)
class Stream:
    """One spool: stored without a hole through a number, how many events, how many given up."""

    device_id: str
    spool: str
    stored_through: int
    events: int
    given_up: int


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
        )
        for row in rows
    ]
