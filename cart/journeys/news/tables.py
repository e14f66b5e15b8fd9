"""Rows of what is sold out, and of news of goods that are being told. Of nobody's person."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX
from cart.profile.timeline.model import ID_LENGTH_MAX as NEWS_ID_LENGTH_MAX

KIND_LENGTH_MAX: Final = 24


class ShelfGapRow(SQLModel, table=True):
    """An article that is sold out at a location, since when, and since when it is back.

    It goes when it is told that it is back, or when it was away too shortly to be missed.
    """

    __tablename__ = "shelf_gap"
    __table_args__ = (Index("ix_shelf_gap_back_at_us", "back_at_us"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    sku: str = Field(primary_key=True, max_length=CODE_LENGTH_MAX)
    gtin: str = Field(max_length=14)
    empty_since_us: int = Field(sa_type=BigInteger)
    back_at_us: int | None = Field(default=None, sa_type=BigInteger)


class JourneyNewsRow(SQLModel, table=True):
    """A change of goods that is being told, some people at a time; it goes when all have heard.

    ``position``: the last session that was looked at, by its id.
    """

    __tablename__ = "journey_news"
    __table_args__ = (
        CheckConstraint("kind IN ('back_in_stock', 'price_drop')", name="kind"),
        Index("ix_journey_news_at_us", "at_us", "id"),
    )

    id: str = Field(primary_key=True, max_length=NEWS_ID_LENGTH_MAX)
    kind: str = Field(max_length=KIND_LENGTH_MAX)
    gtin: str = Field(max_length=14)
    location_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    at_us: int = Field(sa_type=BigInteger)
    position: str = Field(default="", max_length=ID_LENGTH_MAX)
