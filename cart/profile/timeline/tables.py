"""Rows of the timeline, and where whoever reads along has come to."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX
from cart.profile.timeline import model
from cart.profile.timeline.model import Channel, Kind

WORD_LENGTH_MAX: Final = 24


def _among(column: str, words: type[Kind | Channel]) -> str:
    return f"{column} IN ({', '.join(repr(one.value) for one in words)})"


class InteractionRow(SQLModel, table=True):
    """One touch. Only added; deleted with its person, or when its time is over.

    ``position``: given by the one who keeps the timeline, so who has read up to one has seen
    all below it.
    """

    __tablename__ = "interaction"
    __table_args__ = (
        CheckConstraint(_among("kind", Kind), name="kind"),
        CheckConstraint(_among("channel", Channel), name="channel"),
        Index("ix_interaction_session_id_at_us", "session_id", "at_us"),
        # Who touched an article, one session after the other: when it is back, or costs less.
        Index(
            "ix_interaction_gtin_session_id",
            "gtin",
            "session_id",
            "at_us",
            sqlite_where=text("gtin <> ''"),
            postgresql_where=text("gtin <> ''"),
        ),
    )

    id: str = Field(primary_key=True, max_length=model.ID_LENGTH_MAX)
    position: int = Field(unique=True, sa_type=BigInteger)
    session_id: str = Field(foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=WORD_LENGTH_MAX)
    channel: str = Field(max_length=WORD_LENGTH_MAX)
    at_us: int = Field(index=True, sa_type=BigInteger)
    kept_at_us: int = Field(sa_type=BigInteger)
    gtin: str = Field(default="", max_length=14)
    sku: str = Field(default="", max_length=CODE_LENGTH_MAX)
    quantity: int = 0
    amount_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(default="", max_length=3)
    location_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    device_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    ref: str = Field(default="", max_length=model.REF_LENGTH_MAX)


class TimelineMarkRow(SQLModel, table=True):
    """How far the timeline, or whoever reads it, has come.

    ``name``: ``timeline`` for the last position given; ``from:<source>`` for the moment up to
    which a source was read; anything else for a reader, whose ``position`` it has dealt with.
    """

    __tablename__ = "timeline_mark"

    name: str = Field(primary_key=True, max_length=64)
    position: int = Field(default=0, sa_type=BigInteger)
    read_until_us: int = Field(default=0, sa_type=BigInteger)
