"""The cookie of a shopper session, anonymous or a customer's own: an opaque token.

Only its hash is kept.

A session begins with the first action that needs one, never by looking.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlmodel import Session
from starlette.responses import Response

from cart.carts import keys, queries
from cart.carts.service import KEY_LIFETIME, NewSession
from cart.carts.tables import SessionKeyRow, ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import FreshSignInNeeded, NoSession, SignInNeeded
from cart.kernel.ids import Ids, secret_hash
from cart.profile.consent import service as consents

if TYPE_CHECKING:
    from mobile_api.wiring import Parts

TOKEN_LENGTH_MAX = 128
SALT_LENGTH = 32  # 160 bits
SIGNAL_HEADER = "sec-gpc"  # https://www.w3.org/TR/gpc/, 3.2


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return "__Host-carryover" if secure else "carryover"


@dataclass(slots=True)
class Looked:
    """What was found of a request's key. ``is_over``: it opens nothing any more."""

    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls: a token from the cookie, or nobody yet.

    ``signal``: her browser asks not to be followed (``Sec-GPC: 1``, Global Privacy Control).
    """

    token: str | None
    signal: bool = False
    looked: Looked = field(default_factory=Looked)

    def find(self, db: Session, clock: Clock) -> ShopperSessionRow | None:
        """Return the visitor's session, None without one."""
        if not self.token:
            return None
        found = queries.session_of_key(db, self.token, clock.now())
        self.looked.is_over = found is None or found.ended_at is not None
        return None if self.looked.is_over else found

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

    def customer(self, db: Session, clock: Clock) -> ShopperSessionRow:
        """Return the own session of the customer who is signed in here; its ``customer_id`` is set.

        Raises:
            SignInNeeded: nobody is.
        """
        found = self.find(db, clock)
        if found is None or found.customer_id is None:
            msg = "nobody is signed in on this phone"
            raise SignInNeeded(msg)
        return found

    def fresh_customer(self, db: Session, clock: Clock) -> ShopperSessionRow:
        """Return the session of a customer who signed in on this phone lately.

        Raises:
            SignInNeeded: nobody is.
            FreshSignInNeeded: it is a while ago; the phone may have changed hands.
        """
        found = self.customer(db, clock)
        if not keys.fresh(db, clock, self.token or ""):
            msg = f"signed in more than {int(keys.FRESH.total_seconds())} s ago"
            raise FreshSignInNeeded(msg)
        return found

    def prior_session_id(self, db: Session) -> str | None:
        """Return the anonymous session that this phone had before its customer signed in."""
        row = db.get(SessionKeyRow, secret_hash(self.token)) if self.token else None
        return row.prior_session_id if row else None

    def used(self, parts: "Parts") -> None:
        """Note that a customer's key was used, every few minutes: an idle one ends.

        Her browser's signal is written down with it, where it refuses what she has granted.
        Not within a unit of work.
        """
        if not self.token:
            return
        with reading(parts.engine) as db:
            due = keys.touch_due(db, parts.clock, self.token)
        if due:
            with unit_of_work(parts.engine) as db:
                keys.touch(db, parts.clock, self.token)
                found = self.find(db, parts.clock) if self.signal else None
                if found is not None and found.customer_id is not None:
                    consents.heed_signal(db, parts.clock, parts.ids, found.customer_id)


async def visitor(request: Request) -> Visitor:
    """Read the cookie."""
    token = request.cookies.get(cookie_name(secure=request.app.state.parts.settings.secure))
    signal = request.headers.get(SIGNAL_HEADER) == "1"
    found = Visitor(token if token and len(token) <= TOKEN_LENGTH_MAX else None, signal)
    request.state.looked = found.looked
    return found


def is_over(request: Request) -> bool:
    """Say whether this browser came with a key that was good once: it was signed out elsewhere.

    The cookie stays: at this very moment it may be getting another in another tab.
    """
    looked = getattr(request.state, "looked", None)
    return isinstance(looked, Looked) and looked.is_over


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


def drop_cookie(response: Response, *, secure: bool) -> None:
    """Take the phone's key back; the key itself is ended in the database."""
    response.delete_cookie(
        cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax"
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
