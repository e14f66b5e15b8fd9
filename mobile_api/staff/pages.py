"""The pages of staff: signing in, queue, walk, desk, returns, an order's history."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.db import reading, unit_of_work
from cart.kernel.errors import NotSignedIn, SessionLocked, SignInRefused
from cart.picking import doors, staff
from cart.picking.staff import SignedIn
from gateway.fanout import DeskChanged
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.staff import at_desk, cards, orders, parting, put_off, refunds
from mobile_api.staff import walk as walking
from mobile_api.staff.locking import locked_page
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.queries import places
from mobile_api.staff.schemas import ID_LENGTH_MAX, SignIn
from mobile_api.staff.second import on_the_way
from mobile_api.staff.signed_in import CurrentDevice, drop_cookie, note_seen, set_cookie
from mobile_api.staff.ways import own_way, way_of, way_on
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/staff", dependencies=[allow(Role.FLOOR)], include_in_schema=False)
OrderId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
PLACE_COOKIE, PLACE_COOKIE_AGE_S = "staff-place", 365 * 24 * 3600  # a scanner stays in its shop


@router.get("", dependencies=[allow(Role.ANYONE)])
def sign_in_page(request: Request, wired: Wired, device: CurrentDevice, back: str = "") -> Response:
    """Ask for location, number and PIN, or for what comes after; whoever is signed in goes on."""
    try:
        with reading(wired.engine) as db:
            me = device.need(db, wired.clock)
            return RedirectResponse(way_of(db, me, back), 303, NO_STORE)
    except SessionLocked:
        return locked_page(request, back)
    except NotSignedIn:
        if (halfway := on_the_way(request, wired, device, back)) is not None:
            return halfway
        with reading(wired.engine) as db:
            return sign_in_form(request, db, back, request.cookies.get(PLACE_COOKIE, ""))


@router.post("", dependencies=[allow(Role.ANYONE)])
def sign_in(request: Request, wired: Wired, form: Annotated[SignIn, Form()]) -> Response:
    """Sign in, or say in words that it did not work. No key: doing it twice is as good as once."""
    if wired.settings.oidc_only:
        msg = "here nobody signs in by number and PIN"
        raise SignInRefused(msg)
    with reading(wired.engine) as db:
        known = staff.known(db, location_id=form.location_id, number=form.number.strip())
    checked = known.checked(form.pin)
    with unit_of_work(wired.engine) as db:
        rule = wired.settings.second_rule
        signed = doors.sign_in(db, wired.clock, wired.ids, checked, rule)
        if isinstance(signed, SignedIn):
            wired.tell(db, DeskChanged(form.location_id))  # one more on duty: times move
    if isinstance(signed, SignInRefused):
        fault = words(locale_of(request)).gettext(TITLES[signed.code])
        with reading(wired.engine) as db:
            return sign_in_form(
                request, db, form.back, form.location_id, number=form.number, fault=fault
            )
    with reading(wired.engine) as db:
        response = RedirectResponse(way_on(db, signed, form.back), 303, NO_STORE)
    secure = wired.settings.secure
    set_cookie(response, signed.token, secure=secure)
    response.set_cookie(
        PLACE_COOKIE,
        form.location_id,
        max_age=PLACE_COOKIE_AGE_S,
        path="/staff",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return response


def sign_in_form(
    request: Request,
    db: Session,
    back: str,
    chosen: str,
    *,
    number: str = "",
    fault: str = "",
    status: int = 0,
) -> HTMLResponse:
    """Return the page that asks who she is. ``status``: 0 for 200, or 403 with a ``fault``."""
    settings = request.app.state.parts.settings
    spoken = words(locale_of(request))
    context = {
        "places": [{"id": one, "name": name} for one, name in places(db, spoken)],
        "chosen": chosen,
        "number": number,
        "fault": fault,
        "by_provider": bool(settings.oidc_issuer),
        "by_pin": not settings.oidc_only,
        "back": own_way(back),
        "me": None,
        "place": "",
        "page_id": "sign-in",
        "here_path": "/staff",
    }
    status = status or (403 if fault else 200)
    return page(request, "staff_sign_in.html", context, status=status, headers=NO_STORE)


@router.post("/sign-out", dependencies=[allow(Role.ANYONE)])
def sign_out(request: Request, wired: Wired, device: CurrentDevice) -> Response:
    """Sign out here, and at her company's provider if she came by it.

    What she holds stays hers until a colleague takes it over.
    """
    if device.token:
        with unit_of_work(wired.engine) as db:
            staff.sign_out(db, wired.clock, token=device.token)
            doors.leave(db, device.token)
    response = parting.parted(request, wired) or RedirectResponse("/staff", 303, NO_STORE)
    parting.forget_token(response, secure=wired.settings.secure)
    drop_cookie(response, secure=wired.settings.secure)
    return response


def _page(
    request: Request,
    look: Looking,
    name: str,
    page_id: str,
    **context: Any,  # noqa: ANN401 - whatever a template shows
) -> HTMLResponse:
    return page(request, name, {"me": look.me, "place": look.place, "page_id": page_id, **context})


def _spoken(request: Request) -> Words:
    return words(locale_of(request))


@router.get("/queue")
def queue_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show what is to be picked."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, _spoken(request))
        shown = cards.queue(look)
        here = staff.everybody(db, me.location_id) if me.is_lead else []
        colleagues = [one for one in here if one.on_the_floor]
        return _page(
            request,
            look,
            "staff_queue.html",
            "queue",
            shown=shown,
            colleagues=colleagues,
        )


@router.get("/walk")
def walk_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show one's own walk, a line at a time."""
    spoken = _spoken(request)
    reasons = [(one.value, spoken.gettext(text)) for one, text in walking.SHORT_WORDS.items()]
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, _spoken(request))
        shown = walking.walk(look)
        return _page(
            request,
            look,
            "staff_walk.html",
            "walk",
            shown=shown,
            reasons=reasons,
            script="walk.js",
        )


