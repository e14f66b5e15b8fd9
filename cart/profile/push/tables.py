"""Rows of web push: phones that let themselves be rung, and each ring that was asked for."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from cart.profile.push.model import Ring

ENDPOINT_LENGTH_MAX: Final = 1_024  # those of Chrome, Firefox and Safari have 150 to 250
POINT_LENGTH_MAX: Final = 88  # base64url of an uncompressed point of P-256
AUTH_LENGTH_MAX: Final = 24  # base64url of 16 bytes
HASH_LENGTH: Final = 64


class PushPhoneRow(SQLModel, table=True):
    """A browser that may be rung for a shopper session. ``id``: of its endpoint, hashed.

    ``endpoint``: where its maker's push service takes messages for it; ``point``, ``auth``: what
    they are sealed with (RFC 8291), so that the push service cannot read them.
    ``reminders``: it was let for reminders, too; one that was let for turns alone gets none.
    """

    __tablename__ = "push_phone"

    id: str = Field(primary_key=True, max_length=HASH_LENGTH)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    endpoint: str = Field(max_length=ENDPOINT_LENGTH_MAX)
    point: str = Field(max_length=POINT_LENGTH_MAX)
    auth: str = Field(max_length=AUTH_LENGTH_MAX)
    locale: str = Field(max_length=2)
    reminders: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime


class PushRingRow(SQLModel, table=True):
    """One ring of one phone: the business fact that its workflow carries out.

    ``location_id``, ``about``: the shop, and the zone that calls her. ``ends_at``: later it says
    nothing any more, and is not sent.
    """

    __tablename__ = "push_ring"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'sent', 'failed')", name="state"),
        CheckConstraint(f"kind IN ({', '.join(repr(one.value) for one in Ring)})", name="kind"),
        Index("ix_push_ring_state", "state", "requested_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    phone_id: str = Field(foreign_key="push_phone.id", index=True, max_length=HASH_LENGTH)
    kind: str = Field(max_length=16)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    about: str = Field(max_length=ID_LENGTH_MAX)
    number: int = 0
    state: str = Field(default="requested", max_length=12)
    requested_at: datetime
    ends_at: datetime
    sent_at: datetime | None = None
    failure: str = Field(default="", max_length=200)
