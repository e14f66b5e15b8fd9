"""Pages of orders: all of a phone's, one of them, one by its signed link, and "I am here"."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.money import Money
from cart.orders.queries import orders_of_session
from cart.picking import desk
from mobile_api.bells import bell_stream, desk_topic, order_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, order_of_link
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.orders import queries
from mobile_api.orders.shown import ShownOrder, shown
from mobile_api.orders.telling import tell
from mobile_api.wiring import Parts, Wired

router = APIRouter(include_in_schema=False)
HERS: Final = [allow(Role.SHOPPER)]
LINKED: Final = [allow(Role.ANYONE)]  # the signature is the key
CARDS_MAX: Final = 50  # a page to look through, not an archive
OrderId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]
LocationId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order on the page of orders."""

    id: str
    ticket: str
    headline: str
    place: str
    total: Money
    placed: str
    open: bool


@router.get("/orders", dependencies=HERS)
def my_orders(request: Request, wired: Wired, visitor: CurrentVisitor) -> HTMLResponse:
    """Show the orders of this phone."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        found = orders_of_session(db, shopper.id, CARDS_MAX) if shopper else []
        every = [shown(wired, db, spoken, one.id, own=True) for one in found]
    cards = [
        OrderCard(
            id=one.order.id,
            ticket=one.order.ticket,
            headline=one.headline,
            place=one.place.name,
            total=Money(one.order.total_minor, one.order.currency),
            placed=one.placed,
            open=one.open,
        )
        for one in every
    ]
    return page(request, "orders.html", {"cards": cards, "page_id": "orders"})


@router.get("/orders/{order_id}", dependencies=HERS)
def my_order(
    request: Request, order_id: OrderId, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Show an order of this phone: its ticket until it is handed over, then its receipt."""
    found = _own(request, wired, visitor, order_id)
    return _page(request, found, f"/orders/{order_id}", f"/api/v1/orders/{order_id}/events")


@router.get("/orders/{order_id}/part", dependencies=HERS)
def my_order_part(
    request: Request, order_id: OrderId, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Give the part of the page that changes."""
    return _part(request, _own(request, wired, visitor, order_id))


@router.get("/o/{link}", dependencies=LINKED)
def linked_order(
    request: Request, link: Link, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Show an order to whoever has its link, as mails carry it."""
    found = _linked(request, wired, visitor, link)
    return _page(request, found, f"/o/{link}", f"/o/{link}/events")


@router.get("/o/{link}/part", dependencies=LINKED)
def linked_order_part(
    request: Request, link: Link, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Give the part of the linked page that changes."""
    return _part(request, _linked(request, wired, visitor, link))


@router.get("/o/{link}/events", dependencies=LINKED)
def linked_order_events(
    request: Request, link: Link, wired: Wired, visitor: CurrentVisitor
) -> StreamingResponse:
    """Stream `changed` to the linked page."""
    order = _linked(request, wired, visitor, link).order
    return bell_stream(wired.bells, [order_topic(order.id), desk_topic(order.location_id)])


@router.get("/here/{location_id}", dependencies=LINKED)
def arrive(
    request: Request, location_id: LocationId, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Greet whoever has scanned the code at the desk; the page itself then says that she is here.

    Raises:
        UnknownLocation: there is none of this id.
    """
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        facts = wired.shop.locations.facts(db, location_id)
        shopper = visitor.find(db, wired.clock)
        orders = queries.open_orders(db, shopper.id, location_id) if shopper else []
    context = {
        "place": spoken.of(facts.name_i18n, facts.name),
        "orders": orders,
        "page_id": "here",
    }
    return page(request, "here.html", context, headers=NO_STORE)


@router.post("/here/{location_id}", dependencies=HERS)
def say_here(location_id: LocationId, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Tell the desk that she has come, for all that she collects there; again changes nothing."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        changes = desk.here(db, wired.clock, session_id=shopper.id, location_id=location_id)
        tell(wired, db, *changes)
        orders = queries.open_orders(db, shopper.id, location_id)
    path = f"/orders/{orders[0].id}" if len(orders) == 1 else "/orders"
    return RedirectResponse(path, 303, NO_STORE)


def _own(request: Request, wired: Parts, visitor: CurrentVisitor, order_id: str) -> ShownOrder:
    with reading(wired.engine) as db:
        queries.own(db, order_id, visitor.need(db, wired.clock).id)
        return shown(wired, db, words(locale_of(request)), order_id, own=True)


def _linked(request: Request, wired: Parts, visitor: CurrentVisitor, link: str) -> ShownOrder:
    order_id = order_of_link(wired.secret, link)
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        found = shown(wired, db, words(locale_of(request)), order_id, own=False)
        if shopper is not None and shopper.id == found.order.session_id:
            return shown(wired, db, words(locale_of(request)), order_id, own=True)
        return found


def _page(request: Request, found: ShownOrder, path: str, events_url: str) -> HTMLResponse:
    context = {
        "o": found,
        "part_url": f"{path}/part",
        "events_url": events_url,
        "page_id": "order",
    }
    return page(request, "order.html", context, headers={"X-Robots-Tag": "noindex"})


def _part(request: Request, found: ShownOrder) -> HTMLResponse:
    text = render(locale_of(request), "_order.html", {"o": found})
    return HTMLResponse(text, headers=NO_STORE)
