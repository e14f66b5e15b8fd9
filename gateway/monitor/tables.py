"""Rows of what gateways did, a few seconds each: for charts, not for accounts."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX


class GatewayPulseRow(SQLModel, table=True):
    """What one gateway did in the ``span_ms`` before ``at_us``, and how it stood then."""

    __tablename__ = "gateway_pulse"

    gateway: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    at_us: int = Field(primary_key=True, sa_type=BigInteger, index=True)
    span_ms: int
    taken: int
    stored: int
    duplicate: int
    dead: int
    batches: int
    commit_us_sum: int = Field(sa_type=BigInteger)
    commit_us_max: int = Field(sa_type=BigInteger)
    held: int
    held_max: int
    connected: bool
    telemetry_held: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    telemetry_held_max: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
