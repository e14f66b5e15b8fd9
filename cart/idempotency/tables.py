"""The row of one Idempotency-Key."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

HASH_LENGTH = 64


class RequestKeyRow(SQLModel, table=True):
    """A request and its answer; written in the transaction of the effect.

    The key itself is not kept: a phone's first request has nothing else to show
    who it is. ``salt``: with the key and the server's secret it gives the cookie
    of the session that this request began; empty if it began none.
    """

    __tablename__ = "request_key"

    key_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    request_hash: str = Field(max_length=HASH_LENGTH)
    session_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    salt: str = Field(default="", max_length=ID_LENGTH_MAX)
    status: int = 0
    body: str = ""
    created_at: datetime = Field(index=True)
