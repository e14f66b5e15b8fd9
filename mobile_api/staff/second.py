"""The second factor on its pages: asked for at the door, set up there or from the menu.

A secret and recovery codes are shown by the answer to the form that made them, and by no
other: nothing that could be opened again has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from cart.audit.model import Action
from cart.db import reading, unit_of_work
from cart.kernel.errors import NotSignedIn, SecondFactorRefused, SessionLocked
from cart.picking import doors, passkeys, second
from cart.picking.model import Staff
from cart.picking.staff import SignedIn
from cart.picking.tables import StaffPasskeyRow, StaffRow
from gateway.fanout import DeskChanged
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.look.codes import qr
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.sign_in.authenticator import place_of
from mobile_api.staff.looking import looking
from mobile_api.staff.schemas import TypeCode
from mobile_api.staff.signed_in import CurrentDevice, Device, set_cookie
from mobile_api.staff.ways import SECOND, home_of, own_way, way_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/staff", dependencies=[allow(Role.STAFF)], include_in_schema=False)
GROUP = 4  # letters of a secret that are read at once


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sets up or proves a second factor: signed in, or halfway with a right PIN."""

    me: Staff
    halfway: bool


def _caller(wired: Parts, db: Session, device: Device) -> Caller:
    """Return who calls.

    Raises:
        NotSignedIn: nobody, or a device that is locked.
    """
    try:
        return Caller(device.need(db, wired.clock), halfway=False)
    except SessionLocked:
        raise
    except NotSignedIn:
        here = doors.halfway(db, wired.clock, device.token or "")
        return Caller(here.staff, halfway=True)


def _to_the_door(back: str) -> Response:
    return RedirectResponse(f"/staff?back={own_way(back)}", 303, NO_STORE)


def _fault(request: Request, error: SecondFactorRefused) -> str:
    return words(locale_of(request)).gettext(TITLES[error.code])


def _to_the_minute(spoken: Words, moment: datetime | None, zone: str) -> str:
    """Return day and time as she plans by them; "" for none."""
    if moment is None:
        return ""
    day = spoken.day(moment.astimezone(ZoneInfo(zone)).date())
    return f"{day}, {spoken.clock_time(moment, zone)}"


def _show(
    request: Request, caller: Caller, name: str, back: str, context: Mapping[str, Any]
) -> HTMLResponse:
    wired: Parts = request.app.state.parts
    with reading(wired.engine) as db:
        place = looking(wired, db, caller.me, words(locale_of(request))).place
        home, way = home_of(db, caller.me), way_of(db, caller.me, back)
    shown = {
        "me": None if caller.halfway else caller.me,
        "place": place,
        "page_id": "second",
        "here_path": "/staff" if caller.halfway else SECOND,
        "home": "/staff" if caller.halfway else home,
        "back": way,
        "halfway": caller.halfway,
        "fault": "",
        "has": None,
        "shown": None,
        "due": "",
        "passkeys": [],
        "may_add": False,
        "ended": False,
        "ask_others": False,
        **context,
    }
    status = 403 if shown["fault"] else 200
    return page(request, name, shown, status=status, headers=NO_STORE)


def on_the_way(request: Request, wired: Parts, device: Device, back: str) -> HTMLResponse | None:
    """Return the page for somebody whose PIN was right: her code, or setting one up first."""
    try:
        with reading(wired.engine) as db:
            here = doors.halfway(db, wired.clock, device.token or "")
    except NotSignedIn:
        return None
    caller = Caller(here.staff, halfway=True)
    if not here.has_factor:
        return _show(request, caller, "staff_second.html", back, {})
    return _ask(request, wired, caller, back, "")


def _ask(request: Request, wired: Parts, caller: Caller, back: str, fault: str) -> HTMLResponse:
    """Ask for her code, or for a passkey if she has one."""
    kept: Sequence[StaffPasskeyRow] = []
    if place_of(wired.settings.base_url):
        with reading(wired.engine) as db:
            kept = passkeys.of_staff(db, caller.me.id)
    return _show(request, caller, "staff_code.html", back, {"passkeys": kept, "fault": fault})


def faulty(
    request: Request, wired: Parts, me: Staff, back: str, refused: SecondFactorRefused
) -> HTMLResponse:
    """Return her page with what was refused."""
    fault = _fault(request, refused)
    return _state(request, wired, Caller(me, halfway=False), back, fault=fault)


@router.post("/code")
def type_code(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TypeCode, Form()]
) -> Response:
    """Come in with a code, or say that it did not work."""
    token = device.token or ""
    try:
        with unit_of_work(wired.engine) as db:
            caller = Caller(doors.halfway(db, wired.clock, token).staff, halfway=True)
            came = doors.go_on(
                db, wired.clock, wired.ids, wired.secret, token=token, code=form.code
            )
            if isinstance(came, SignedIn):
                wired.tell(db, DeskChanged(came.staff.location_id))  # one more on duty
    except NotSignedIn:
        return _to_the_door(form.back)
    if isinstance(came, SecondFactorRefused):
        return _ask(request, wired, caller, form.back, _fault(request, came))
    with reading(wired.engine) as db:
        response = RedirectResponse(way_of(db, came.staff, form.back), 303, NO_STORE)
    set_cookie(response, came.token, secure=wired.settings.secure)
    return response


