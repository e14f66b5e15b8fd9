"""Every select of the operator's pages that no feature of the gateway has already."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session, col, func, select

from gateway.dead_letters.service import OUTCOME_DONE
from gateway.dead_letters.tables import DeadLetterRow
from gateway.ingest.tables import DeviceEventRow, DeviceStreamRow, SequenceGapRow
from gateway.twin.tables import TwinRow
from inventory_api.catalogue.tables import LocationRow
from mobile_api.look.words import Words

EVENTS_MAX: Final = 40  # what fits two screens; the page is live
GAPS_MAX: Final = 50


def location_names(db: Session, spoken: Words) -> dict[str, str]:
    """Return the names of all locations by id."""
    return {row.id: spoken.of(row.name_i18n, row.name) for row in db.exec(select(LocationRow))}


def twins(db: Session) -> dict[str, TwinRow]:
    """Return the twins of all devices."""
    return {row.device_id: row for row in db.exec(select(TwinRow))}


def gap_counts(db: Session) -> dict[str, int]:
    """Return how many sequence gaps each device has."""
    found = db.exec(
        select(SequenceGapRow.device_id, func.count()).group_by(col(SequenceGapRow.device_id))
    )
    return dict(found.all())


def gaps(db: Session, device_id: str) -> Sequence[SequenceGapRow]:
    """Return a device's gaps, the newest first."""
    return db.exec(
        select(SequenceGapRow)
        .where(SequenceGapRow.device_id == device_id)
        .order_by(col(SequenceGapRow.noted_at).desc())
        .limit(GAPS_MAX)
    ).all()


def streams(db: Session, device_id: str) -> Sequence[DeviceStreamRow]:
    """Return a device's spools, the one that was heard last first."""
    return db.exec(
        select(DeviceStreamRow)
        .where(DeviceStreamRow.device_id == device_id)
        .order_by(col(DeviceStreamRow.updated_at_us).desc())
        .limit(GAPS_MAX)
    ).all()


def events(db: Session, device_id: str) -> Sequence[DeviceEventRow]:
    """Return what a device said last; an event's text is not kept, only that it came."""
    return db.exec(
        select(DeviceEventRow)
        .where(DeviceEventRow.device_id == device_id)
        .order_by(col(DeviceEventRow.received_at_us).desc(), col(DeviceEventRow.sequence).desc())
        .limit(EVENTS_MAX)
    ).all()


def letters_by_reason(db: Session) -> dict[str, int]:
    """Return how many dead letters wait, by reason."""
    found = db.exec(
        select(DeadLetterRow.reason, func.count())
        .where(DeadLetterRow.outcome != OUTCOME_DONE)
        .group_by(col(DeadLetterRow.reason))
        .order_by(func.count().desc())
    )
    return dict(found.all())


def letters_of(db: Session, device_id: str) -> int:
    """Return how many dead letters of a device wait."""
    return db.exec(
        select(func.count()).where(
            DeadLetterRow.device_id == device_id, DeadLetterRow.outcome != OUTCOME_DONE
        )
    ).one()
