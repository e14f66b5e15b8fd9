"""What a receiver was asked to have bands do."""

from sqlmodel import Session, col, select

from gateway.commands.tables import DeviceCommandRow
from gateway.wire.band_asked import SignalData
from gateway.wire.codec import decode_command
from gateway.wire.downlink import SignalBand


def signals_of(db: Session, device_id: str) -> list[SignalData]:
    """Return them, the oldest first."""
    rows = db.exec(
        select(DeviceCommandRow)
        .where(DeviceCommandRow.device_id == device_id)
        .order_by(col(DeviceCommandRow.issued_at), col(DeviceCommandRow.id))
    ).all()
    asked = [decode_command(row.payload.encode()) for row in rows]
    return [one.data for one in asked if isinstance(one, SignalBand)]
