"""Rows that make every event count once and every gap visible."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

CHANNEL_LENGTH_MAX = 16


class DeviceEventRow(SQLModel, table=True):
    """An event that is committed: the key is the CloudEvents pair (source, id).

    What it did is in the carts; its text is not kept, an address in it would be.
    """

    __tablename__ = "device_event"
    __table_args__ = (
        Index("ix_device_event_received", "device_id", "received_at_us"),
        {"sqlite_with_rowid": False},
    )

    device_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    event_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    spool: str = Field(max_length=ID_LENGTH_MAX)
    sequence: int = Field(sa_type=BigInteger)
    type: str = Field(max_length=64)
    at_us: int = Field(sa_type=BigInteger)
    received_at_us: int = Field(sa_type=BigInteger)


class DeviceStreamRow(SQLModel, table=True):
    """How far a device's spool is stored without a hole; ``channel``: what it is sent on.

    ``heard_through``: its highest number that came; past ``stored_through`` some are missing.
    ``condensed_through``: no later number is condensed; ``condensed_at_us``: nor is an event
    that happened later.
    """

    __tablename__ = "device_stream"

    device_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    spool: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    stored_through: int = Field(default=0, sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)
    channel: str = Field(
        default="events",
        max_length=CHANNEL_LENGTH_MAX,
        sa_column_kwargs={"server_default": "events"},
    )
    heard_through: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    condensed_through: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    condensed_at_us: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )


class DeviceEventPastRow(SQLModel, table=True):
    """Events of long ago, condensed: for each number ``first`` to ``last`` twelve bytes.

    ``digests``: as ``gateway.ingest.digests`` makes them; zeros: none of that number is
    in here. ``earliest_us`` to ``latest_us``: when they happened, by the device.
    ``events``: how many slots are not empty.
    """

    __tablename__ = "device_event_past"

    device_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    spool: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    first: int = Field(primary_key=True, sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
    earliest_us: int = Field(sa_type=BigInteger)
    latest_us: int = Field(sa_type=BigInteger)
    events: int
    digests: bytes


class SequenceGapRow(SQLModel, table=True):
    """Numbers that the device says will never come: given up by a full spool, or lost with it."""

    __tablename__ = "sequence_gap"

    device_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    spool: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    first: int = Field(primary_key=True, sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
    noted_at: datetime
