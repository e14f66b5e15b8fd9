"""Rows of erasures: what was asked for, and the evidence that it was done."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, JSON_COLUMN

HASH_LENGTH = 64  # hex SHA-256


class ErasureRow(SQLModel, table=True):
    """An erasure. ``customer_id``: whom it is about, until it is done; then nobody.

    ``customer_hash``: the same under the server's key, so that she is found again in a copy
    of the database that is older than her erasure. ``asked_by``: who asked, in a word.
    ``counts``: rows by table.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'done')", name="state"),
        CheckConstraint("state = 'asked' OR customer_id IS NULL", name="nobody"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str | None = Field(default=None, unique=True, max_length=ID_LENGTH_MAX)
    customer_hash: str = Field(index=True, max_length=HASH_LENGTH)
    asked_by: str = Field(max_length=16)
    state: str = Field(default="asked", index=True, max_length=8)
    asked_at: datetime
    done_at: datetime | None = None
    counts: dict[str, int] = Field(default_factory=dict, sa_type=JSON_COLUMN)
