"""The cookie of an anonymous shopper session: an opaque token, only its hash is kept.

A session begins with the first action that needs one, never by looking.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session
from starlette.responses import Response

from cart.carts import queries
from cart.carts.service import KEY_LIFETIME, NewSession
from cart.carts.tables import ShopperSessionRow
from cart.kernel.clock import Clock
from cart.kernel.errors import NoSession
from cart.kernel.ids import Ids, secret_hash

TOKEN_LENGTH_MAX = 128
SALT_LENGTH = 32  # 160 bits


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return "__Host-carryover" if secure else "carryover"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls: a token from the cookie, or nobody yet."""

    token: str | None

    def find(self, db: Session, clock: Clock) -> ShopperSessionRow | None:
        """Return the visitor's session, None without one."""
        if not self.token:
            return None
        found = queries.session_of_key(db, self.token, clock.now())
        return found if found is not None and found.ended_at is None else None

    def need(self, db: Session, clock: Clock) -> ShopperSessionRow:
        """Return the visitor's session.

        Raises:
            NoSession: the phone has none, or its key is too old.
        """
        found = self.find(db, clock)
        if found is None:
            msg = "this phone has no shopper session"
            raise NoSession(msg)
        return found


async def visitor(request: Request) -> Visitor:
    """Read the cookie."""
    token = request.cookies.get(cookie_name(secure=request.app.state.parts.settings.secure))
    return Visitor(token if token and len(token) <= TOKEN_LENGTH_MAX else None)


CurrentVisitor = Annotated[Visitor, Depends(visitor)]


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Give the phone its key: not readable by scripts, not sent along from other sites."""
    response.set_cookie(
        cookie_name(secure=secure),
        token,
        max_age=int(KEY_LIFETIME.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def derived_token(secret: bytes, *, salt: str, key: str) -> str:
    """Return the token of the session that a request began.

    The same for the same request, so a lost answer can be given again, cookie
    included; without the server's secret neither row nor key gives it away.
    """
    digest = hmac.digest(secret, f"session\0{salt}\0{key}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Beginning:
    """A session that begins with a request: what is written, and what the phone is given.

    ``salt``: kept beside the request's answer, so that ``token`` can be given again.
    """

    session: NewSession
    salt: str
    token: str


def beginning(ids: Ids, secret: bytes, *, key: str, locale: str) -> Beginning:
    """Return the session that the request under ``key`` begins; nothing is written yet."""
    salt = ids.token()[:SALT_LENGTH]
    token = derived_token(secret, salt=salt, key=key)
    session = NewSession(ids.new("session"), ids.new("cart"), locale, secret_hash(token))
    return Beginning(session, salt, token)
