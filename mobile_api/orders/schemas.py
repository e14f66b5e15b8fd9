"""What the orders' API takes and gives."""

from datetime import datetime

from pydantic import BaseModel, StrictBool

from cart.kernel.money import Money
from cart.orders.model import Method, OrderState, RefundState, TenderKind
from mobile_api.carts.schemas import MoneyOut, Taken
from mobile_api.look.words import Words
from mobile_api.orders.shown import ShownOrder


class AnswerOffer(Taken):
    """Take the other article, or have the money back."""

    accept: StrictBool


class OrderLineOut(BaseModel):
    """A line as it was bought, and what became of its pieces."""

    id: str
    gtin: str
    sku: str
    name: str
    variant: str
    quantity: int
    cancelled: int
    handed_over: int
    returned: int
    each: MoneyOut
    picture: str | None
    replaces: str | None


class OfferOut(BaseModel):
    """Another article instead of one that was not found; to be answered until ``expires_at``."""

    id: str
    name: str
    variant: str
    quantity: int
    price: MoneyOut
    picture: str | None
    expires_at: datetime


class HandoverOut(BaseModel):
    """What proves at the desk that the goods are hers; ``token`` is what the QR code says."""

    code: str
    token: str


class TenderOut(BaseModel):
    """What was paid with what. ``good_until``: of a voucher that is not good for ever."""

    kind: TenderKind
    amount: MoneyOut
    good_until: datetime | None


class RefundOut(BaseModel):
    """Money that goes or went back."""

    amount: MoneyOut
    reason: str
    state: RefundState


class OrderOut(BaseModel):
    """An order as it stands. ``position``: in the desk's queue, 1 is next.

    ``carrier``, ``tracking``: who carries it and under which number, once it was sent.
    """

    id: str
    version: int
    state: OrderState
    method: Method
    ticket: str
    location_id: str
    headline: str
    sub: str
    position: int | None
    promise_at: datetime
    ready_at: datetime | None
    here_at: datetime | None
    placed_at: datetime
    handed_over_at: datetime | None
    carrier: str
    tracking: str
    can_cancel: bool
    handover: HandoverOut | None
    offers: list[OfferOut]
    lines: list[OrderLineOut]
    total: MoneyOut
    shipping: MoneyOut
    tax: MoneyOut
    tenders: list[TenderOut]
    refunds: list[RefundOut]


class OrdersOut(BaseModel):
    """This phone's orders, the newest first."""

    orders: list[OrderOut]


def order_out(o: ShownOrder, w: Words) -> OrderOut:
    """Return an order for the API."""
    order = o.order

    def money(minor: int) -> MoneyOut:
        text = w.money(Money(minor, order.currency))
        return MoneyOut(minor=minor, currency=order.currency, text=text)

    return OrderOut(
        id=order.id,
        version=order.version,
        state=order.state,
        method=order.method,
        ticket=order.ticket,
        location_id=order.location_id,
        headline=o.headline,
        sub=o.sub,
        position=o.position,
        promise_at=order.promise_at,
        ready_at=order.ready_at or o.ready_at,
        here_at=order.here_at,
        placed_at=order.placed_at,
        handed_over_at=order.handed_over_at,
        carrier=order.parcel.carrier if order.parcel else "",
        tracking=order.parcel.tracking if order.parcel else "",
        can_cancel=o.can_cancel,
        handover=HandoverOut(code=o.handover.code, token=o.handover.token) if o.handover else None,
        offers=[
            OfferOut(
                id=one.id,
                name=one.name,
                variant=one.variant,
                quantity=one.quantity,
                price=money(one.price.minor),
                picture=f"/pictures/{one.picture}" if one.picture else None,
                expires_at=one.expires_at,
            )
            for one in o.offers
        ],
        lines=[
            OrderLineOut(
                id=line.id,
                gtin=line.gtin,
                sku=line.sku,
                name=shown.name,
                variant=shown.variant,
                quantity=line.quantity,
                cancelled=line.cancelled,
                handed_over=line.handed_over,
                returned=line.returned,
                each=money(line.price_minor),
                picture=f"/pictures/{line.picture}" if line.picture else None,
                replaces=line.replaces,
            )
            for line, shown in zip(order.lines, o.lines, strict=True)
        ],
        total=money(order.total_minor),
        shipping=money(order.shipping_minor),
        tax=money(order.tax_minor),
        tenders=[
            TenderOut(kind=one.kind, amount=money(one.amount_minor), good_until=one.good_until)
            for one in order.paid
        ],
        refunds=[
            RefundOut(amount=money(one.amount_minor), reason=one.reason, state=one.state)
            for one in order.refunds
        ],
    )
