"""Rows of plans and of what is booked for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX
from gateway.plans.model import CALLED_LENGTH_MAX, BookingState
from gateway.plans.route import Kind

_STATES = ", ".join(repr(one.value) for one in BookingState)
_SERVES = ", ".join(repr(one.value) for one in (Kind.FITTING_ROOM, Kind.ADVISER))


class PlanRow(SQLModel, table=True):
    """A shopper's next visit to a shop; she has one. ``called``: what staff may call her."""

    __tablename__ = "shop_plan"
    __table_args__ = (Index("ix_shop_plan_location_id_comes_at", "location_id", "comes_at"),)

    session_id: str = Field(
        primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    comes_at: datetime
    called: str = Field(default="", max_length=CALLED_LENGTH_MAX)
    made_at: datetime
    arrived_at: datetime | None = None


class PlanLineRow(SQLModel, table=True):
    """A line of a plan, as it was on the list. ``undone_at``: she took a tick back then."""

    __tablename__ = "plan_line"
    __table_args__ = (CheckConstraint("quantity >= 1", name="quantity"),)

    session_id: str = Field(
        primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    gtin: str = Field(primary_key=True, max_length=14)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    place: int
    to_try: bool = False
    done_at: datetime | None = None
    undone_at: datetime | None = None


class BookingRow(SQLModel, table=True):
    """A fitting room or an adviser for a quarter hour; a shopper has one of each at most."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint(f"serves IN ({_SERVES})", name="serves"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        UniqueConstraint("session_id", "serves"),
        Index("ix_booking_location_id_starts_at", "location_id", "starts_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    zone_id: str = Field(max_length=ID_LENGTH_MAX)
    serves: str = Field(max_length=16)
    starts_at: datetime
    state: str = Field(default=BookingState.BOOKED.value, max_length=16)
    booked_at: datetime
    ticked_at: datetime | None = None
    ended_at: datetime | None = None


class BookingSlotRow(SQLModel, table=True):
    """How many are booked at a serving zone for a quarter hour; of nobody in particular."""

    __tablename__ = "booking_slot"
    __table_args__ = (CheckConstraint("taken >= 0", name="taken"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    starts_at: datetime = Field(primary_key=True)
    taken: int
