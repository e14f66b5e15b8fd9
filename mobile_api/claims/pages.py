"""A phone opens the link that a tablet shows, or types its code, and has its list from then on.

Looking changes nothing: messengers and cameras fetch links to preview them.
Taking the list along is what the page sends next, by itself where scripts run
(``router.py``), else by its button (here).
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.kernel.errors import ClaimExpired, ClaimUsed, UnknownClaim
from cart.profile import limits
from cart.profile.model import Limit
from gateway.binding.service import Claim
from gateway.wire.claim_code import hashes_of
from mobile_api.claims.service import take, take_typed, way_on
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.look.templates import page
from mobile_api.sign_in.cookies import network
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
Secret = Annotated[str, Path(max_length=128)]
SECRET_LENGTH_MIN: Final = 20  # the device makes 128 bits or more; a shorter one was cut off
UNLISTED: Final = {**NO_STORE, "X-Robots-Tag": "noindex"}
State = Literal["open", "waiting", "used", "expired", "broken"]
Fault = Literal["", "shape", "unknown", "often"]
MINUTE_S: Final = 60
TYPED_LENGTH_MAX: Final = 64  # with whatever stands between the characters
# 50 bits, a thousand visits that can be claimed: all tries that ten thousand networks have hit one
# in a hundred years (docs/security.md). All phones of a shop's Wi-Fi come from one address.
TYPED_PER_NETWORK: Final = (Limit("claim:network:hour", 120, 3_600),)


@router.get("/c/{secret}")
def claim_page(request: Request, secret: Secret) -> HTMLResponse:
    """Show what is about to happen; nothing has happened yet."""
    whole = len(secret) >= SECRET_LENGTH_MIN
    return _page(request, secret, "open" if whole else "broken", 200 if whole else 404)


@router.post("/c/{secret}")
def claim(request: Request, secret: Secret, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Take the list along, for a browser without scripts."""
    if len(secret) < SECRET_LENGTH_MIN:
        return _page(request, secret, "broken", 404)
    try:
        return _taken(wired, visitor, lambda db, shopper: take(wired, db, secret, shopper))
    except UnknownClaim:
        # The tablet may be offline: it shows its code all the same, and reports when it can.
        return _page(request, secret, "waiting", 404)
    except ClaimUsed:
        return _page(request, secret, "used", 409)
    except ClaimExpired:
        return _page(request, secret, "expired", 410)


@router.get("/claim")
def typing_page(request: Request) -> HTMLResponse:
    """Ask for the code that a tablet or a mirror shows beside its QR code."""
    return _typing(request)


@router.post("/claim")
def claim_by_code(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    code: Annotated[str, Form()] = "",
) -> Response:
    """Take the list along by its code. What is no code at all is no try."""
    code = code[:TYPED_LENGTH_MAX]
    if hashes_of(code) is None:
        return _typing(request, code, "shape", 422)
    with unit_of_work(wired.engine) as db:
        per = [(TYPED_PER_NETWORK, network(request))]
        refused = limits.count(db, wired.clock, wired.secret, per)
    if refused is not None:
        wait_s = int(refused.data["retry_after_s"])
        return _typing(request, code, "often", 429, wait_s)
    try:
        return _taken(wired, visitor, lambda db, shopper: take_typed(wired, db, code, shopper))
    except UnknownClaim:
        return _typing(request, code, "unknown", 404)
    except ClaimUsed:
        return _page(request, "", "used", 409)
    except ClaimExpired:
        return _page(request, "", "expired", 410)


def _taken(
    wired: Parts,
    visitor: Visitor,
    taking: Callable[[Session, ShopperSessionRow | None], Claim],
) -> Response:
    token = ""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        taken = taking(db, shopper)
        way = way_on(db, taken)
        if shopper is None or shopper.id != taken.session_id:
            token = carts.give_key(db, wired.clock, wired.ids, session_id=taken.session_id)
    response = RedirectResponse(way, 303, UNLISTED)
    if token:
        sessions.set_cookie(response, token, secure=wired.settings.secure)
    return response


def _typing(
    request: Request, code: str = "", fault: Fault = "", status: int = 200, wait_s: int = 0
) -> HTMLResponse:
    context = {
        "code": code,
        "fault": fault,
        "wait_min": -(-wait_s // MINUTE_S),
        "page_id": "claim-code",
    }
    headers = {**UNLISTED, "Retry-After": str(wait_s)} if wait_s else UNLISTED
    return page(request, "claim_code.html", context, status=status, headers=headers)


def _page(request: Request, secret: str, state: State, status: int) -> HTMLResponse:
    context = {"state": state, "secret": secret, "page_id": "claim"}
    return page(request, "claim.html", context, status=status, headers=UNLISTED)
