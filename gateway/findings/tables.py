"""Rows of findings: one for each kind of oddity of a device, so that no device fills the table."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

DETAIL_LENGTH_MAX = 200  # one line on an operator's page


class FindingKind(StrEnum):
    """What was found."""

    FLOODING = "flooding"  # it says more than a device may
    CLONED = "cloned"  # two processes take its place from each other
    FORKED = "forked"  # an old number, or a known id, with something new in it
    ELSEWHERE = "elsewhere"  # it speaks for a location that it is not enrolled at
    LOST_BAND = "lost_band"  # a wristband that was reported lost was held to it
    COPIED_BAND = "copied_band"  # it heard one of two that say they are the same wristband


_KIND = f"kind IN ({', '.join(repr(one.value) for one in FindingKind)})"


class DeviceFindingRow(SQLModel, table=True):
    """``looked_at_us``: when an operator said that she has; open again once it is seen later."""

    __tablename__ = "device_finding"
    __table_args__ = (CheckConstraint(_KIND, name="kind"),)

    device_id: str = Field(primary_key=True, foreign_key="device.id", max_length=ID_LENGTH_MAX)
    kind: str = Field(primary_key=True, max_length=16)
    first_seen_us: int = Field(sa_type=BigInteger)
    last_seen_us: int = Field(sa_type=BigInteger)
    count: int = Field(sa_type=BigInteger)
    detail: str = Field(default="", max_length=DETAIL_LENGTH_MAX)
    looked_at_us: int | None = Field(default=None, sa_type=BigInteger)
    looked_by: str = Field(default="", max_length=ID_LENGTH_MAX)
