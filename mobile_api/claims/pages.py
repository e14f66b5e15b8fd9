"""A phone opens the link that a tablet shows, and has its list from then on.

Looking changes nothing: messengers and cameras fetch links to preview them.
Taking the list along is what the page sends next, by itself where scripts run
(``router.py``), else by its button (here).
"""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cart.carts import service as carts
from cart.db import unit_of_work
from cart.kernel.errors import ClaimExpired, ClaimUsed, UnknownClaim
from mobile_api.claims.service import take, way_on
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
Secret = Annotated[str, Path(max_length=128)]
SECRET_LENGTH_MIN: Final = 20  # the device makes 128 bits or more; a shorter one was cut off
UNLISTED: Final = {**NO_STORE, "X-Robots-Tag": "noindex"}
State = Literal["open", "waiting", "used", "expired", "broken"]


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
    token = ""
    try:
        with unit_of_work(wired.engine) as db:
            shopper = visitor.find(db, wired.clock)
            taken = take(wired, db, secret, shopper)
            way = way_on(db, taken)
            if shopper is None or shopper.id != taken.session_id:
                token = carts.give_key(db, wired.clock, wired.ids, session_id=taken.session_id)
    except UnknownClaim:
        # The tablet may be offline: it shows its code all the same, and reports when it can.
        return _page(request, secret, "waiting", 404)
    except ClaimUsed:
        return _page(request, secret, "used", 409)
    except ClaimExpired:
        return _page(request, secret, "expired", 410)
    response = RedirectResponse(way, 303, UNLISTED)
    if token:
        sessions.set_cookie(response, token, secure=wired.settings.secure)
    return response


def _page(request: Request, secret: str, state: State, status: int) -> HTMLResponse:
    context = {"state": state, "secret": secret, "page_id": "claim"}
    return page(request, "claim.html", context, status=status, headers=UNLISTED)
