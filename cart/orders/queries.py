"""Every select on orders: whole, by session, and the sums that must hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from cart.kernel.errors import UnknownOrder
from cart.orders.model import Method, OrderState, RefundState, TenderKind
from cart.orders.sums import Difference, differences
from cart.orders.tables import (
    OrderEventRow,
    OrderLineRow,
    OrderRow,
    RefundRow,
    TenderRow,
    VoucherRow,
)

__all__ = ["Difference", "differences"]

ORDERS_MAX: Final = 20  # of one session that are shown; more than anybody buys in a visit
EVENTS_SHOWN_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of an order, with what became of its pieces."""

    id: str
    position: int
    gtin: str
    sku: str
    quantity: int
    picked: int
    cancelled: int
    handed_over: int
    returned: int
    price_minor: int
    tax_rate_bp: int
    replaces: str | None
    name: str
    name_i18n: dict[str, str]
    colour: str
    colour_i18n: dict[str, str]
    size: str
    picture: str | None

    @property
    def kept(self) -> int:
        """Pieces that are open or with the shopper."""
        return self.quantity - self.cancelled - self.returned

    @property
    def total_minor(self) -> int:
        """What those pieces cost."""
        return self.kept * self.price_minor


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an order's history."""

    number: int
    what: str
    actor: str
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """A tender of an order; ``ending``, ``good_until``: of the voucher, None: for ever."""

    kind: TenderKind
    amount_minor: int
    refunded_minor: int
    ending: str = ""
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that went or goes back."""

    id: str
    amount_minor: int
    reason: str
    state: RefundState
    created_at: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Who carries an order that was sent; ``tracking``: the carrier's number of it, or empty."""

    carrier: str
    tracking: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """A whole order. ``total_minor``, ``tax_minor``: as it was bought."""

    id: str
    checkout_id: str
    session_id: str
    location_id: str
    currency: str
    state: OrderState
    method: Method
    ticket: str
    email: str
    locale: str
    address: dict[str, str]
    total_minor: int
    tax_minor: int
    shipping_minor: int
    promise_at: datetime
    placed_at: datetime
    here_at: datetime | None
    ready_at: datetime | None
    handed_over_at: datetime | None
    shelf: str
    version: int
    lines: tuple[OrderLine, ...]
    paid: tuple[Paid, ...]
    refunds: tuple[Refund, ...]
    history: tuple[Entry, ...]

    @property
    def refunded_minor(self) -> int:
        """All that went back, or is owed."""
        return sum(tender.refunded_minor for tender in self.paid)

    @property
    def shown_at(self) -> datetime | None:
        """When she was told that it would be ready, where her money came too late for that."""
        placed = next((entry for entry in self.history if entry.what == "placed"), None)
        shown = placed.data.get("shown_at") if placed else None
        return datetime.fromisoformat(shown) if shown else None

    @property
    def parcel(self) -> Parcel | None:
        """Who carries it, once it was sent."""
        sent = next((entry for entry in self.history if entry.what == "shipped"), None)
        if sent is None:
            return None
        return Parcel(str(sent.data.get("carrier", "")), str(sent.data.get("tracking", "")))


def hold(db: Session, order_id: str) -> OrderRow:
    """Return an order's row; nobody else changes the order until the commit.

    Raises:
        UnknownOrder: no such order.
    """
    return _row(db, order_id, lock=True)


def order_view(db: Session, order_id: str) -> OrderView:
    """Return an order with its lines, money and history.

    Raises:
        UnknownOrder: no such order.
    """
    row = _row(db, order_id)
    return OrderView(
        id=row.id,
        checkout_id=row.checkout_id,
        session_id=row.session_id,
        location_id=row.location_id,
        currency=row.currency,
        state=OrderState(row.state),
        method=Method(row.method),
        ticket=row.ticket,
        email=row.email,
        locale=row.locale,
        address=row.address,
        total_minor=row.total_minor,
        tax_minor=row.tax_minor,
        shipping_minor=row.shipping_minor,
        promise_at=row.promise_at,
        placed_at=row.placed_at,
        here_at=row.here_at,
        ready_at=row.ready_at,
        handed_over_at=row.handed_over_at,
        shelf=row.shelf,
        version=row.version,
        lines=tuple(_line(line) for line in lines(db, order_id)),
        paid=_paid(db, order_id),
        refunds=_refunds(db, order_id),
        history=_history(db, order_id),
    )


