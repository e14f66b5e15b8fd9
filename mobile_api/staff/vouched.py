"""Signing in by the retailer's identity provider: there, and back with an answer.

What belongs to the one sign-in (state, nonce, verifier) stays in a cookie of the browser that
began it, signed and short-lived. It is Lax, since the way back begins on another site; the
session's own cookie stays Strict, so the way on begins on a page of ours.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from cart.audit.model import Action, On, Who, WhoKind
from cart.audit.service import lately, note
from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import (
    CarryoverError,
    NotFound,
    ProviderRefused,
    ProviderUnavailable,
    UnknownLocation,
)
from cart.picking import identities
from cart.picking.identities import Vouched
from cart.picking.staff import SignedIn
from gateway.fanout import DeskChanged
from inventory_api.places import Places
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES, status_of
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.staff.pages import PLACE_COOKIE, sign_in_form
from mobile_api.staff.parting import keep_token
from mobile_api.staff.provider import Asked, Provider
from mobile_api.staff.signed_in import set_cookie
from mobile_api.staff.ways import own_way, way_on
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/staff", dependencies=[allow(Role.ANYONE)], include_in_schema=False)
BACK: Final = "/staff/provider/back"
ON_THE_WAY_S: Final = 900  # a password and a second factor, typed on a scanner
COOKIE_LENGTH_MAX: Final = 2_048
_PURPOSE: Final = b"staff provider cookie"


@dataclass(frozen=True, slots=True)
class Begun:
    """One sign-in that is under way: what was asked, where she goes then, the device's shop."""

    asked: Asked
    back: str
    place: str
    until_s: int


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return "__Host-carryover-provider" if secure else "carryover-provider"


def _mac(secret: bytes, body: str) -> str:
    return hmac.new(secret, _PURPOSE + b"\0" + body.encode(), hashlib.sha256).hexdigest()


def _written(secret: bytes, begun: Begun) -> str:
    body = base64.urlsafe_b64encode(json.dumps(asdict(begun)).encode()).decode()
    return f"{body}.{_mac(secret, body)}"


def _read(secret: bytes, text: str, now_s: int) -> Begun:
    """Read the cookie.

    Raises:
        ProviderRefused: there is none, it is not ours, or too old.
    """
    body, _, mac = text.partition(".")
    if len(text) > COOKIE_LENGTH_MAX or not hmac.compare_digest(
        _mac(secret, body).encode(), mac.encode()
    ):
        msg = "this browser began no sign-in"
        raise ProviderRefused(msg)
    kept = json.loads(base64.urlsafe_b64decode(body))
    begun = Begun(Asked(**kept.pop("asked")), **kept)
    if begun.until_s <= now_s:
        msg = "this sign-in took too long"
        raise ProviderRefused(msg)
    return begun


def _provider(wired: Parts) -> Provider:
    if wired.provider is None:
        msg = "there is no identity provider here"
        raise NotFound(msg)
    return wired.provider


def _now_s(wired: Parts) -> int:
    return to_us(wired.clock.now()) // 1_000_000


@router.get("/provider")
def begin(
    request: Request, wired: Wired, back: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Send the browser to the provider."""
    provider, now_s = _provider(wired), _now_s(wired)
    asked = Asked.drawn(wired.ids, now_s)
    place = request.cookies.get(PLACE_COOKIE, "")[:64]
    begun = Begun(asked, own_way(back), place, now_s + ON_THE_WAY_S)
    try:
        way = provider.way(asked, wired.settings.base_url + BACK)
    except ProviderUnavailable as error:
        return _failed(request, wired, back, error)
    response = RedirectResponse(way, 303, NO_STORE)
    secure = wired.settings.secure
    response.set_cookie(
        cookie_name(secure=secure),
        _written(wired.secret, begun),
        max_age=ON_THE_WAY_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/provider/back")
def come_back(request: Request, wired: Wired) -> Response:
    """Take the provider's answer: open a session, or say that it did not work."""
    provider, secure, back = _provider(wired), wired.settings.secure, ""
    cookie = request.cookies.get(cookie_name(secure=secure), "")
    try:
        begun = _read(wired.secret, cookie, _now_s(wired))
        back = begun.back
        address = wired.settings.base_url + BACK
        claims, token = provider.came_back(begun.asked, dict(request.query_params), address)
        came = _came(wired, claims, begun.place)
    except (ProviderRefused, ProviderUnavailable) as error:
        response = _failed(request, wired, back, error)
    else:
        with reading(wired.engine) as db:
            way = way_on(db, came, back)
        context = {"to": way, "me": None, "place": "", "page_id": "came"}
        response = page(request, "staff_came.html", context, headers=NO_STORE)
        set_cookie(response, came.token, secure=secure)
        keep_token(response, token, secure=secure)
    response.delete_cookie(
        cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response


def _came(wired: Parts, claims: dict[str, object], place: str) -> SignedIn:
    mapped = wired.settings.oidc_mapped
    role, location_id = mapped.role(claims), mapped.location(claims, place)
    if role is None or location_id is None:
        msg = "the provider gives her no role, or no location"
        raise ProviderRefused(msg)
    vouched = Vouched(
        wired.settings.oidc_issuer, str(claims["sub"]), role, location_id, mapped.name(claims)
    )
    with unit_of_work(wired.engine) as db:
        try:
            Places().facts(db, location_id)
        except UnknownLocation as error:
            msg = "the provider names a location that we do not have"
            raise ProviderRefused(msg) from error
        came = identities.sign_in(db, wired.clock, wired.ids, vouched)
        wired.tell(db, DeskChanged(location_id))  # one more on duty: times move
    return came


def _failed(request: Request, wired: Parts, back: str, error: CarryoverError) -> Response:
    if isinstance(error, ProviderRefused):
        nobody, on = Who(WhoKind.NOBODY), On("staff", "")
        with unit_of_work(wired.engine) as db:
            if not lately(db, wired.clock, nobody, Action.SIGN_IN, on, outcome=error.code):
                note(db, wired.clock, nobody, Action.SIGN_IN, on, outcome=error.code)
    fault = words(locale_of(request)).gettext(TITLES[error.code])
    place = request.cookies.get(PLACE_COOKIE, "")
    with reading(wired.engine) as db:
        return sign_in_form(request, db, back, place, fault=fault, status=status_of(error))
