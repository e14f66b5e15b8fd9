"""Rows of bindings."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

LIVE = text("ended_at IS NULL")


class BindingRow(SQLModel, table=True):
    """A lease of a shopper session on a device, for one visit.

    A device has at most one live binding: the database itself refuses a second.
    ``prior_cart_id``: the cart of the visit before a phone that already had a
    cart claimed it; operations made before ``claimed_at_us`` belong there first.
    ``band_loan_id``: the loan of the wristband that was held to the device; None when no band
    made it hers, and then her going away does not end it.
    """

    __tablename__ = "binding"
    __table_args__ = (
        UniqueConstraint("device_id", "visit"),
        UniqueConstraint("claim_hash"),
        Index(
            "uq_binding_live_device",
            "device_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    device_id: str = Field(max_length=ID_LENGTH_MAX)
    visit: str = Field(max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    claim_hash: str | None = Field(default=None, max_length=64)
    started_at_us: int = Field(sa_type=BigInteger)
    last_event_at_us: int = Field(sa_type=BigInteger)
    claimed_at_us: int | None = Field(default=None, sa_type=BigInteger)
    prior_cart_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    band_loan_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    ended_at: datetime | None = None
    end_reason: str = Field(default="", max_length=64)
