"""Locking a shared device, and opening it again with the PIN, where she was."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cart.db import reading, unit_of_work
from cart.kernel.errors import NotSignedIn, SignInRefused
from cart.picking import locking, staff
from gateway.fanout import DeskChanged
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.staff.schemas import GoOn, Leave
from mobile_api.staff.signed_in import CurrentDevice, set_cookie
from mobile_api.staff.ways import own_way, way_of
from mobile_api.wiring import Wired

router = APIRouter(prefix="/staff", dependencies=[allow(Role.STAFF)], include_in_schema=False)


def locked_page(request: Request, back: str, *, fault: str = "") -> HTMLResponse:
    """Ask for the PIN. Nothing on it says whose it is, nor what she was doing."""
    context = {
        "back": own_way(back),
        "fault": fault,
        "me": None,
        "place": "",
        "page_id": "locked",
        "here_path": "/staff",
    }
    return page(
        request, "staff_locked.html", context, status=403 if fault else 200, headers=NO_STORE
    )


@router.post("/lock", dependencies=[allow(Role.ANYONE)])
def lock(wired: Wired, device: CurrentDevice, form: Annotated[Leave, Form()]) -> Response:
    """Lock this device; once more changes nothing."""
    if device.token:
        with unit_of_work(wired.engine) as db:
            locking.lock(db, wired.clock, token=device.token)
    return RedirectResponse(f"/staff?back={own_way(form.back)}", 303, NO_STORE)


@router.post("/resume", dependencies=[allow(Role.ANYONE)])
def resume(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[GoOn, Form()]
) -> Response:
    """Open the locked device with her PIN, or say that it did not work."""
    with reading(wired.engine) as db:
        try:
            known = locking.whose(db, wired.clock, device.token or "")
        except NotSignedIn:
            return RedirectResponse(f"/staff?back={own_way(form.back)}", 303, NO_STORE)
    checked = known.checked(form.pin)
    with unit_of_work(wired.engine) as db:
        opened = locking.resume(
            db, wired.clock, wired.ids, token=device.token or "", checked=checked
        )
    if isinstance(opened, SignInRefused):
        fault = words(locale_of(request)).gettext(TITLES[opened.code])
        return locked_page(request, form.back, fault=fault)
    with reading(wired.engine) as db:
        me = staff.current(db, wired.clock, opened)
        way = way_of(db, me, form.back)
    with unit_of_work(wired.engine) as db:
        wired.tell(db, DeskChanged(me.location_id))  # one more at work: times move
    response = RedirectResponse(way, 303, NO_STORE)
    set_cookie(response, opened, secure=wired.settings.secure)
    return response


@router.post("/awake", status_code=204)
def awake(wired: Wired, device: CurrentDevice) -> Response:
    """Note that there is a hand on this device; its page says so once a minute."""
    with device.reading(wired, by_hand=True):
        pass
    return Response(status_code=204)
