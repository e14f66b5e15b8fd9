"""Rows of floors, and of who is where on them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX


class FloorAreaRow(SQLModel, table=True):
    """A rectangle of a zone, in metres."""

    __tablename__ = "floor_area"
    __table_args__ = (CheckConstraint("left_m < right_m AND top_m < bottom_m", name="area"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    place: int = Field(primary_key=True)
    left_m: float
    top_m: float
    right_m: float
    bottom_m: float


class FloorReceiverRow(SQLModel, table=True):
    """Where a receiver hangs, and the device or the desk that bands are held to there."""

    __tablename__ = "floor_receiver"

    device_id: str = Field(primary_key=True, foreign_key="device.id", max_length=ID_LENGTH_MAX)
    location_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    x_m: float
    y_m: float
    stands_at: str | None = Field(
        default=None, foreign_key="device.id", index=True, max_length=ID_LENGTH_MAX
    )
    desk: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class BandPresenceRow(SQLModel, table=True):
    """In which zone a band is now. There is no row of where it was: that is kept nowhere."""

    __tablename__ = "band_presence"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    loan_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(max_length=ID_LENGTH_MAX)
    arrived_at: datetime
    since: datetime


class ZoneTrafficRow(SQLModel, table=True):
    """How many came into a zone in one hour. Nobody in particular."""

    __tablename__ = "zone_traffic"
    __table_args__ = (CheckConstraint("entered >= 0", name="entered"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    hour_us: int = Field(primary_key=True, sa_type=BigInteger)  # its beginning, UTC
    entered: int
