"""Rows of floors, and of who is where on them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from gateway.floor.model import Serves, TurnState

OPEN = text("state IN ('waiting', 'called')")


def _among(column: str, words: type[Serves | TurnState]) -> str:
    return f"{column} IN ({', '.join(repr(one.value) for one in words)})"


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
    """Where a receiver hangs, and the device, desk or gate that bands are held to there."""

    __tablename__ = "floor_receiver"

    device_id: str = Field(primary_key=True, foreign_key="device.id", max_length=ID_LENGTH_MAX)
    location_id: str = Field(index=True, max_length=ID_LENGTH_MAX)
    x_m: float
    y_m: float
    stands_at: str | None = Field(
        default=None, foreign_key="device.id", index=True, max_length=ID_LENGTH_MAX
    )
    desk: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    gate: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


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


class ServingZoneRow(SQLModel, table=True):
    """A zone in which people are served. ``given``: the number of the last turn that was given.

    ``bookable``: how many may be booked there for one quarter hour.
    """

    __tablename__ = "serving_zone"
    __table_args__ = (
        CheckConstraint(_among("serves", Serves), name="serves"),
        CheckConstraint("places >= 1 AND service_minutes >= 1", name="places"),
        CheckConstraint("bookable >= 0 AND bookable <= places", name="bookable"),
    )

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    serves: str = Field(max_length=16)
    places: int
    service_minutes: int
    given: int = 0
    bookable: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class ZoneStayRow(SQLModel, table=True):
    """How often somebody was in a serving zone for so long. Nobody in particular, and not when.

    ``ended_us``: the beginning of the ten minutes in which they left. ``seconds``: in steps.
    """

    __tablename__ = "zone_stay"
    __table_args__ = (CheckConstraint("seconds >= 0 AND times >= 1", name="seconds"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    ended_us: int = Field(primary_key=True, sa_type=BigInteger)
    seconds: int = Field(primary_key=True)
    times: int


class TurnRow(SQLModel, table=True):
    """A shopper's turn in the virtual queue of a serving zone.

    ``number``: what staff call out. ``missed``: how often she was called and did not come.
    """

    __tablename__ = "turn"
    __table_args__ = (
        CheckConstraint(_among("state", TurnState), name="state"),
        CheckConstraint("number >= 1 AND missed >= 0", name="number"),
        Index(
            "uq_turn_open",
            *("location_id", "zone_id", "session_id"),
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index("ix_turn_location_id_zone_id_state", "location_id", "zone_id", "state"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    zone_id: str = Field(max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    number: int
    state: str = Field(default=TurnState.WAITING.value, max_length=16)
    missed: int = 0
    joined_at: datetime
    called_at: datetime | None = None
    ended_at: datetime | None = None  # she came, gave up, missed it, or the place closed
