"""Rows of purses. Only ``cart.orders.purse`` writes."""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

PIN_HASH_LENGTH_MAX: Final = 160  # scrypt's numbers, a salt and 64 hex digits: 120
DAY_LENGTH: Final = 10  # 2026-11-29


class PurseRow(SQLModel, table=True):
    """What a customer pays with by wristband. Its balance is a voucher whose code nobody has.

    ``spent_minor``: on the day ``spent_on``, the shop's. ``wrong_pins``: tried since the last
    right one, each counted before it is compared.
    """

    __tablename__ = "purse"
    __table_args__ = (
        CheckConstraint("limit_payment_minor > 0", name="limit_payment"),
        CheckConstraint("limit_day_minor >= limit_payment_minor", name="limit_day"),
        CheckConstraint("spent_minor >= 0", name="spent"),
        CheckConstraint("wrong_pins >= 0", name="wrong_pins"),
    )

    customer_id: str = Field(primary_key=True, foreign_key="customer.id", max_length=ID_LENGTH_MAX)
    voucher_id: str = Field(foreign_key="voucher.id", unique=True, max_length=ID_LENGTH_MAX)
    currency: str = Field(max_length=3)
    pin_hash: str = Field(max_length=PIN_HASH_LENGTH_MAX)
    limit_payment_minor: int = Field(sa_type=BigInteger)
    limit_day_minor: int = Field(sa_type=BigInteger)
    spent_on: str = Field(default="", max_length=DAY_LENGTH)
    spent_minor: int = Field(default=0, sa_type=BigInteger)
    wrong_pins: int = 0
    active: bool = True
    created_at: datetime
    changed_at: datetime
