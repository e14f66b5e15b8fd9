"""Cookies that bind what a browser has asked for to that browser: a code, a passkey's challenge."""

from datetime import timedelta
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from cart.profile.model import CHALLENGE_LIFETIME, CODE_LIFETIME, network_of
from mobile_api.edge.sessions import TOKEN_LENGTH_MAX

CODE: Final = ("sign-in", CODE_LIFETIME)
PASSKEY: Final = ("passkey", CHALLENGE_LIFETIME)
# As long as browsers keep a cookie at most: who comes back within it is told nothing.
KNOWN: Final = ("known", timedelta(days=400))
Asking = tuple[str, timedelta]


def cookie_name(asking: Asking = CODE, *, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return f"__Host-carryover-{asking[0]}" if secure else f"carryover-{asking[0]}"


def bind(response: Response, asking: Asking, browser: str, *, secure: bool) -> None:
    """Give the browser its secret for as long as what it asked for is good."""
    response.set_cookie(
        cookie_name(asking, secure=secure),
        browser,
        max_age=int(asking[1].total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def unbind(response: Response, asking: Asking, *, secure: bool) -> None:
    """Take it back: it was used."""
    name = cookie_name(asking, secure=secure)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def browser_of(request: Request, asking: Asking, *, secure: bool) -> str:
    """Return the secret that this browser was given, "" if it has none."""
    found = request.cookies.get(cookie_name(asking, secure=secure), "")
    return found if len(found) <= TOKEN_LENGTH_MAX else ""


def network(request: Request) -> str:
    """Return the network that a request came from, for limits."""
    return network_of(request.client.host if request.client else "")
