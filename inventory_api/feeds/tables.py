"""Rows that remember which files were taken."""

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX

DIGEST_LENGTH = 64


class FeedRunRow(SQLModel, table=True):
    """One reading of one file. ``finished_at_us`` empty: it was cut off, and may be repeated."""

    __tablename__ = "feed_run"
    __table_args__ = (
        CheckConstraint("kind IN ('locations', 'catalogue', 'counts', 'reviews')", name="kind"),
        Index("ix_feed_run_kind_started", "kind", "started_at_us"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=12)
    file_name: str = Field(max_length=NAME_LENGTH_MAX)
    sha256: str = Field(max_length=DIGEST_LENGTH)
    started_at_us: int = Field(sa_type=BigInteger)
    finished_at_us: int | None = Field(default=None, sa_type=BigInteger)
    rows_taken: int = 0
    rows_changed: int = 0
    rows_refused: int = 0
