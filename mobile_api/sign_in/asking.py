"""Signing in over HTTP, by a page or an app: a code is sent and used, and the phone let in."""

from fastapi import Request
from fastapi.responses import Response

from cart.carts.queries import session_of_key
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, TooManyAttempts
from cart.profile import service as profile
from cart.profile.model import known_mark
from cart.profile.service import Asked, Proved
from gateway.fanout import CodeAsked
from mobile_api.edge import sessions
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import Visitor
from mobile_api.sign_in.cookies import CODE, KNOWN, Asking, bind, browser_of, network, unbind
from mobile_api.sign_in.device import device_words
from mobile_api.sign_in.service import Phone, sign_in
from mobile_api.wiring import Parts


def ask_for_code(request: Request, wired: Parts, email: str) -> Asked | TooManyAttempts:
    """Have a code sent to an address, known or not.

    Raises:
        InvalidEmail: no mail can be sent to it.
    """
    with unit_of_work(wired.engine) as db:
        asked = profile.ask(
            db,
            wired.clock,
            wired.ids,
            wired.secret,
            email=email,
            network=network(request),
            locale=locale_of(request),
        )
        if isinstance(asked, Asked):
            wired.tell(db, CodeAsked(asked.code_id))
    return asked


def use_code(request: Request, wired: Parts, visitor: Visitor, typed: str) -> str | CarryoverError:
    """Return the key of the phone that typed a right code, or why it has none.

    Raises:
        CheckoutClosed: the phone's cart and the customer's are both being paid.
    """
    phone = phone_of(request, wired, visitor, CODE)
    with unit_of_work(wired.engine) as db:
        proved = profile.prove(
            db,
            wired.clock,
            wired.secret,
            browser=phone.browser,
            typed=typed,
            network=network(request),
        )
        return sign_in(wired, db, proved, phone) if isinstance(proved, Proved) else proved


def phone_of(request: Request, wired: Parts, visitor: Visitor, asking: Asking) -> Phone:
    """Return the phone that calls, with the cookie of what it asked for."""
    secure = wired.settings.secure
    return Phone(
        visitor,
        browser_of(request, asking, secure=secure),
        device_words(request.headers.get("user-agent", "")),
        locale_of(request),
        # compare_digest takes no other characters
        known if (known := browser_of(request, KNOWN, secure=secure)).isascii() else "",
    )


def let_in(response: Response, wired: Parts, asking: Asking, token: str) -> Response:
    """Give the phone its key and the mark of whose it is; take back what it was asked for with."""
    secure = wired.settings.secure
    with reading(wired.engine) as db:
        session = session_of_key(db, token, wired.clock.now())
    if session is not None and session.customer_id:
        bind(response, KNOWN, known_mark(wired.secret, session.customer_id), secure=secure)
    sessions.set_cookie(response, token, secure=secure)
    unbind(response, asking, secure=secure)
    return response
