"""Signing in: an address, a code from an e-mail, and the cart is on every phone of hers.

Plain forms, no script. Every address gets the same answer, known or not; the code is good
in the browser that asked for it, which a cookie of its own says.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from cart.db import reading
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.kernel.errors import CarryoverError, CheckoutClosed, InvalidEmail, TooManyAttempts
from cart.kernel.ids import secret_hash
from cart.profile.model import CODE_LIFETIME, TRIES_MAX
from cart.profile.queries import code_of_browser
from cart.profile.tables import SignInCodeRow
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES, retry_headers, status_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.sign_in import asking
from mobile_api.sign_in.authenticator import place_of
from mobile_api.sign_in.cookies import CODE, bind, browser_of
from mobile_api.sign_in.schemas import TYPED_LENGTH_MAX
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/sign-in", dependencies=[allow(Role.ANYONE)], include_in_schema=False)
MINUTE_S: Final = 60


@router.get("")
def sign_in_page(
    request: Request, wired: Wired, visitor: CurrentVisitor, *, again: bool = False
) -> Response:
    """Ask for an address; whoever is signed in goes on to her own page, unless she is to anew."""
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
    if not again and shopper is not None and shopper.customer_id is not None:
        return RedirectResponse("/account", 303, NO_STORE)
    return _address_page(request)


@router.post("")
def ask_for_code(
    request: Request,
    wired: Wired,
    email: Annotated[str, Form(max_length=EMAIL_LENGTH_MAX)] = "",
) -> Response:
    """Send a code. No key: who presses twice gets two codes, and the second one is good."""
    try:
        asked = asking.ask_for_code(request, wired, email)
    except InvalidEmail as refused:
        return _address_page(request, email, refused)
    if isinstance(asked, TooManyAttempts):
        return _address_page(request, email, asked)
    response = RedirectResponse("/sign-in/code", 303, NO_STORE)
    bind(response, CODE, asked.browser, secure=wired.settings.secure)
    return response


@router.get("/code")
def code_page(request: Request, wired: Wired) -> Response:
    """Ask for the code that was sent; without one that is under way, for the address."""
    row = _under_way(request, wired)
    return RedirectResponse("/sign-in", 303, NO_STORE) if row is None else _code_page(request, row)


@router.post("/code")
def use_code(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    code: Annotated[str, Form(max_length=TYPED_LENGTH_MAX)] = "",
) -> Response:
    """Sign in with the code. Once more is the same sign-in, for an answer that was lost."""
    try:
        token = asking.use_code(request, wired, visitor, code)
    except CheckoutClosed as refused:
        token = refused
    if isinstance(token, CarryoverError):
        row = _under_way(request, wired)
        if row is None or row.tries >= TRIES_MAX:
            return _address_page(request, row.email if row else "", token)
        return _code_page(request, row, token)
    return asking.let_in(RedirectResponse("/", 303, NO_STORE), wired, CODE, token)


def _under_way(request: Request, wired: Parts) -> SignInCodeRow | None:
    """Return what this browser has asked for, while its code is good."""
    with reading(wired.engine) as db:
        row = code_of_browser(
            db, secret_hash(browser_of(request, CODE, secure=wired.settings.secure))
        )
    good = row is not None and row.used_at is None and row.expires_at > wired.clock.now()
    return row if good else None


def _address_page(
    request: Request, email: str = "", refused: CarryoverError | None = None
) -> Response:
    passkeys = place_of(request.app.state.parts.settings.base_url) is not None
    return _page(request, "sign_in.html", {"email": email, "passkeys": passkeys}, refused)


def _code_page(
    request: Request, row: SignInCodeRow, refused: CarryoverError | None = None
) -> Response:
    context = {
        "email": row.email,
        "minutes": int(CODE_LIFETIME.total_seconds()) // MINUTE_S,
        "failed": row.state == "failed",
    }
    return _page(request, "sign_in_code.html", context, refused)


def _page(
    request: Request, name: str, context: dict[str, object], refused: CarryoverError | None
) -> Response:
    if refused is None:
        shown = {"fault": "", "page_id": "sign-in", **context}
        return page(request, name, shown, headers=NO_STORE)
    spoken = words(locale_of(request))
    fault = spoken.gettext(TITLES[refused.code])
    if isinstance(refused, TooManyAttempts):
        minutes = -(-int(refused.data["retry_after_s"]) // MINUTE_S)
        fault = spoken.ngettext(
            "That was tried often enough. Please try again in %(num)s minute.",
            "That was tried often enough. Please try again in %(num)s minutes.",
            minutes,
        )
    return page(
        request,
        name,
        {"fault": fault, "page_id": "sign-in", **context},
        status=status_of(refused),
        headers=NO_STORE | retry_headers(refused),
    )
