"""Rows of the twin."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, JSON_COLUMN


class TwinRow(SQLModel, table=True):
    """Both halves of a device's twin; ``reported_version`` is the desired one it has applied."""

    __tablename__ = "twin"
    __table_args__ = (
        CheckConstraint("desired_version >= 0", name="desired_version"),
        CheckConstraint("reported_version >= 0", name="reported_version"),
    )

    device_id: str = Field(primary_key=True, foreign_key="device.id", max_length=ID_LENGTH_MAX)
    desired: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON_COLUMN, nullable=False)
    )
    desired_version: int = 0
    reported: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON_COLUMN, nullable=False)
    )
    reported_version: int = 0
    reported_at_us: int | None = Field(default=None, sa_type=BigInteger)
