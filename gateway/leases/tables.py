"""Rows of members and leases: a handful each, read and written twice a second."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX


class GatewayMemberRow(SQLModel, table=True):
    """A gateway process that lives, or did a moment ago.

    Its beat is not in the lease's row: a batch locks that one, and a beat that waited
    for it would look like a death.
    """

    __tablename__ = "gateway_member"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    name: str = Field(max_length=ID_LENGTH_MAX)  # for people
    beat: int = Field(sa_type=BigInteger)
    started_at: datetime  # for people too: nothing is decided by it


class LeaseRow(SQLModel, table=True):
    """Who holds a partition. No foreign key: whoever holds it may be gone."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    holder: str = Field(default="", max_length=ID_LENGTH_MAX)
    fence: int = Field(default=0, sa_type=BigInteger)
