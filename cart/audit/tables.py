"""Rows of the audit log. Only ``cart.audit.service`` adds to them; the database allows no more."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

HASH_LENGTH: Final = 64
WORD_LENGTH_MAX: Final = 32


class AuditRow(SQLModel, table=True):
    """One entry: see :class:`cart.audit.model.Entry`, whose fields these are."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq"),
        Index("ix_audit_who", "who_id", "seq"),
        Index("ix_audit_on", "on_id", "seq"),
    )

    seq: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    at_us: int = Field(sa_type=BigInteger)
    who_kind: str = Field(max_length=WORD_LENGTH_MAX)
    who_id: str = Field(max_length=ID_LENGTH_MAX)
    role: str = Field(max_length=WORD_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    action: str = Field(max_length=WORD_LENGTH_MAX)
    on_kind: str = Field(max_length=WORD_LENGTH_MAX)
    on_id: str = Field(max_length=ID_LENGTH_MAX)
    outcome: str = Field(max_length=ID_LENGTH_MAX)
    previous: str = Field(max_length=HASH_LENGTH)
    hash: str = Field(max_length=HASH_LENGTH)
