"""Rows of stock and its ledger. Only ``inventory_api.stock`` writes them."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX

REFERENCE_LENGTH_MAX = 128
REASON_LENGTH_MAX = 12
# SQLite numbers rows by itself only if the key is exactly INTEGER.
COUNTED_KEY = BigInteger().with_variant(Integer(), "sqlite")


class StockRow(SQLModel, table=True):
    """Pieces of one SKU at one location.

    ``version`` grows by one with every change of a number; ``changed_at_us`` is
    when that was. ``count_reference``: the count that ``on_hand`` rests on, so
    that the same count sent again is known as the same.
    """

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("allocated >= 0", name="allocated"),
        CheckConstraint("safety_stock >= 0", name="safety_stock"),
        Index("ix_stock_changed", "changed_at_us", "location_id", "sku"),
        Index("ix_stock_sku", "sku"),
    )

    location_id: str = Field(primary_key=True, foreign_key="location.id", max_length=ID_LENGTH_MAX)
    sku: str = Field(primary_key=True, foreign_key="variant.sku", max_length=CODE_LENGTH_MAX)
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    safety_stock: int = 0
    zone_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    bay_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    version: int = Field(default=0, sa_type=BigInteger)
    changed_at_us: int = Field(default=0, sa_type=BigInteger)
    count_reference: str | None = Field(default=None, max_length=REFERENCE_LENGTH_MAX)


class StockMarkRow(SQLModel, table=True):
    """How far a follower of changes has come, in the time of ``stock.changed_at_us``."""

    __tablename__ = "stock_mark"

    name: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    mark_us: int = Field(sa_type=BigInteger)


class ReservationRow(SQLModel, table=True):
    """Pieces of one SKU promised under one reference, wherever they stand now.

    ``reserved`` until ``reserved_until``, then ``allocated`` without an end, then
    ``taken`` (handed over); ``released`` went back to everybody. The sums over all
    rows are what ``stock.reserved`` and ``stock.allocated`` say.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint(
            "reserved >= 0 AND allocated >= 0 AND taken >= 0 AND released >= 0", name="pieces"
        ),
        ForeignKeyConstraint(["location_id", "sku"], ["stock.location_id", "stock.sku"]),
        Index("ix_reservation_location_sku", "location_id", "sku"),
        Index("ix_reservation_until", "reserved_until"),
    )

    reference: str = Field(primary_key=True, max_length=REFERENCE_LENGTH_MAX)
    sku: str = Field(primary_key=True, max_length=CODE_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    reserved: int = 0
    allocated: int = 0
    taken: int = 0
    released: int = 0
    reserved_until: datetime | None = None
    created_at_us: int = Field(sa_type=BigInteger)


class MovementRow(SQLModel, table=True):
    """One entry of the ledger: never changed, never deleted.

    ``delta`` moves ``on_hand``; ``reserved_delta`` and ``allocated_delta`` the
    promises; ``picked_delta`` the pieces that staff carry or have put at the desk for
    orders, which stay on hand until they are handed over. ``reference`` names the
    business fact (a receipt, a delivery, a feed run); the same fact counts once.
    Without one, every entry is a fact of its own.
    """

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved',"
            " 'corrected', 'reserved', 'allocated', 'released', 'picked', 'unpicked')",
            name="reason",
        ),
        UniqueConstraint("reason", "reference", "location_id", "sku"),
        ForeignKeyConstraint(["location_id", "sku"], ["stock.location_id", "stock.sku"]),
        Index("ix_movement_location_sku", "location_id", "sku"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTED_KEY)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    delta: int
    reserved_delta: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    allocated_delta: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    picked_delta: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reason: str = Field(max_length=REASON_LENGTH_MAX)
    reference: str | None = Field(default=None, max_length=REFERENCE_LENGTH_MAX)
    at_us: int = Field(sa_type=BigInteger)
