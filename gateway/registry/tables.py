"""Rows of the registry."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX
from gateway.registry.model import KINDS

HASH_LENGTH_MAX = 200  # of $7$101$…: 124 characters
_KIND = f"kind IN ({', '.join(repr(kind) for kind in KINDS)})"


class DeviceRow(SQLModel, table=True):
    """A device that was enrolled. Never deleted: its events name it."""

    __tablename__ = "device"
    __table_args__ = (CheckConstraint(_KIND, name="kind"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=16)
    location_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    partition: str = Field(max_length=8)
    credential_hash: str = Field(max_length=HASH_LENGTH_MAX)
    # The one before it, good until the device has used the new one, or until this time.
    previous_hash: str = Field(
        default="", max_length=HASH_LENGTH_MAX, sa_column_kwargs={"server_default": ""}
    )
    previous_until: datetime | None = None
    name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    enrolled_at: datetime
    revoked_at: datetime | None = None


class EnrolmentRow(SQLModel, table=True):
    """Leave to enrol one device, once. The token itself is known to its holder alone."""

    __tablename__ = "enrolment"
    __table_args__ = (CheckConstraint(_KIND, name="kind"),)

    token_hash: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=16)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    device_id: str | None = Field(default=None, foreign_key="device.id", max_length=ID_LENGTH_MAX)


class DeviceSeenRow(SQLModel, table=True):
    """When a device was last heard. A table of its own: it is written all day long."""

    __tablename__ = "device_seen"

    device_id: str = Field(primary_key=True, foreign_key="device.id", max_length=ID_LENGTH_MAX)
    last_seen_at_us: int = Field(sa_type=BigInteger)
    online: bool = False
    since_us: int = Field(sa_type=BigInteger)  # since when ``online`` is what it is
