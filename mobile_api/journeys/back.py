"""The link in a reminder: shows what was left, and puts it back on this device at a press.

Looking changes nothing: mail programs and scanners fetch links. Pressing twice is pressing once:
lines come to the pieces that the mail showed, and what is in the cart besides stays.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.queries import view
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.journeys import sending
from cart.journeys.tables import JourneyMessageRow
from cart.kernel.errors import UnknownCart
from mobile_api.carts.basket import Wanted, shown, totals
from mobile_api.carts.router import ring
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, message_of_link
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.journeys.reminder import wanted_of
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]
UNLISTED: Final = {**NO_STORE, "X-Robots-Tag": "noindex"}


@router.get("/back/{link}")
def back_page(request: Request, link: Link, wired: Wired) -> HTMLResponse:
    """Show what the mail showed, with today's prices and stock; nothing has happened yet."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        wanted = _wanted(db, wired, link)
        here_id = wanted[-1].location_id
        lines, here, _ = shown(db, wired.lookup, spoken, wanted, here_id=here_id)
    context = {
        "lines": lines,
        "here": here,
        "pieces": sum(line.quantity for line in lines),
        "totals": totals(lines),
        "link": link,
        "page_id": "back",
    }
    return page(request, "back.html", context, headers=UNLISTED)


@router.post("/back/{link}")
def bring_back(request: Request, link: Link, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Put it into this device's cart; a device without one gets one."""
    token = ""
    with unit_of_work(wired.engine) as db:
        wanted = _wanted(db, wired, link)
        shopper = visitor.find(db, wired.clock)
        if shopper is None:
            shopper = carts.open_session(db, wired.clock, wired.ids, locale=locale_of(request))
            token = carts.give_key(db, wired.clock, wired.ids, session_id=shopper.id)
        for one in wanted:
            _put(db, wired, shopper, one)
        sending.pressed(db, wired.clock, message_of_link(wired.secret, link))
    response = RedirectResponse("/", 303, UNLISTED)
    if token:
        sessions.set_cookie(response, token, secure=wired.settings.secure)
    return response


@router.post("/back/{link}/opened")
def note_opened(link: Link, wired: Wired) -> Response:
    """Note that somebody who looks at the page moved there; said again it changes nothing."""
    with unit_of_work(wired.engine) as db:
        _wanted(db, wired, link)
        sending.opened(db, wired.clock, message_of_link(wired.secret, link))
    return Response(status_code=204, headers=UNLISTED)


def _put(db: Session, wired: Parts, shopper: ShopperSessionRow, one: Wanted) -> None:
    """Bring a line to the pieces that it had, unless it has more."""
    there = {line.gtin: line.quantity for line in view(db, shopper.cart_id).lines}
    if there.get(one.gtin, 0) >= one.quantity:
        return
    shopping = carts.Shopping(
        shopper.cart_id, wired.clock, wired.lookup, location_id=one.location_id
    )
    applied = carts.set_quantity(
        db,
        shopping,
        operation_id=wired.ids.new("op"),
        gtin=one.gtin,
        quantity=one.quantity,
    )
    ring(wired, db, applied)


def _wanted(db: Session, wired: Parts, link: str) -> list[Wanted]:
    """Return the lines of a link.

    Raises:
        UnknownCart: not a link of ours, or what it led to was erased.
    """
    row = db.get(JourneyMessageRow, message_of_link(wired.secret, link))
    if row is None or not row.lines:
        msg = "this link brings nothing back"
        raise UnknownCart(msg)
    return wanted_of(row.lines)
