"""A passkey as the second factor: added and removed on her page, asked for at the door.

Answers are JSON for our own script; without it the app's code is there.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from cart.audit.model import Action
from cart.db import reading, unit_of_work
from cart.kernel.errors import NotFound, PasskeyRefused, SecondFactorRefused
from cart.picking import doors, passkeys, second, staff
from cart.picking.passkeys import MadeKey, Purpose
from cart.picking.staff import SignedIn
from gateway.fanout import DeskChanged
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.sign_in import authenticator
from mobile_api.sign_in.authenticator import Place
from mobile_api.sign_in.device import device_words
from mobile_api.sign_in.schemas import MadePasskey, SignedByPasskey
from mobile_api.staff.schemas import Leave, RemovePasskey, TypeCode
from mobile_api.staff.second import faulty
from mobile_api.staff.signed_in import CurrentDevice, set_cookie
from mobile_api.staff.ways import SECOND, own_way, way_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/staff", dependencies=[allow(Role.STAFF)], include_in_schema=False)


def _place(wired: Parts) -> Place:
    found = authenticator.place_of(wired.settings.base_url)
    if found is None:
        msg = "passkeys need a host name over https, or localhost, in PUBLIC_URL"
        raise NotFound(msg)
    return found


def _options(asked: dict[str, Any]) -> Response:
    return JSONResponse({"publicKey": asked}, headers=NO_STORE)


@router.post("/second/passkey-options")
def ask_to_make(wired: Wired, device: CurrentDevice, form: Annotated[TypeCode, Form()]) -> Response:
    """Return what to make a passkey with, for a code of her app."""
    here = _place(wired)
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
        begun = passkeys.begin(db, wired.clock, wired.ids, wired.secret, me, code=form.code)
        has = passkeys.of_staff(db, me.id)
    if isinstance(begun, Exception):
        raise begun
    options = authenticator.asked_to_make(
        here, begun, owner=me.id, name=f"{me.name} {me.number}", has=has, discoverable=False
    )
    return _options(options)


@router.post("/second/passkeys", status_code=201)
def add(request: Request, wanted: MadePasskey, wired: Wired, device: CurrentDevice) -> Response:
    """Keep the passkey that was made: it takes the place of the app's code at the door."""
    here = _place(wired)
    refused: PasskeyRefused | None = None
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
        challenge = passkeys.take(db, wired.clock, wired.secret, me, Purpose.ADD)
        given = wanted.model_dump(by_alias=True, exclude_none=True)
        made = (
            PasskeyRefused("nobody was asked for one lately")
            if challenge is None
            else authenticator.made(here, challenge, given)
        )
        if isinstance(made, PasskeyRefused):
            refused = made
        else:
            device_name = device_words(request.headers.get("user-agent", ""))
            key = MadeKey(made.credential_id, made.public_key, made.sign_count, made.backed_up)
            passkeys.keep(db, wired.clock, wired.ids, me, made=key, device=device_name)
    if refused is not None:
        raise refused
    return JSONResponse({"kept": True}, 201, NO_STORE)


@router.post("/second/passkeys/remove")
def remove(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[RemovePasskey, Form()]
) -> Response:
    """Forget a passkey of hers, for a code of her app."""
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
        refused = passkeys.remove(
            db, wired.clock, wired.secret, me, passkey_id=form.passkey_id, code=form.code
        )
    if isinstance(refused, SecondFactorRefused):
        return faulty(request, wired, me, form.back, refused)
    return RedirectResponse(f"{SECOND}?back={own_way(form.back)}", 303, NO_STORE)


@router.post("/second/end-others")
def end_others(wired: Wired, device: CurrentDevice, form: Annotated[Leave, Form()]) -> Response:
    """Sign her out wherever else she is: whoever had her old factor may be there."""
    with unit_of_work(wired.engine) as db:
        me = device.need(db, wired.clock)
        staff.end_others(db, wired.clock, me, token=device.token or "")
    return RedirectResponse(f"{SECOND}?back={own_way(form.back)}&ended=true", 303, NO_STORE)


@router.post("/code/passkey-options")
def ask_to_sign(wired: Wired, device: CurrentDevice) -> Response:
    """Return what a passkey of hers is to sign, once her PIN was right."""
    here = _place(wired)
    with unit_of_work(wired.engine) as db:
        me = doors.halfway(db, wired.clock, device.token or "").staff
        has = passkeys.of_staff(db, me.id)
        if not has:
            msg = "no passkey is kept"
            raise NotFound(msg)
        challenge = passkeys.challenge(
            db, wired.clock, wired.ids, wired.secret, me, purpose=Purpose.ENTER
        )
    return _options(authenticator.asked_to_sign(here, challenge, has=has))


@router.post("/code/passkey")
def enter(wanted: SignedByPasskey, wired: Wired, device: CurrentDevice, back: str = "") -> Response:
    """Come in with a passkey; a wrong answer counts as a wrong code does."""
    here, token = _place(wired), device.token or ""
    with unit_of_work(wired.engine) as db:
        me = doors.halfway(db, wired.clock, token).staff
        challenge = passkeys.take(db, wired.clock, wired.secret, me, Purpose.ENTER)
        known = {one.credential_id: one for one in passkeys.of_staff(db, me.id)}
        passkey = known.get(wanted.id)
        said: tuple[int, bool] | PasskeyRefused = PasskeyRefused("it is not hers")
        if challenge is not None and passkey is not None:
            given = wanted.model_dump(by_alias=True, exclude_none=True)
            said = authenticator.signed(here, challenge, given, passkey, owner=me.id, named=False)
        came: SignedIn | SecondFactorRefused
        if (
            passkey is None
            or isinstance(said, PasskeyRefused)
            or not passkeys.used(db, wired.clock, me, passkey, said[0])
        ):
            came = second.refused(db, wired.clock, me.id, Action.SIGN_IN)
        else:
            came = doors.enter(db, wired.clock, wired.ids, token=token)
            wired.tell(db, DeskChanged(me.location_id))  # one more on duty
    if isinstance(came, SecondFactorRefused):
        raise came
    with reading(wired.engine) as db:
        response = JSONResponse({"to": way_of(db, came.staff, back[:200])}, headers=NO_STORE)
    set_cookie(response, came.token, secure=wired.settings.secure)
    return response
