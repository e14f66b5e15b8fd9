"""Rows of carts, shopper sessions and saved lists."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX, NAME_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX

OPERATION_ID_LENGTH_MAX = 160  # a source and an event id
DEVICE_LENGTH_MAX = 60  # "Samsung Internet, Android" and the like


class CartRow(SQLModel, table=True):
    """A cart. ``version`` counts operations; ``latest_at_us`` is the latest hybrid time."""

    __tablename__ = "cart"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    version: int = 0
    latest_at_us: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(default="EUR", max_length=3)
    created_at: datetime


class CartOperationRow(SQLModel, table=True):
    """One operation; never changed, never deleted while the cart lives."""

    __tablename__ = "cart_operation"
    __table_args__ = (
        CheckConstraint("kind IN ('add', 'remove', 'set', 'bought')", name="kind"),
        CheckConstraint("quantity >= 0", name="quantity"),
        Index("ix_cart_operation_cart_version", "cart_id", "version"),
        Index("ix_cart_operation_cart_gtin", "cart_id", "gtin"),
        # For whoever follows along. Rows come in in this order, so PostgreSQL's index has a line
        # for each megabyte of them: adding an operation costs what it did without.
        Index("ix_cart_operation_received_at_us", "received_at_us", postgresql_using="brin"),
    )

    id: str = Field(primary_key=True, max_length=OPERATION_ID_LENGTH_MAX)
    cart_id: str = Field(foreign_key="cart.id", max_length=ID_LENGTH_MAX)
    version: int
    gtin: str = Field(max_length=14)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    kind: str = Field(max_length=8)
    quantity: int
    at_us: int = Field(sa_type=BigInteger)
    received_at_us: int = Field(sa_type=BigInteger)
    source: str = Field(max_length=ID_LENGTH_MAX + 16)
    price_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    location_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class CartLineRow(SQLModel, table=True):
    """The fold of a line's operations, kept ready; quantity 0 remembers what came last."""

    __tablename__ = "cart_line"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity"),)

    cart_id: str = Field(primary_key=True, foreign_key="cart.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(primary_key=True, max_length=14)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    added_at_us: int = Field(sa_type=BigInteger)
    last_at_us: int = Field(sa_type=BigInteger)
    last_operation_id: str = Field(max_length=OPERATION_ID_LENGTH_MAX)
    price_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    location_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class ShopperSessionRow(SQLModel, table=True):
    """One shopper's time with the shop; it holds one cart.

    Anonymous: one visit. With ``customer_id``: a customer's own, the same on every phone
    on which she is signed in. ``ended_at``: an anonymous one whose cart she took to her own, or
    that nobody came back to; ``emptied_at``: when what such a one held was deleted.
    """

    __tablename__ = "shopper_session"
    __table_args__ = (
        UniqueConstraint("customer_id"),
        Index(
            "ix_shopper_session_idle",
            "created_at",
            sqlite_where=text("emptied_at IS NULL AND customer_id IS NULL"),
            postgresql_where=text("emptied_at IS NULL AND customer_id IS NULL"),
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    cart_id: str = Field(foreign_key="cart.id", index=True, max_length=ID_LENGTH_MAX)
    locale: str = Field(default="en", max_length=2)
    created_at: datetime
    ended_at: datetime | None = None
    customer_id: str | None = Field(
        default=None, foreign_key="customer.id", max_length=ID_LENGTH_MAX
    )
    emptied_at: datetime | None = None


class SessionKeyRow(SQLModel, table=True):
    """A phone's key to a session: what its cookie holds, hashed.

    Of a customer's session also: ``device``, what the phone called itself at sign-in;
    ``seen_at``, when it was used last, to a few minutes; ``ends_at``, after which no use
    moves ``expires_at`` any more; ``prior_session_id``, the anonymous session that the phone
    had before.
    """

    __tablename__ = "session_key"
    __table_args__ = (Index("ix_session_key_created_at", "created_at", postgresql_using="brin"),)

    token_hash: str = Field(primary_key=True, max_length=64)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    created_at: datetime
    expires_at: datetime
    device: str = Field(
        default="", max_length=DEVICE_LENGTH_MAX, sa_column_kwargs={"server_default": ""}
    )
    seen_at: datetime | None = None
    ends_at: datetime | None = None
    prior_session_id: str | None = Field(
        default=None, foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX
    )


class SavedListRow(SQLModel, table=True):
    """A list as it was when it was saved. ``deleted_at`` set: gone from the page, can be undone."""

    __tablename__ = "saved_list"
    __table_args__ = (Index("ix_saved_list_created_at", "created_at", postgresql_using="brin"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    created_at: datetime
    deleted_at: datetime | None = None


class SavedListLineRow(SQLModel, table=True):
    """A line of a saved list, with the price that was shown then."""

    __tablename__ = "saved_list_line"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity"),
        UniqueConstraint("list_id", "gtin"),
    )

    list_id: str = Field(primary_key=True, foreign_key="saved_list.id", max_length=ID_LENGTH_MAX)
    position: int = Field(primary_key=True)
    gtin: str = Field(max_length=14)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    price_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    location_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)


class ListRequestRow(SQLModel, table=True):
    """A wish to get a list by e-mail: the business fact that a durable workflow carries out.

    ``email`` is for this one mail and is emptied some days after it was sent.
    """

    __tablename__ = "list_request"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'sent', 'failed')", name="state"),
        Index("ix_list_request_state", "state", "requested_at"),
        Index("ix_list_request_requested_at", "requested_at", postgresql_using="brin"),
        Index("ix_list_request_sent_at", "sent_at"),
    )

    id: str = Field(primary_key=True, max_length=OPERATION_ID_LENGTH_MAX)
    list_id: str = Field(foreign_key="saved_list.id", index=True, max_length=ID_LENGTH_MAX)
    email: str = Field(max_length=EMAIL_LENGTH_MAX)
    locale: str = Field(max_length=2)
    location_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    state: str = Field(default="requested", max_length=12)
    requested_at: datetime
    sent_at: datetime | None = None
    failure: str = Field(default="", max_length=500)
