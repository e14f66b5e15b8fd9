"""Rows of what people say about the interests that are derived for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX
from cart.profile.interests.model import Facet, Said

WORD_LENGTH_MAX = 16


def _listed(words: type[Facet | Said]) -> str:
    return ", ".join(repr(one.value) for one in words)


class InterestWordRow(SQLModel, table=True):
    """What a person said about one interest of hers; the derived ones are nowhere kept.

    ``session_id``: her home. ``value``: as the catalogue has it, of a size its category; ``size``:
    the one that she says is right. Facet ``all``: she cleared them, what was before ``at`` counts
    no more.
    """

    __tablename__ = "interest_word"
    __table_args__ = (
        CheckConstraint(f"facet IN ({_listed(Facet)})", name="facet"),
        CheckConstraint(f"said IN ({_listed(Said)})", name="said"),
    )

    session_id: str = Field(
        primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    facet: str = Field(primary_key=True, max_length=WORD_LENGTH_MAX)
    value: str = Field(primary_key=True, max_length=NAME_LENGTH_MAX)
    said: str = Field(max_length=WORD_LENGTH_MAX)
    size: str = Field(default="", max_length=NAME_LENGTH_MAX)
    at: datetime