@router.get("/desk")
def desk_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show what waits at the desk."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, _spoken(request))
        shown, failed = orders.shelves(look), refunds.failed(look)
        bands = at_desk.at_desks(look)
        return _page(
            request, look, "staff_desk.html", "desk", shown=shown, failed=failed, bands=bands
        )


@router.get("/handover/{order_id}")
def handover_page(
    request: Request, order_id: OrderId, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show an order to be checked and handed over."""
    return _order_page(request, wired, device, order_id, ("staff_handover.html", "desk"))


@router.get("/order/{order_id}")
def order_page(
    request: Request, order_id: OrderId, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show an order's history, money and lines."""
    return _order_page(request, wired, device, order_id, ("staff_order.html", "desk"))


@router.get("/returns")
def returns_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Ask which order something comes back from."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, _spoken(request))
        return _page(request, look, "staff_returns.html", "returns")


@router.get("/returns/{order_id}")
def return_page(
    request: Request, order_id: OrderId, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show what of an order can come back."""
    return _order_page(
        request, wired, device, order_id, ("staff_return.html", "returns"), anywhere=True
    )


def _order_page(
    request: Request,
    wired: Parts,
    device: CurrentDevice,
    order_id: str,
    which: tuple[str, str],
    *,
    anywhere: bool = False,
) -> HTMLResponse:
    spoken = _spoken(request)
    template, page_id = which
    reasons = [(one.value, spoken.gettext(text)) for one, text in orders.RETURN_WORDS.items()]
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, spoken)
        shown = orders.order(look, order_id, anywhere=anywhere)
        later = put_off.choices(look)
        answer = _page(request, look, template, page_id, shown=shown, reasons=reasons, later=later)
    note_seen(wired, staff.as_who(me), Action.ORDER_SEE, On("order", order_id))
    return answer
