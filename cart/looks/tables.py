"""Rows of looks, of the keys that open them, of their uploads and links."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from cart.carts.tables import DEVICE_LENGTH_MAX
from cart.db.columns import ID_LENGTH_MAX

HASH_LENGTH = 64  # hex SHA-256
PUBLIC_LENGTH = 43  # base64url of 32 bytes
SEALED_LENGTH_MAX = 160  # base64url of a key that HPKE sealed: 107


class LookKeyRow(SQLModel, table=True):
    """A key pair that looks of a shopper session are sealed to; here is the public half.

    The private half is in ``look_phone``, sealed to each phone that may open; and in
    ``pin_sealed``, if she has set a PIN.
    """

    __tablename__ = "look_key"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    public_key: str = Field(max_length=PUBLIC_LENGTH)
    pin_sealed: str = Field(default="", max_length=SEALED_LENGTH_MAX)
    created_at: datetime


class LookPhoneRow(SQLModel, table=True):
    """That a phone opens what is sealed to a key. ``pin_said_at``: when she last said her PIN."""

    __tablename__ = "look_phone"

    key_id: str = Field(primary_key=True, foreign_key="look_key.id", max_length=ID_LENGTH_MAX)
    phone_name: str = Field(primary_key=True, max_length=HASH_LENGTH)
    sealed: str = Field(max_length=SEALED_LENGTH_MAX)
    device: str = Field(default="", max_length=DEVICE_LENGTH_MAX)
    created_at: datetime
    pin_said_at: datetime | None = None


class LookAskRow(SQLModel, table=True):
    """A phone that asks to open looks; one that can has to let it in."""

    __tablename__ = "look_ask"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    public_key: str = Field(max_length=PUBLIC_LENGTH)
    device: str = Field(default="", max_length=DEVICE_LENGTH_MAX)
    asked_at: datetime
    expires_at: datetime = Field(index=True)


class LookChoiceRow(SQLModel, table=True):
    """What a shopper has decided on her looks: for how long they are kept, and a PIN."""

    __tablename__ = "look_choice"
    __table_args__ = (CheckConstraint("keep_days IN (7, 30, 90, 365)", name="keep_days"),)

    session_id: str = Field(
        primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    keep_days: int
    pin_salt: str = Field(default="", max_length=HASH_LENGTH)
    pin_check: str = Field(default="", max_length=HASH_LENGTH)


class LookRow(SQLModel, table=True):
    """A look. ``sealed_key``: its content key, sealed to ``key_id``; empty once it is gone."""

    __tablename__ = "look"
    __table_args__ = (
        CheckConstraint("state IN ('granted', 'kept', 'deleted', 'gone')", name="state"),
        CheckConstraint("duration_ms >= 0", name="duration_ms"),
        Index("ix_look_state_expires_at", "state", "expires_at"),
        Index("ix_look_device_id_state", "device_id", "state"),
        Index("ix_look_taken_at", "taken_at", postgresql_using="brin"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    key_id: str = Field(foreign_key="look_key.id", index=True, max_length=ID_LENGTH_MAX)
    device_id: str = Field(max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    visit: str = Field(max_length=ID_LENGTH_MAX)
    state: str = Field(max_length=8)
    grant_hash: str = Field(unique=True, max_length=HASH_LENGTH)
    sealed_key: str = Field(default="", max_length=SEALED_LENGTH_MAX)
    media_type: str = Field(default="", max_length=16)
    video_bytes: int = 0
    sheet_bytes: int = 0
    duration_ms: int = 0
    taken_at: datetime
    expires_at: datetime
    deleted_at: datetime | None = None


class LookItemRow(SQLModel, table=True):
    """Something that was tried on in a look."""

    __tablename__ = "look_item"

    look_id: str = Field(primary_key=True, foreign_key="look.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(primary_key=True, index=True, max_length=14)
    position: int


class LookUploadRow(SQLModel, table=True):
    """A part on its way. ``received_bytes``: so many are kept, whatever happens to the process."""

    __tablename__ = "look_upload"
    __table_args__ = (
        UniqueConstraint("look_id", "part"),
        CheckConstraint("part IN ('video', 'sheet')", name="part"),
        CheckConstraint("received_bytes BETWEEN 0 AND length_bytes", name="received_bytes"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    look_id: str = Field(foreign_key="look.id", max_length=ID_LENGTH_MAX)
    part: str = Field(max_length=8)
    length_bytes: int
    sha256: str = Field(max_length=HASH_LENGTH)
    received_bytes: int = 0
    done: bool = False


class LookPieceRow(SQLModel, table=True):
    """A piece of an upload that is kept as an object."""

    __tablename__ = "look_piece"

    upload_id: str = Field(primary_key=True, foreign_key="look_upload.id", max_length=ID_LENGTH_MAX)
    offset_bytes: int = Field(primary_key=True)
    length_bytes: int


class LookShareRow(SQLModel, table=True):
    """A link to a look. ``sealed``: its content key under the link's secret, which is not here."""

    __tablename__ = "look_share"

    secret_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    look_id: str = Field(foreign_key="look.id", index=True, max_length=ID_LENGTH_MAX)
    sealed: str = Field(max_length=SEALED_LENGTH_MAX)
    created_at: datetime
    expires_at: datetime = Field(index=True)
