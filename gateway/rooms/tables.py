"""Rows of fitting rooms. Only ``gateway.rooms`` writes them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX
from gateway.rooms.model import OPEN, SizeState

GTIN_LENGTH = 14


def _listed(states: tuple[SizeState, ...] | type[SizeState]) -> str:
    return ", ".join(repr(one.value) for one in states)


IS_OPEN = text(f"state IN ({_listed(OPEN)})")


class SizeRequestRow(SQLModel, table=True):
    """What somebody in a fitting room asked staff to bring, and what became of it.

    ``binding_id``: the visit in which she asked; whose it is, is said there. ``request``: the
    device's name of it. ``had_gtin``: what of the same product she has in there.
    ``answered_at``: when it was first said that it comes, or that it does not.
    """

    __tablename__ = "size_request"
    __table_args__ = (
        CheckConstraint(f"state IN ({_listed(SizeState)})", name="state"),
        UniqueConstraint("binding_id", "request"),
        Index("ix_size_request_location_id_state", "location_id", "state"),
        Index("ix_size_request_open", "asked_at", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    binding_id: str = Field(foreign_key="binding.id", max_length=ID_LENGTH_MAX)
    device_id: str = Field(max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    request: str = Field(max_length=ID_LENGTH_MAX)
    gtin: str = Field(max_length=GTIN_LENGTH)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    product_id: str = Field(max_length=ID_LENGTH_MAX)
    had_gtin: str | None = Field(default=None, max_length=GTIN_LENGTH)
    state: str = Field(default=SizeState.ASKED.value, max_length=16)
    asked_at: datetime
    taken_by: str | None = Field(default=None, foreign_key="staff.id", max_length=ID_LENGTH_MAX)
    taken_at: datetime | None = None
    coming_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = Field(default=None, index=True)
    offered_gtin: str | None = Field(default=None, max_length=GTIN_LENGTH)


class TriedItemRow(SQLModel, table=True):
    """Something that was brought into a fitting room in one visit; seen again it is one."""

    __tablename__ = "tried_item"

    binding_id: str = Field(primary_key=True, foreign_key="binding.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(primary_key=True, max_length=GTIN_LENGTH)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    reader: str = Field(max_length=16)
    tried_at: datetime = Field(index=True)
