"""The cart's API: lines, the live stream, and what a claim or a held device can undo."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from cart.carts import service
from cart.carts.apply import Applied
from cart.carts.queries import view as cart_view
from cart.carts.service import Shopping
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.gtin import Gtin
from gateway.binding import queries as bindings
from gateway.binding import service as binding_service
from gateway.binding.model import EndReason
from gateway.fanout import BindingChanged, CartChanged
from mobile_api.carts.adding import CREATED, ORIGIN, Added, Wish
from mobile_api.carts.basket import basket, nobodys
from mobile_api.carts.events import View
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import AddLine, CartOut, SetQuantity, Taken, cart_out
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import OnceOnly, read_once
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.edge.short_way import ShortRoute, short_way
from mobile_api.look.words import Words, words
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1",
    dependencies=[allow(Role.SHOPPER)],
    tags=["cart"],
    responses={401: {}},
    route_class=ShortRoute,
)
VERSION_DIGITS_MAX = 9  # a billion operations on one cart; more is no version of ours
WithHtml = Annotated[
    bool, Query(alias="html", description="Also give the parts of the cart page as HTML.")
]
WATCHED_MAX = 200  # twenty things that were tried on, in ten sizes each
Watched = Annotated[
    Sequence[Gtin],
    Query(
        alias="watch",
        max_length=WATCHED_MAX,
        description="Also tell of the stock of these articles, which are in no cart.",
    ),
]
# Query strings of ordinary requests, and whether they ask for the page's parts.
_HTML_WISHES = {b"": False, b"html=true": True, b"html=1": True}
LineGtin = Annotated[str, Path(max_length=64, description="GTIN of the line.")]


def shown(wired: Parts, db: Session, spoken: Words, cart_id: str, *, with_html: bool) -> CartOut:
    """Return the cart for an answer."""
    found = basket(db, wired.lookup, spoken, cart_id)
    return cart_out(found, spoken, cart_html(found, spoken) if with_html else None)


def ring(wired: Parts, db: Session, applied: Applied) -> None:
    """Tell everyone who shows one of the changed carts, once this has committed."""
    for change in applied.changes:
        wired.tell(db, CartChanged(change.cart_id, change.version, ORIGIN))


def shopping(
    wired: Parts, db: Session, shopper: ShopperSessionRow, location_id: str | None = None
) -> Shopping:
    """Return where this shopper's commands go; she stands where her last line was added."""
    if location_id is None:
        held = bindings.of_session(db, shopper.id)
        lines = cart_view(db, shopper.cart_id).lines
        newest = max(lines, key=lambda line: line.added_at_us, default=None)
        location_id = held[0].location_id if held else newest.location_id if newest else None
    return Shopping(shopper.cart_id, wired.clock, wired.lookup, location_id=location_id)


def _shown_after(request: Request, wired: Parts, cart_id: str, *, with_html: bool) -> CartOut:
    """Return the cart once the change has committed: rendering holds up no other writer."""
    with reading(wired.engine) as db:
        return shown(wired, db, words(locale_of(request)), cart_id, with_html=with_html)


@router.get("/cart")
def get_cart(
    request: Request, wired: Wired, visitor: CurrentVisitor, *, with_html: WithHtml = False
) -> CartOut:
    """Return the cart of this phone; empty when it has none yet."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        if shopper is None:
            nobody = nobodys(db, spoken)
            return cart_out(nobody, spoken, cart_html(nobody, spoken) if with_html else None)
        return shown(wired, db, spoken, shopper.cart_id, with_html=with_html)


async def _ordinary_line(request: Request) -> Response | None:
    """Read a request to add a line as a phone's page or app sends it."""
    headers = request.headers
    with_html = _HTML_WISHES.get(request.scope["query_string"])
    if with_html is None or headers.get("content-type") != "application/json":
        return None
    try:
        line = AddLine.model_validate_json(await request.body())
    except ValidationError:
        return None
    once = await read_once(request)
    return await post_line(request, line, once.keyed.parts, once, with_html=with_html)


