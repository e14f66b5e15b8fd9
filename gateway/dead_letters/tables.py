"""Rows of dead letters."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX


class DeadLetterRow(SQLModel, table=True):
    """A message as it came (``payload``: its bytes) and why it could not be done.

    The same bytes on the same topic again count up ``times`` instead of filling
    the table.
    """

    __tablename__ = "dead_letter"
    __table_args__ = (
        UniqueConstraint("topic", "payload_hash"),
        Index("ix_dead_letter_open", "replayed_at", "received_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    device_id: str = Field(default="", index=True, max_length=ID_LENGTH_MAX)
    topic: str = Field(max_length=255)
    payload: bytes = Field(sa_type=LargeBinary)
    payload_hash: str = Field(max_length=64)
    reason: str = Field(max_length=64)
    detail: str = Field(max_length=500)
    received_at: datetime
    last_at: datetime
    times: int = 1
    replayed_at: datetime | None = None
    outcome: str = Field(default="", max_length=64)
