"""Rows of the consent ledger. Decisions and wordings are only added: the database sees to it.

A decision hangs on a random id. Whose it is stands in one row beside, which an erasure
empties: what is left proves that somebody decided so, and names nobody.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX
from cart.profile.consent.model import Purpose, Source

HASH_LENGTH: Final = 64  # hex SHA-256
WORD_LENGTH_MAX: Final = 24


def _among(column: str, words: type[Purpose | Source]) -> str:
    return f"{column} IN ({', '.join(repr(one.value) for one in words)})"


class ConsentSubjectRow(SQLModel, table=True):
    """Whose decisions these are: a customer's, an anonymous session's, or nobody's any more.

    ``joined_id``: the customer whose own the session's cart is since her sign-in.
    """

    __tablename__ = "consent_subject"
    __table_args__ = (CheckConstraint("customer_id IS NULL OR session_id IS NULL", name="one"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    customer_id: str | None = Field(
        default=None, unique=True, foreign_key="customer.id", max_length=ID_LENGTH_MAX
    )
    session_id: str | None = Field(
        default=None, unique=True, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )
    joined_id: str | None = Field(
        default=None, index=True, foreign_key="consent_subject.id", max_length=ID_LENGTH_MAX
    )
    began_at: datetime
    erased_at: datetime | None = None


class ConsentWordingRow(SQLModel, table=True):
    """A wording as it was shown, in the language it was shown in."""

    __tablename__ = "consent_wording"
    __table_args__ = (CheckConstraint("version >= 1", name="version"),)

    hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    purpose: str = Field(max_length=WORD_LENGTH_MAX)
    version: int
    locale: str = Field(max_length=2)
    text: str = Field(sa_type=Text)


class ConsentRow(SQLModel, table=True):
    """One decision. ``number``: 1, 2, … of a subject on a purpose; the highest is the newest.

    ``wording_hash``: None where nothing was shown, which only a refusal may be.
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(_among("purpose", Purpose), name="purpose"),
        CheckConstraint(_among("source", Source), name="source"),
        CheckConstraint("NOT granted OR wording_hash IS NOT NULL", name="wording"),
    )

    subject_id: str = Field(
        primary_key=True, foreign_key="consent_subject.id", max_length=ID_LENGTH_MAX
    )
    purpose: str = Field(primary_key=True, max_length=WORD_LENGTH_MAX)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    granted: bool
    source: str = Field(max_length=WORD_LENGTH_MAX)
    wording_hash: str | None = Field(
        default=None, foreign_key="consent_wording.hash", max_length=HASH_LENGTH
    )
    location_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    decided_at: datetime = Field(index=True)


class ConsentTraceRow(SQLModel, table=True):
    """How somebody who was erased finds her evidence: a keyed hash of an address that she proved.

    Only who names the address, and has the server's key, can say whose it is.
    """

    __tablename__ = "consent_trace"

    address_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    subject_id: str = Field(
        primary_key=True, foreign_key="consent_subject.id", max_length=ID_LENGTH_MAX
    )
    erased_at: datetime = Field(index=True)