@router.get("/second")
def second_page(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    back: Annotated[str, Query(max_length=200)] = "",
    *,
    ended: bool = False,
) -> HTMLResponse:
    """Show what she has set up, and what she may do about it."""
    with device.reading(wired, by_hand=True) as (_, me):
        pass
    return _state(request, wired, Caller(me, halfway=False), back, ended=ended)


def _state(
    request: Request,
    wired: Parts,
    caller: Caller,
    back: str,
    *,
    fault: str = "",
    ended: bool = False,
) -> HTMLResponse:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        has = second.has(db, caller.me.id)
        kept = passkeys.of_staff(db, caller.me.id)
        zone = looking(wired, db, caller.me, spoken).zone
        needed = wired.settings.second_rule.needs(db, db.get_one(StaffRow, caller.me.id))
    due = _to_the_minute(spoken, has.due_at, zone) if needed and has.since is None else ""
    context = {
        "fault": fault,
        "has": has,
        "due": due,
        "ended": ended,
        "passkeys": kept if place_of(wired.settings.base_url) else [],
        "may_add": place_of(wired.settings.base_url) is not None
        and len(kept) < passkeys.STAFF_PASSKEYS_MAX,
        "since": _to_the_minute(spoken, has.since, zone),
    }
    return _show(request, caller, "staff_second.html", back, context)


@router.post("/second/start")
def start(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TypeCode, Form()]
) -> Response:
    """Show a secret for an app, this once. Who has one proves it first, and is signed in."""
    try:
        with unit_of_work(wired.engine) as db:
            caller = _caller(wired, db, device)
            made = _begun(request, wired, db, caller, form.code)
    except NotSignedIn:
        return _to_the_door(SECOND)
    if isinstance(made, SecondFactorRefused):
        return _state(request, wired, caller, form.back, fault=_fault(request, made))
    secret = " ".join(made.secret[at : at + GROUP] for at in range(0, len(made.secret), GROUP))
    context = {"shown": {"code": qr(made.uri), "secret": secret}}
    return _show(request, caller, "staff_second_new.html", form.back, context)


def _begun(
    request: Request, wired: Parts, db: Session, caller: Caller, code: str
) -> second.Shown | SecondFactorRefused:
    me, clock = caller.me, wired.clock
    has_one = second.has(db, me.id).since is not None
    if has_one and not caller.halfway and not second.proved(db, clock, wired.secret, me, code):
        return second.refused(db, clock, me.id, Action.SECOND_ENROL)
    place = looking(wired, db, me, words(locale_of(request))).place
    return second.begin(
        db,
        clock,
        wired.ids,
        wired.secret,
        me,
        account=f"{me.number} {place}",
        replace=has_one and not caller.halfway,
    )


@router.post("/second/confirm")
def confirm(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TypeCode, Form()]
) -> Response:
    """Take the app whose code this is; show recovery codes, this once."""
    came: SignedIn | None = None
    try:
        with unit_of_work(wired.engine) as db:
            caller = _caller(wired, db, device)
            known = (db, wired.clock, wired.ids, wired.secret)
            if caller.halfway:
                done = doors.set_up(*known, token=device.token or "", code=form.code)
                if isinstance(done, SecondFactorRefused):
                    codes: list[str] | SecondFactorRefused = done
                else:
                    came, codes = done
                    wired.tell(db, DeskChanged(caller.me.location_id))  # one more on duty
            else:
                codes = second.confirm(*known, caller.me, code=form.code, replace=True)
    except NotSignedIn:
        return _to_the_door(SECOND)
    if isinstance(codes, SecondFactorRefused):
        context = {"fault": _fault(request, codes)}
        return _show(request, caller, "staff_second_new.html", form.back, context)
    # A new factor: whoever had the old one may be signed in elsewhere (ASVS 5.0, 7.4.3).
    here = Caller(caller.me, halfway=False)
    shown = {"codes": codes, "ask_others": not caller.halfway}
    response = _show(request, here, "staff_second_codes.html", form.back, shown)
    if came is not None:
        set_cookie(response, came.token, secure=wired.settings.secure)
    return response


def _codes(request: Request, caller: Caller, codes: list[str], back: str) -> HTMLResponse:
    return _show(request, caller, "staff_second_codes.html", back, {"codes": codes})


@router.post("/second/codes")
def new_codes(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TypeCode, Form()]
) -> Response:
    """Show ten new recovery codes, this once, for a code of her app."""
    try:
        with unit_of_work(wired.engine) as db:
            me = device.need(db, wired.clock)
            codes = second.new_codes(db, wired.clock, wired.ids, wired.secret, me, code=form.code)
    except NotSignedIn:
        return _to_the_door(SECOND)
    caller = Caller(me, halfway=False)
    if isinstance(codes, SecondFactorRefused):
        return _state(request, wired, caller, form.back, fault=_fault(request, codes))
    return _codes(request, caller, codes, form.back)
