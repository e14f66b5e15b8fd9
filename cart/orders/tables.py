"""Rows of checkouts, tenders, orders and refunds. Only ``cart.orders`` and ``cart.picking`` write.

Amounts are minor units of the row's currency. Locations are named, not joined:
they are the catalogue's.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX, JSON_COLUMN, NAME_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX

STATE_LENGTH_MAX = 16
GTIN_LENGTH = 14
HASH_LENGTH = 64
URL_LENGTH_MAX = 2_000
REFERENCE_LENGTH_MAX = 128
FAILURE_LENGTH_MAX = 500


class LocationTermsRow(SQLModel, table=True):
    """On what terms a location sells. Without a row: the defaults below, no tax, no shipping.

    ``orders_per_quarter``: open orders that it promises per quarter hour; None: no
    limit. ``counter_sequence``: how many tickets it has given.
    """

    __tablename__ = "location_terms"
    __table_args__ = (
        CheckConstraint("tax_rate_bp BETWEEN 0 AND 10000", name="tax_rate"),
        CheckConstraint("reserve_minutes BETWEEN 1 AND 120", name="reserve_minutes"),
        CheckConstraint("orders_per_quarter >= 1", name="orders_per_quarter"),
        CheckConstraint("uncollected_hours > remind_hours", name="uncollected"),
    )

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    tax_rate_bp: int = 0
    reserve_minutes: int = 15
    orders_per_quarter: int | None = None
    lead_minutes: int = 5
    remind_hours: int = 24
    uncollected_hours: int = 72
    ships: bool = False
    shipping_minor: int = Field(default=0, sa_type=BigInteger)
    takes_orders: bool = True


class TaxRateRow(SQLModel, table=True):
    """The tax of a product category at a location, where it differs from the location's own."""

    __tablename__ = "tax_rate"
    __table_args__ = (CheckConstraint("rate_bp BETWEEN 0 AND 10000", name="rate"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    category: str = Field(primary_key=True, max_length=NAME_LENGTH_MAX)
    rate_bp: int


class TicketSequenceRow(SQLModel, table=True):
    """How many tickets a location has given; moved by one guarded UPDATE."""

    __tablename__ = "ticket_sequence"

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    given: int = 0


class SlotRow(SQLModel, table=True):
    """Orders promised for the quarter hour that begins at ``starts_at``."""

    __tablename__ = "slot"
    __table_args__ = (CheckConstraint("taken >= 0", name="taken"),)

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    starts_at: datetime = Field(primary_key=True)
    taken: int = 0


class CheckoutRow(SQLModel, table=True):
    """What a shopper is about to buy from one cart. Its lines follow the cart while it is open.

    ``slot_at`` None: as soon as possible. ``attempt_id``: the try to pay that is on.
    ``version`` grows with every change, for whoever shows it.
    """

    __tablename__ = "checkout"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'paying', 'paid', 'cancelled')", name="state"),
        CheckConstraint("method IN ('collect', 'ship')", name="method"),
        Index("ix_checkout_created_at", "created_at", postgresql_using="brin"),
        Index(
            "uq_checkout_open_cart",
            "cart_id",
            unique=True,
            sqlite_where=text("state IN ('open', 'paying')"),
            postgresql_where=text("state IN ('open', 'paying')"),
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    cart_id: str = Field(foreign_key="cart.id", index=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    currency: str = Field(max_length=3)
    state: str = Field(default="open", max_length=STATE_LENGTH_MAX)
    method: str = Field(default="collect", max_length=STATE_LENGTH_MAX)
    slot_at: datetime | None = None
    email: str = Field(default="", max_length=EMAIL_LENGTH_MAX)
    locale: str = Field(default="en", max_length=2)
    address: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    voucher_id: str | None = Field(default=None, foreign_key="voucher.id", max_length=ID_LENGTH_MAX)
    attempt_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    order_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    version: int = 1
    created_at: datetime
    changed_at: datetime


class AgreedPriceRow(SQLModel, table=True):
    """A price that the shopper agreed to at the checkout, other than the one she scanned."""

    __tablename__ = "agreed_price"

    checkout_id: str = Field(primary_key=True, foreign_key="checkout.id", max_length=ID_LENGTH_MAX)
    gtin: str = Field(primary_key=True, max_length=GTIN_LENGTH)
    price_minor: int = Field(sa_type=BigInteger)


class AttemptRow(SQLModel, table=True):
    """One try to pay a checkout. Its id is made from the Idempotency-Key of the request.

    It is the reference under which pieces are reserved, and the workflow's id.
    ``wanted``: everything that this money buys, frozen; see ``cart.orders.wanted``.
    ``promise_at``: when it can be ready; ``slot_at``: the slot that is taken for it.
    """

    __tablename__ = "pay_attempt"
    __table_args__ = (
        CheckConstraint(
            "state IN ('reserved', 'pending', 'succeeded', 'failed', 'cancelled', 'expired')",
            name="state",
        ),
        Index("ix_pay_attempt_state", "state", "reserved_until"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    checkout_id: str = Field(foreign_key="checkout.id", index=True, max_length=ID_LENGTH_MAX)
    state: str = Field(default="reserved", max_length=STATE_LENGTH_MAX)
    total_minor: int = Field(sa_type=BigInteger)
    shipping_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    wanted: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    slot_at: datetime | None = None
    promise_at: datetime
    reserved_until: datetime
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    started_at: datetime
    ended_at: datetime | None = None


class TenderRow(SQLModel, table=True):
    """A means of payment and its amount. ``provider_ref``: the payment's id at the provider."""

    __tablename__ = "tender"
    __table_args__ = (
        CheckConstraint("kind IN ('provider', 'voucher', 'wristband')", name="kind"),
        CheckConstraint("state IN ('held', 'captured', 'released')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        UniqueConstraint("provider", "provider_ref"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    attempt_id: str = Field(foreign_key="pay_attempt.id", index=True, max_length=ID_LENGTH_MAX)
    order_id: str | None = Field(default=None, index=True, max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=STATE_LENGTH_MAX)
    state: str = Field(default="held", max_length=STATE_LENGTH_MAX)
    amount_minor: int = Field(sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    provider: str | None = Field(default=None, max_length=STATE_LENGTH_MAX)
    provider_ref: str | None = Field(default=None, max_length=REFERENCE_LENGTH_MAX)
    redirect_url: str = Field(default="", max_length=URL_LENGTH_MAX)
    voucher_id: str | None = Field(default=None, foreign_key="voucher.id", max_length=ID_LENGTH_MAX)
    created_at: datetime


class ProviderEventRow(SQLModel, table=True):
    """A provider's message that was taken in: the same one again changes nothing."""

    __tablename__ = "provider_event"

    provider: str = Field(primary_key=True, max_length=STATE_LENGTH_MAX)
    event_id: str = Field(primary_key=True, max_length=REFERENCE_LENGTH_MAX)
    provider_ref: str = Field(max_length=REFERENCE_LENGTH_MAX)
    outcome: str = Field(max_length=STATE_LENGTH_MAX)
    received_at: datetime


class VoucherRow(SQLModel, table=True):
    """A gift card or voucher. Only the hash of its code is kept."""

    __tablename__ = "voucher"
    __table_args__ = (CheckConstraint("balance_minor >= 0", name="balance"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    code_hash: str = Field(unique=True, max_length=HASH_LENGTH)
    ending: str = Field(max_length=4)
    currency: str = Field(max_length=3)
    balance_minor: int = Field(sa_type=BigInteger)
    issued_minor: int = Field(sa_type=BigInteger)
    expires_at: datetime | None = None
    issued_at: datetime


class VoucherEntryRow(SQLModel, table=True):
    """One change of a voucher's balance: never changed, never deleted; a fact counts once."""

    __tablename__ = "voucher_entry"

    voucher_id: str = Field(primary_key=True, foreign_key="voucher.id", max_length=ID_LENGTH_MAX)
    reference: str = Field(primary_key=True, max_length=REFERENCE_LENGTH_MAX)
    delta_minor: int = Field(sa_type=BigInteger)
    at: datetime


class OrderRow(SQLModel, table=True):
    """What was bought. ``ticket``: the short code that staff call out; unique while it is open.

    ``promise_at``: when it is to be ready. ``here_at``: the shopper said that she
    is at the desk. ``wrong_codes``: tries at the handover that failed.
    """

    __tablename__ = "placed_order"
    __table_args__ = (
        CheckConstraint(
            "state IN ('placed', 'picking', 'ready', 'handed_over', 'shipped', 'cancelled',"
            " 'uncollected')",
            name="state",
        ),
        CheckConstraint("method IN ('collect', 'ship')", name="method"),
        Index("ix_placed_order_location_state", "location_id", "state", "promise_at"),
        Index("ix_placed_order_lower_email", text("lower(email)")),
        Index(
            "uq_placed_order_open_ticket",
            "location_id",
            "ticket",
            unique=True,
            sqlite_where=text("state IN ('placed', 'picking', 'ready')"),
            postgresql_where=text("state IN ('placed', 'picking', 'ready')"),
        ),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    checkout_id: str = Field(unique=True, max_length=ID_LENGTH_MAX)
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    location_id: str = Field(max_length=ID_LENGTH_MAX)
    currency: str = Field(max_length=3)
    state: str = Field(default="placed", max_length=STATE_LENGTH_MAX)
    method: str = Field(max_length=STATE_LENGTH_MAX)
    ticket: str = Field(max_length=8)
    email: str = Field(default="", max_length=EMAIL_LENGTH_MAX)
    locale: str = Field(default="en", max_length=2)
    address: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    total_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    shipping_minor: int = Field(default=0, sa_type=BigInteger)
    promise_at: datetime
    placed_at: datetime
    here_at: datetime | None = None
    ready_at: datetime | None = None
    shelf: str = Field(default="", max_length=ID_LENGTH_MAX)
    handed_over_at: datetime | None = None
    reminded_at: datetime | None = None
    wrong_codes: int = 0
    version: int = 1


class OrderLineRow(SQLModel, table=True):
    """One line of an order. Pieces: ``quantity`` = open + cancelled + handed_over.

    ``cancelled`` were refunded before the handover (short, substituted, order
    cancelled); ``returned`` of the handed over came back and were refunded.
    ``replaces``: the line that this one substitutes. ``stock_reference``: under
    which its pieces are allocated. Name and picture are as they were when bought.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("cancelled >= 0 AND handed_over >= 0 AND returned >= 0", name="pieces"),
        CheckConstraint("cancelled + handed_over <= quantity", name="sum"),
        CheckConstraint("returned <= handed_over", name="returned"),
        CheckConstraint("picked BETWEEN 0 AND quantity", name="picked"),
        UniqueConstraint("order_id", "position"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    order_id: str = Field(foreign_key="placed_order.id", max_length=ID_LENGTH_MAX)
    position: int
    gtin: str = Field(max_length=GTIN_LENGTH)
    sku: str = Field(max_length=CODE_LENGTH_MAX)
    quantity: int
    picked: int = 0
    cancelled: int = 0
    handed_over: int = 0
    returned: int = 0
    price_minor: int = Field(sa_type=BigInteger)
    tax_rate_bp: int = 0
    stock_reference: str = Field(max_length=REFERENCE_LENGTH_MAX)
    replaces: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    name: str = Field(max_length=NAME_LENGTH_MAX)
    name_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    colour: str = Field(default="", max_length=NAME_LENGTH_MAX)
    colour_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    size: str = Field(default="", max_length=NAME_LENGTH_MAX)
    picture: str | None = Field(default=None, max_length=NAME_LENGTH_MAX)


class OrderEventRow(SQLModel, table=True):
    """One entry of an order's history: never changed, never deleted."""

    __tablename__ = "order_event"
    __table_args__ = (Index("ix_order_event_at", "at", postgresql_using="brin"),)

    order_id: str = Field(primary_key=True, foreign_key="placed_order.id", max_length=ID_LENGTH_MAX)
    number: int = Field(primary_key=True)
    what: str = Field(max_length=32)
    actor: str = Field(max_length=ID_LENGTH_MAX)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    at: datetime


class RefundRow(SQLModel, table=True):
    """Money owed back to one tender for one fact (``reference``); a workflow pays it.

    Written in the transaction of the fact, which also raises the tender's
    ``refunded_minor``. ``order_id`` is None for money that came too late to buy.
    ``retries``: how often it was asked for anew after it had failed.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("state IN ('due', 'done', 'failed')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        UniqueConstraint("tender_id", "reference"),
        Index("ix_refund_state", "state", "created_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    tender_id: str = Field(foreign_key="tender.id", max_length=ID_LENGTH_MAX)
    order_id: str | None = Field(default=None, index=True, max_length=ID_LENGTH_MAX)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    reason: str = Field(max_length=32)
    reference: str = Field(max_length=REFERENCE_LENGTH_MAX)
    state: str = Field(default="due", max_length=STATE_LENGTH_MAX)
    provider_ref: str | None = Field(default=None, max_length=REFERENCE_LENGTH_MAX)
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    retries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime
    done_at: datetime | None = None


class OrderLetterRow(SQLModel, table=True):
    """A mail about an order that is to be sent once; a workflow sends it."""

    __tablename__ = "order_letter"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'sent', 'failed')", name="state"),
        Index("ix_order_letter_state", "state", "requested_at"),
        Index("ix_order_letter_sent_at", "sent_at"),
    )

    id: str = Field(primary_key=True, max_length=REFERENCE_LENGTH_MAX)
    order_id: str = Field(foreign_key="placed_order.id", index=True, max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=STATE_LENGTH_MAX)
    state: str = Field(default="requested", max_length=STATE_LENGTH_MAX)
    requested_at: datetime
    sent_at: datetime | None = None
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
