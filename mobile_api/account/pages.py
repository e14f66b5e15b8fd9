"""A customer's own page: who she is to us, the phones that are signed in, and signing out.

Plain forms, each of which may be pressed twice: what is over is over. A phone that is signed
out is nobody from the commit on, and its open streams end.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from cart.carts import keys
from cart.db import reading, unit_of_work
from cart.kernel.errors import SignInNeeded
from mobile_api.account import service
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.sign_in import service as signing_in
from mobile_api.sign_in.authenticator import place_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/account", dependencies=[allow(Role.CUSTOMER)], include_in_schema=False)
Name = Annotated[str, Path(max_length=keys.NAME_LENGTH)]


@dataclass(frozen=True, slots=True)
class ShownPhone:
    """A phone on the page: ``device`` "" if nobody knows what it is."""

    name: str
    device: str
    seen: str
    since: str
    here: bool


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey on the page. ``used``: how long ago, "" if never."""

    id: str
    device: str
    since: str
    used: str
    backed_up: bool


@router.get("")
def account_page(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Show the addresses and the phones of whoever is signed in; send others to sign in."""
    spoken, now = words(locale_of(request)), wired.clock.now()
    visitor.used(wired)
    with reading(wired.engine) as db:
        try:
            me = visitor.customer(db, wired.clock)
        except SignInNeeded:
            return _way_in()
        mine = service.account(wired, db, me, visitor.token)
        fresh = keys.fresh(db, wired.clock, visitor.token or "")
    context = {
        "addresses": mine.addresses,
        "phones": [
            ShownPhone(
                one.name,
                one.device,
                spoken.ago(now - one.seen_at),
                spoken.day(one.since.date()),
                one.here,
            )
            for one in mine.phones
        ],
        "passkeys": [
            ShownPasskey(
                one.id,
                one.device,
                spoken.day(one.created_at.date()),
                spoken.ago(now - one.used_at) if one.used_at else "",
                one.backed_up,
            )
            for one in mine.passkeys
        ],
        "passkeys_here": place_of(wired.settings.base_url) is not None,
        "fresh": fresh,
        "page_id": "account",
    }
    return page(request, "account.html", context, headers=NO_STORE)


@router.post("/phones/{name}/end")
def end_phone(name: Name, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Sign one phone of hers out. One that is out already, or is another's, is left alone."""
    with unit_of_work(wired.engine) as db:
        service.end_phone(wired, db, visitor.customer(db, wired.clock), name)
    return RedirectResponse("/account", 303, NO_STORE)


@router.post("/sign-out")
def sign_out(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Sign this phone out."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        token = signing_in.sign_out(wired, db, me, visitor.token or "")
    return _way_out(wired, token)


@router.post("/sign-out-everywhere")
def sign_out_everywhere(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Sign all of her phones out, this one too, and clear the tablets that show her cart."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        told = service.sign_out_everywhere(db, wired.clock, wired.ids, me)
        wired.tell(db, *told)
    return _way_out(wired, "")


@router.post("/passkeys/{passkey_id}/remove")
def remove_passkey(
    request: Request,
    passkey_id: Annotated[str, Path(max_length=64)],
    wired: Wired,
    visitor: CurrentVisitor,
) -> Response:
    """Forget a passkey of hers; one that is gone already is as good."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        service.remove_passkey(wired, db, me, passkey_id, locale_of(request))
    return RedirectResponse("/account#passkeys", 303, NO_STORE)


@router.post("/joinings/{joining_id}/undo")
def undo_joining(
    joining_id: Annotated[str, Path(max_length=64)], wired: Wired, visitor: CurrentVisitor
) -> Response:
    """Take out again what signing in brought to her cart."""
    with unit_of_work(wired.engine) as db:
        me = visitor.customer(db, wired.clock)
        signing_in.undo(wired, db, me, joining_id)
    return RedirectResponse("/", 303, NO_STORE)


def _way_in() -> Response:
    return RedirectResponse("/sign-in", 303, NO_STORE)


def _way_out(wired: Parts, token: str) -> Response:
    return leave(RedirectResponse("/sign-in", 303, NO_STORE), wired, token)


def leave(response: Response, wired: Parts, token: str) -> Response:
    """Leave with the key to the cart that this phone had before, or with none.

    What the browser has kept of her pages, for being without a network, goes (ASVS 5.0, 14.3.1).
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    secure = wired.settings.secure
    if token:
        sessions.set_cookie(response, token, secure=secure)
    else:
        sessions.drop_cookie(response, secure=secure)
    return response
