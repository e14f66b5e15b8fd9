"""Rows of commands to devices."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, TEXT_LENGTH_MAX


class DeviceCommandRow(SQLModel, table=True):
    """A command as it goes out (``payload`` is its JSON), and what became of it."""

    __tablename__ = "device_command"
    __table_args__ = (Index("ix_device_command_open", "device_id", "acked_at"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    device_id: str = Field(max_length=ID_LENGTH_MAX)
    type: str = Field(max_length=64)
    payload: str = Field(max_length=TEXT_LENGTH_MAX)
    issued_at: datetime
    expires_at: datetime
    acked_at: datetime | None = None
    outcome: str = Field(default="", max_length=16)
    detail: str = Field(default="", max_length=500)
