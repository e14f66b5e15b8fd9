"""The checkout's API: open, choose, agree to a price, a voucher, close. Each answer is all of it.

Paying and stopping are in ``mobile_api.payment``.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.orders import checkout
from cart.orders.checkout import Choice
from mobile_api.bells import bell_stream, cart_topic, order_topic
from mobile_api.checkouts import queries, service
from mobile_api.checkouts.opening import CREATED, OpenWish
from mobile_api.checkouts.pages import checkout_html
from mobile_api.checkouts.refusing import REFUSED, with_checkout
from mobile_api.checkouts.schemas import (
    AcceptPrice,
    CheckoutOut,
    Choices,
    OpenCheckout,
    UseVoucher,
    checkout_out,
)
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import Once, OnceOnly, read_once
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.edge.short_way import ShortRoute, plain_json, short_way
from mobile_api.look.words import words
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/checkouts",
    dependencies=[allow(Role.SHOPPER)],
    tags=["checkout"],
    responses={401: {}},
    route_class=ShortRoute,
)
CheckoutId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
WithHtml = Annotated[
    bool, Query(alias="html", description="Also give the checkout page's part as HTML.")
]


def _whole(request: Request, wired: Parts, db: Session, checkout_id: str) -> CheckoutOut:
    spoken = words(locale_of(request))
    return checkout_out(service.read(wired, db, spoken, checkout_id, whole=False), spoken)


def _change(
    request: Request, wired: Parts, db: Session, checkout_id: str, act: Callable[[], None]
) -> CheckoutOut:
    """Do ``act``, tell the other pages, and return what the checkout is now."""
    act()
    whole = _whole(request, wired, db, checkout_id)
    service.tell(wired, db, checkout_id, whole.version)
    return whole


def _once(
    request: Request,
    wired: Parts,
    once: Once,
    checkout_id: str,
    act: Callable[[Session], None],
) -> Response:
    """Do ``act`` once on the shopper's own checkout."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        queries.own(db, checkout_id, shopper.id)
        return _change(request, wired, db, checkout_id, lambda: act(db))

    return with_checkout(request, wired, once.run(effect, needs_session=True), checkout_id)


async def _ordinary_opening(request: Request) -> Response | None:
    if not plain_json(request):
        return None
    try:
        wanted = OpenCheckout.model_validate_json(await request.body())
    except ValidationError:
        return None
    once = await read_once(request)
    return await open_checkout(request, wanted, once.keyed.parts, once)


@router.post("", status_code=CREATED, response_model=CheckoutOut)
@short_way(_ordinary_opening)
async def open_checkout(
    request: Request, wanted: OpenCheckout, wired: Wired, once: OnceOnly
) -> Response:
    """Open the checkout of this phone's cart; while one is open it is that one."""
    locale = locale_of(request)

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        checkout_id = service.begin(wired, db, shopper, locale, wanted.location_id)
        return _whole(request, wired, db, checkout_id)

    def alone() -> Response:
        return once.run(effect, status=CREATED, needs_session=True)

    token, request_hash = once.visitor.token, once.keyed.request_hash
    return await wired.opening.do(
        OpenWish(once.key, request_hash, token, wanted.location_id, locale, alone)
    )


@router.get("/{checkout_id}")
def get_checkout(
    request: Request,
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    with_html: WithHtml = False,
) -> CheckoutOut:
    """Return the checkout as it is now."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        queries.own(db, checkout_id, visitor.need(db, wired.clock).id)
        found = service.read(wired, db, spoken, checkout_id, whole=with_html)
    return checkout_out(found, spoken, checkout_html(found, spoken) if with_html else None)


@router.get("/{checkout_id}/events", response_class=StreamingResponse)
def checkout_events(
    checkout_id: CheckoutId, wired: Wired, visitor: CurrentVisitor
) -> StreamingResponse:
    """Stream `changed` whenever the checkout, its order or its cart is another: look again."""
    with reading(wired.engine) as db:
        found = queries.own(db, checkout_id, visitor.need(db, wired.clock).id)
        cart_id = found.cart_id
    held = partial(wired.streams.while_good, visitor.token)
    return bell_stream(wired.bells, [order_topic(checkout_id), cart_topic(cart_id)], held)


@router.post("/{checkout_id}/choices", response_model=CheckoutOut, responses={**REFUSED})
def post_choices(
    request: Request, checkout_id: CheckoutId, wanted: Choices, wired: Wired, once: OnceOnly
) -> Response:
    """Choose shop, way to get it, time, e-mail address or where it goes; all or some of it."""
    choice = Choice(
        location_id=wanted.location_id,
        method=wanted.method,
        slot_at=wanted.slot_at,
        soonest=wanted.slot_at is None and "slot_at" in wanted.model_fields_set,
        email=wanted.email,
        address=wanted.address,
    )

    def act(db: Session) -> None:
        checkout.choose(db, wired.clock, wired.shop, checkout_id=checkout_id, choice=choice)

    return _once(request, wired, once, checkout_id, act)


@router.post("/{checkout_id}/prices", response_model=CheckoutOut, responses={**REFUSED})
def post_price(
    request: Request, checkout_id: CheckoutId, wanted: AcceptPrice, wired: Wired, once: OnceOnly
) -> Response:
    """Agree to today's price of a line that is another than the one seen."""

    def act(db: Session) -> None:
        checkout.accept_price(
            db,
            wired.clock,
            wired.shop,
            checkout_id=checkout_id,
            gtin=wanted.gtin,
            price_minor=wanted.price_minor,
        )

    return _once(request, wired, once, checkout_id, act)


@router.post("/{checkout_id}/voucher", response_model=CheckoutOut, responses={**REFUSED})
def post_voucher(
    request: Request, checkout_id: CheckoutId, wanted: UseVoucher, wired: Wired, once: OnceOnly
) -> Response:
    """Lay a gift card or voucher on it; its balance is touched when it is paid."""

    def act(db: Session) -> None:
        checkout.use_voucher(db, wired.clock, checkout_id=checkout_id, code=wanted.code)

    return _once(request, wired, once, checkout_id, act)


@router.delete("/{checkout_id}/voucher")
def delete_voucher(
    request: Request, checkout_id: CheckoutId, wired: Wired, visitor: CurrentVisitor
) -> CheckoutOut:
    """Take the voucher off again; the same request again changes nothing more."""
    with unit_of_work(wired.engine) as db:
        queries.own(db, checkout_id, visitor.need(db, wired.clock).id)

        def act() -> None:
            checkout.drop_voucher(db, wired.clock, checkout_id=checkout_id)

        return _change(request, wired, db, checkout_id, act)


@router.post("/{checkout_id}/close", response_model=CheckoutOut, responses={**REFUSED})
def close_checkout(
    request: Request, checkout_id: CheckoutId, wired: Wired, once: OnceOnly
) -> Response:
    """Give the checkout up; the cart stays as it is."""

    def act(db: Session) -> None:
        checkout.close(db, wired.clock, checkout_id=checkout_id)

    return _once(request, wired, once, checkout_id, act)