def orders_of_session(db: Session, session_id: str, limit: int = ORDERS_MAX) -> list[OrderView]:
    """Return a session's orders, the newest first."""
    found = db.exec(
        select(OrderRow.id)
        .where(OrderRow.session_id == session_id)
        .order_by(col(OrderRow.placed_at).desc(), col(OrderRow.id).desc())
        .limit(limit)
    ).all()
    return [order_view(db, order_id) for order_id in found]


def lines(db: Session, order_id: str, *, lock: bool = False) -> list[OrderLineRow]:
    """Return an order's lines in their order, as they are now."""
    statement = (
        select(OrderLineRow)
        .where(OrderLineRow.order_id == order_id)
        .order_by(col(OrderLineRow.position))
        .execution_options(populate_existing=True)
    )
    return list(db.exec(statement.with_for_update() if lock else statement))


def _row(db: Session, order_id: str, *, lock: bool = False) -> OrderRow:
    statement = select(OrderRow).where(OrderRow.id == order_id)
    if lock:
        statement = statement.with_for_update()
    found = db.exec(statement.execution_options(populate_existing=True)).first()
    if found is None:
        msg = f"there is no order {order_id}"
        raise UnknownOrder(msg, order_id=order_id)
    return found


def _line(row: OrderLineRow) -> OrderLine:
    return OrderLine(
        id=row.id,
        position=row.position,
        gtin=row.gtin,
        sku=row.sku,
        quantity=row.quantity,
        picked=row.picked,
        cancelled=row.cancelled,
        handed_over=row.handed_over,
        returned=row.returned,
        price_minor=row.price_minor,
        tax_rate_bp=row.tax_rate_bp,
        replaces=row.replaces,
        name=row.name,
        name_i18n=row.name_i18n,
        colour=row.colour,
        colour_i18n=row.colour_i18n,
        size=row.size,
        picture=row.picture,
    )


def _paid(db: Session, order_id: str) -> tuple[Paid, ...]:
    found = db.exec(
        select(TenderRow, VoucherRow.ending, VoucherRow.expires_at)
        .outerjoin(VoucherRow, col(VoucherRow.id) == col(TenderRow.voucher_id))
        .where(TenderRow.order_id == order_id)
        .order_by(col(TenderRow.kind), col(TenderRow.id))
        .execution_options(populate_existing=True)
    )
    return tuple(
        Paid(TenderKind(row.kind), row.amount_minor, row.refunded_minor, ending or "", until)
        for row, ending, until in found
    )


def _refunds(db: Session, order_id: str) -> tuple[Refund, ...]:
    found = db.exec(
        select(RefundRow)
        .where(RefundRow.order_id == order_id)
        .order_by(col(RefundRow.created_at), col(RefundRow.id))
        .execution_options(populate_existing=True)
    )
    return tuple(
        Refund(
            row.id,
            row.amount_minor,
            row.reason,
            RefundState(row.state),
            row.created_at,
            row.failure,
        )
        for row in found
    )


def _history(db: Session, order_id: str) -> tuple[Entry, ...]:
    found = db.exec(
        select(OrderEventRow)
        .where(OrderEventRow.order_id == order_id)
        .order_by(col(OrderEventRow.number))
        .limit(EVENTS_SHOWN_MAX)
    )
    return tuple(Entry(row.number, row.what, row.actor, row.data, row.at) for row in found)