@router.post("/cart/lines", status_code=CREATED, response_model=CartOut)
@short_way(_ordinary_line)
async def post_line(
    request: Request, line: AddLine, wired: Wired, once: OnceOnly, *, with_html: WithHtml = False
) -> Response:
    """Put pieces of an article into the cart; a phone's first line begins its session."""
    locale = locale_of(request)

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        applied = service.add_line(
            db,
            shopping(wired, db, shopper, line.location_id),
            operation_id=wired.ids.new("op"),
            gtin=line.gtin,
            quantity=line.quantity,
        )
        ring(wired, db, applied)
        return shown(wired, db, words(locale), shopper.cart_id, with_html=with_html)

    def alone() -> Response:
        return once.run(effect, status=CREATED)

    token, request_hash = once.visitor.token, once.keyed.request_hash
    wish = Wish(once.key, request_hash, token, line, locale, with_html, alone)
    answer = await wired.adding.do(wish)
    return answer.response(secure=wired.settings.secure) if isinstance(answer, Added) else answer


@router.put("/cart/lines/{gtin}")
def put_line(
    request: Request,
    gtin: LineGtin,
    wanted: SetQuantity,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    with_html: WithHtml = False,
) -> CartOut:
    """Set the number of pieces; the same request again changes nothing more."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        applied = service.set_quantity(
            db,
            shopping(wired, db, shopper),
            operation_id=wired.ids.new("op"),
            gtin=Gtin.parse(gtin),
            quantity=wanted.quantity,
        )
        ring(wired, db, applied)
        cart_id = shopper.cart_id
    return _shown_after(request, wired, cart_id, with_html=with_html)


@router.delete("/cart/lines/{gtin}")
def delete_line(
    request: Request,
    gtin: LineGtin,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    with_html: WithHtml = False,
) -> CartOut:
    """Take a line off; one that is not there is off already."""
    code = Gtin.parse(gtin)
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        if any(line.gtin == code for line in cart_view(db, shopper.cart_id).lines):
            applied = service.remove_line(
                db, shopping(wired, db, shopper), operation_id=wired.ids.new("op"), gtin=code
            )
            ring(wired, db, applied)
        cart_id = shopper.cart_id
    return _shown_after(request, wired, cart_id, with_html=with_html)


class UndoClaim(Taken):
    """Which claim's lines go out again."""

    claim: str


@router.post("/cart/claims/undo", response_model=CartOut)
def undo_claim(request: Request, undo: UndoClaim, wired: Wired, once: OnceOnly) -> Response:
    """Take out what a tablet's list added to this phone's cart."""
    spoken = words(locale_of(request))

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        changes = binding_service.undo_merge(
            db, wired.clock, binding_id=undo.claim, session_id=shopper.id
        )
        for change in changes:
            wired.tell(db, CartChanged(change.cart_id, change.version, ORIGIN))
        return shown(wired, db, spoken, shopper.cart_id, with_html=False)

    return once.run(effect, needs_session=True)


class Released(BaseModel):
    """How many devices were told to clear themselves."""

    released: int


@router.post("/device/release", response_model=Released)
def release_devices(wired: Wired, once: OnceOnly) -> Response:
    """Let go of the tablet from the phone: it is cleared, the cart stays here."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        held = bindings.of_session(db, shopper.id)
        released = 0
        for one in held:
            if binding_service.release(
                db,
                wired.clock,
                wired.ids,
                device_id=one.device_id,
                visit=one.visit,
                reason=EndReason.PHONE,
            ):
                released += 1
                notice = BindingChanged(
                    one.device_id, one.visit, shopper.cart_id, live=False, claimed=True
                )
                wired.tell(db, notice)
        return Released(released=released)

    return once.run(effect, needs_session=True)


@router.get("/cart/events", response_class=StreamingResponse)
def cart_events(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    with_html: WithHtml = False,
    watched: Watched = (),
    last_event_id: Annotated[str, Header(description="Version that the phone has seen.")] = "",
) -> StreamingResponse:
    """Stream the cart as it changes: `operation`, `cart`, `stock` and `device` events.

    The event id is the cart's version. With Last-Event-ID the operations since
    then come first; then, and without one, the cart as it is. Of what is watched,
    `stock` comes without words, and only when it changes.
    """
    wired.hub.make_room()
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        cart_id, customer = shopper.cart_id, shopper.customer_id is not None
    number = last_event_id.isascii() and last_event_id.isdigit()
    since = int(last_event_id) if number and len(last_event_id) <= VERSION_DIGITS_MAX else None
    if customer:
        visitor.used(wired)
    cart = wired.hub.stream(cart_id, View(locale_of(request), with_html), since, frozenset(watched))
    stream = wired.streams.while_good(visitor.token, cart)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
