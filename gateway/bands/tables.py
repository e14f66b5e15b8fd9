"""Rows of wristbands, of loans, and of codes by which a phone is told to the welcome desk."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, Index, text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from gateway.bands.model import (
    FIRMWARE_LENGTH_MAX,
    GREETING_LENGTH_MAX,
    EndReason,
    State,
)

LIVE = text("ended_at IS NULL")
SEALED_LENGTH_MAX = 80  # base 64 of 12 bytes of nonce, 16 of secret, 16 of tag: 60
HASH_LENGTH = 64  # hex HMAC-SHA256


def _among(column: str, words: type[State | EndReason]) -> str:
    return f"{column} IN ({', '.join(repr(one.value) for one in words)})"


class BandRow(SQLModel, table=True):
    """A wristband that was made. Never deleted: its number is engraved.

    ``clock_low_s``, ``clock_high_s``: between which seconds its own clock stood at
    ``clock_at``. ``presses``: of its button, as it counts them, modulo 256.
    """

    __tablename__ = "wristband"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(_among("state", State), name="state"),
        CheckConstraint("clock_low_s <= clock_high_s", name="clock"),
        CheckConstraint("battery_percent BETWEEN 0 AND 100", name="battery_percent"),
        CheckConstraint("presses BETWEEN 0 AND 255", name="presses"),
        Index("ix_wristband_location_id_state", "location_id", "state"),
    )

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    state: str = Field(default=State.DRAWER.value, max_length=8)
    secret_sealed: str = Field(max_length=SEALED_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    clock_low_s: float = Field(sa_type=Float)
    clock_high_s: float = Field(sa_type=Float)
    clock_at: datetime
    battery_percent: int | None = None
    presses: int = 0
    firmware: str = Field(default="", max_length=FIRMWARE_LENGTH_MAX)
    made_at: datetime
    heard_at: datetime | None = None


class BandLoanRow(SQLModel, table=True):
    """That a shopper session has a band. A band has one live loan at most, and so has a session.

    ``follow``: it was allowed at the desk to note where she is; what holds now says
    :func:`gateway.bands.queries.holder_of`. ``handed_out_by``: None for nobody of the staff,
    as in a simulated shop.
    """

    __tablename__ = "band_loan"
    __table_args__ = (
        CheckConstraint(f"end_reason = '' OR {_among('end_reason', EndReason)}", name="end_reason"),
        Index(
            "uq_band_loan_live_number",
            "number",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index(
            "uq_band_loan_live_session",
            "session_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    number: int = Field(foreign_key="wristband.number", index=True)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    greeting: str = Field(default="", max_length=GREETING_LENGTH_MAX)
    locale: str = Field(default="en", max_length=2)
    follow: bool = False
    handed_out_at: datetime
    handed_out_by: str | None = Field(
        default=None, foreign_key="staff.id", max_length=ID_LENGTH_MAX
    )
    ended_at: datetime | None = None
    end_reason: str = Field(default="", max_length=16)


class DeskCodeRow(SQLModel, table=True):
    """A code that a shopper's phone shows for some minutes, so that the desk knows her session.

    ``code_hash``: under the server's key; the code itself is on her screen alone.
    """

    __tablename__ = "desk_code"

    session_id: str = Field(
        primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    code_hash: str = Field(unique=True, max_length=HASH_LENGTH)
    expires_at: datetime = Field(index=True)
