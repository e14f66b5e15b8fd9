"""How a phone comes to open looks: by saying yes, by another phone, by a PIN; and for how long.

Plain forms, each of which may be pressed twice.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from cart.db import unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.errors import LooksClosed
from cart.looks import keys, service
from cart.looks.model import PINS_PER_SESSION
from cart.profile import limits
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.looks.phone import CurrentPhone, with_key
from mobile_api.wiring import Wired

router = APIRouter(prefix="/looks", dependencies=[allow(Role.SHOPPER)], include_in_schema=False)
AskId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
Pin = Annotated[str, Form(max_length=20)]  # with blanks, as people type


@router.post("/begin")
def begin(request: Request, wired: Wired, visitor: CurrentVisitor, known: CurrentPhone) -> Response:
    """Say yes: from now on mirrors may seal looks to this shopper, and this phone opens them."""
    phone = with_key(request, wired.ids, known)
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        keys.begin(db, wired.clock, wired.ids, shopper.id, phone.key)
    response = RedirectResponse("/looks", 303, NO_STORE)
    phone.give(response, secure=wired.settings.secure)
    return response


@router.post("/ask")
def ask(request: Request, wired: Wired, visitor: CurrentVisitor, known: CurrentPhone) -> Response:
    """Ask to be let in by a phone that opens her looks."""
    phone = with_key(request, wired.ids, known)
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        keys.ask(db, wired.clock, wired.ids, shopper.id, phone.key)
    response = RedirectResponse("/looks", 303, NO_STORE)
    phone.give(response, secure=wired.settings.secure)
    return response


@router.post("/asks/{ask_id}/allow")
def let_in(ask_id: AskId, wired: Wired, visitor: CurrentVisitor, phone: CurrentPhone) -> Response:
    """Let the phone that asked open what this one opens."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        held = keys.opened(db, wired.clock, shopper.id, phone)
        keys.let_in(db, wired.clock, shopper.id, ask_id, held)
    return RedirectResponse("/looks?said=let_in", 303, NO_STORE)


@router.post("/asks/{ask_id}/refuse")
def refuse(ask_id: AskId, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Let it not."""
    with unit_of_work(wired.engine) as db:
        keys.refuse(db, visitor.need(db, wired.clock).id, ask_id)
    return RedirectResponse("/looks?said=refused", 303, NO_STORE)


@router.post("/pin")
def say_pin(
    request: Request, wired: Wired, visitor: CurrentVisitor, known: CurrentPhone, pin: Pin
) -> Response:
    """Open looks by their PIN, on a phone that is new to them too."""
    phone = with_key(request, wired.ids, known)
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        counted = [(PINS_PER_SESSION, shopper.id)]
        tired = limits.count(db, wired.clock, wired.secret, counted)
    if tired is not None:
        raise tired
    with unit_of_work(wired.engine) as db:
        wrong = keys.say_pin(
            db, wired.clock, wired.secret, session_id=shopper.id, phone=phone.key, pin=pin
        )
    if wrong is not None:
        raise wrong
    response = RedirectResponse("/looks", 303, NO_STORE)
    phone.give(response, secure=wired.settings.secure)
    return response


@router.post("/pin/set")
def set_pin(wired: Wired, visitor: CurrentVisitor, phone: CurrentPhone, pin: Pin) -> Response:
    """Put a PIN before her looks; who knows it opens them on any phone of hers."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        held = keys.opened(db, wired.clock, shopper.id, phone)
        if phone is None:
            msg = "this phone opens no looks"
            raise LooksClosed(msg)
        keys.set_pin(
            db,
            wired.clock,
            wired.ids,
            wired.secret,
            session_id=shopper.id,
            phone=phone,
            held=held,
            pin=pin,
        )
    return RedirectResponse("/looks?said=pin_set", 303, NO_STORE)


@router.post("/pin/remove")
def remove_pin(wired: Wired, visitor: CurrentVisitor, phone: CurrentPhone) -> Response:
    """Take the PIN away."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        keys.opened(db, wired.clock, shopper.id, phone)
        keys.remove_pin(db, shopper.id)
    return RedirectResponse("/looks?said=pin_removed", 303, NO_STORE)


@router.post("/keep")
def keep(wired: Wired, visitor: CurrentVisitor, days: Annotated[int, Form()]) -> Response:
    """Keep her looks for so many days, also those she has."""
    with unit_of_work(wired.engine) as db:
        service.keep_for(db, visitor.need(db, wired.clock).id, days)
    wired.looks_bell()
    return RedirectResponse("/looks?said=kept", 303, NO_STORE)
