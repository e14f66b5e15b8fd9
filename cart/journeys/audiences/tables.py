"""Rows of audiences: where they go, and which hashes are there or on their way."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX

HASH_LENGTH: Final = 64  # hex SHA-256
WORD_LENGTH_MAX: Final = 8
FAILURE_LENGTH_MAX: Final = 500


class AudienceRow(SQLModel, table=True):
    """One segment for one advertiser. ``target``: the name of where it goes, in the settings.

    ``batch``: number of the upload that is on its way, or was last. ``failures``: of it so far;
    ``due_at``: when it is tried again.
    """

    __tablename__ = "audience"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'ended')", name="state"),
        CheckConstraint("style IN ('google', 'meta')", name="style"),
        CheckConstraint("batch >= 0", name="batch"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    segment_id: str = Field(foreign_key="segment.id", index=True, max_length=ID_LENGTH_MAX)
    target: str = Field(max_length=NAME_LENGTH_MAX)
    style: str = Field(max_length=WORD_LENGTH_MAX)
    state: str = Field(default="active", max_length=WORD_LENGTH_MAX)
    batch: int = 0
    failures: int = 0
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    due_at: datetime | None = None
    created_at: datetime
    created_by: str = Field(max_length=ID_LENGTH_MAX)


class AudienceEntryRow(SQLModel, table=True):
    """A hash that an advertiser has, or is being told of.

    ``home``: whose it is; nobody's once she is erased: then it is still to be taken out there.
    ``batch``: of the upload that it is on its way with; 0 if none.
    """

    __tablename__ = "audience_entry"
    __table_args__ = (
        CheckConstraint("state IN ('adding', 'there', 'removing')", name="state"),
        Index("ix_audience_entry_home", "home"),
    )

    audience_id: str = Field(primary_key=True, foreign_key="audience.id", max_length=ID_LENGTH_MAX)
    hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    home: str | None = Field(
        default=None, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    state: str = Field(max_length=WORD_LENGTH_MAX)
    batch: int = 0
