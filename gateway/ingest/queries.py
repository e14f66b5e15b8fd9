"""What the gateway has of every device's spool, for operators and for whoever counts after it."""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from gateway.ingest.tables import (
    DeviceEventPastRow,
    DeviceEventRow,
    DeviceStreamRow,
    SequenceGapRow,
)


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
    past = select(
        DeviceEventPastRow.device_id, DeviceEventPastRow.spool, func.sum(DeviceEventPastRow.events)
    ).group_by(col(DeviceEventPastRow.device_id), col(DeviceEventPastRow.spool))
    for device_id, spool, count in db.exec(past):
        events[device_id, spool] = events.get((device_id, spool), 0) + int(count)
    given_up = dict[tuple[str, str], int]()
    for gap in db.exec(select(SequenceGapRow)):
        key = (gap.device_id, gap.spool)
        given_up[key] = given_up.get(key, 0) + gap.last - gap.first + 1
    lacking = missing(db)
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
            lacking.get((row.device_id, row.spool), 0),
            row.channel,
        )
        for row in rows
    ]


def missing(db: Session, device_id: str | None = None) -> dict[tuple[str, str], int]:
    """Return how many numbers lack before the last one of each spool that has a hole.

    Only events of spools with a hole are looked at: nearly always of none.
    """
    past = (
        select(
            DeviceStreamRow.device_id,
            DeviceStreamRow.spool,
            func.max(DeviceStreamRow.heard_through) - func.max(DeviceStreamRow.stored_through),
            func.count(func.distinct(DeviceEventRow.sequence)),
        )
        .join(
            DeviceEventRow,
            (col(DeviceEventRow.device_id) == col(DeviceStreamRow.device_id))
            & (col(DeviceEventRow.spool) == col(DeviceStreamRow.spool))
            & (col(DeviceEventRow.sequence) > col(DeviceStreamRow.stored_through)),
        )
        .where(col(DeviceStreamRow.heard_through) > col(DeviceStreamRow.stored_through))
        .group_by(col(DeviceStreamRow.device_id), col(DeviceStreamRow.spool))
    )
    if device_id is not None:
        past = past.where(DeviceStreamRow.device_id == device_id)
    return {(device, spool): span - count for device, spool, span, count in db.exec(past)}


def waiting_for_missing(db: Session) -> int:
    """Return how many spools wait for numbers that were lost on the way."""
    return db.exec(
        select(func.count()).where(
            col(DeviceStreamRow.heard_through) > col(DeviceStreamRow.stored_through)
        )
    ).one()
