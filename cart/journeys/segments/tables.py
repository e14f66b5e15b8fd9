"""Rows of segments: rules in their versions, who is in, when that is looked at again, what changed.

Written by one at a time, behind the lock of a row of ``timeline_mark``; see ``keeping.py``.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX

STATE_LENGTH_MAX: Final = 8
DIGEST_LENGTH: Final = 64  # hex SHA-256


class SegmentRow(SQLModel, table=True):
    """A segment. ``version``: of its rule, the newest.

    ``unfilled``: who is in has to be found for everybody. ``stock_digest``: of what was in stock,
    as far as the rule asks, when it was filled last.
    """

    __tablename__ = "segment"
    __table_args__ = (CheckConstraint("state IN ('draft', 'active', 'ended')", name="state"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    name: str = Field(unique=True, max_length=NAME_LENGTH_MAX)
    state: str = Field(default="draft", max_length=STATE_LENGTH_MAX)
    version: int = 1
    unfilled: bool = False
    stock_digest: str = Field(default="", max_length=DIGEST_LENGTH)
    stock_at_us: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime
    created_by: str = Field(max_length=ID_LENGTH_MAX)


class SegmentVersionRow(SQLModel, table=True):
    """A rule, as JSON; never changed. The next one is another row."""

    __tablename__ = "segment_version"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    segment_id: str = Field(primary_key=True, foreign_key="segment.id", max_length=ID_LENGTH_MAX)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    rule: str = Field(sa_type=Text)
    created_at: datetime
    created_by: str = Field(max_length=ID_LENGTH_MAX)


class SegmentMemberRow(SQLModel, table=True):
    """Somebody who is in a segment now. ``home``: her session. ``version``: she came in under."""

    __tablename__ = "segment_member"
    __table_args__ = (Index("ix_segment_member_home", "home"),)

    segment_id: str = Field(primary_key=True, foreign_key="segment.id", max_length=ID_LENGTH_MAX)
    home: str = Field(primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX)
    version: int
    since_us: int = Field(sa_type=BigInteger)


class SegmentDueRow(SQLModel, table=True):
    """When time alone may change in which segments somebody is."""

    __tablename__ = "segment_due"

    home: str = Field(primary_key=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX)
    due_us: int = Field(index=True, sa_type=BigInteger)


class SegmentChangeRow(SQLModel, table=True):
    """Somebody came in or went out; only added. ``position``: in the order of the commits."""

    __tablename__ = "segment_change"

    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    segment_id: str = Field(foreign_key="segment.id", index=True, max_length=ID_LENGTH_MAX)
    version: int
    home: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    entered: bool
    at_us: int = Field(index=True, sa_type=BigInteger)
