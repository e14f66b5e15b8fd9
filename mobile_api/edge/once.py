"""A changing request is done once: key and effect in one transaction, then replayed.

Missing or malformed key 400, same key with another request 422, in flight 409
with Retry-After, otherwise the answer of the first time. Answers of 5xx are
not kept. The session that a phone's first request needs begins in here.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.idempotency import service as keys
from cart.kernel.errors import (
    CarryoverError,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InFlight,
    Unavailable,
)
from mobile_api.edge import problems, sessions
from mobile_api.edge.language import locale_of
from mobile_api.wiring import Parts

# A key must not be guessed: the first request of a phone has nothing else to show. A UUID fits.
KEY_LENGTH_MIN, KEY_LENGTH_MAX = 16, 64
Effect = Callable[[Session, ShopperSessionRow], BaseModel]


@dataclass(slots=True)
class InProgress:
    """Keys that this process is working on right now."""

    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Hold ``key`` while the block runs.

        Raises:
            InFlight: someone holds it.
        """
        with self._lock:
            if key in self._keys:
                msg = "the same request is being worked on"
                raise InFlight(msg)
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


@dataclass(frozen=True, slots=True)
class Once:
    """One request under its key."""

    request: Request
    key: str
    request_hash: str
    visitor: sessions.Visitor

    @property
    def _parts(self) -> Parts:
        parts: Parts = self.request.app.state.parts
        return parts

    def run(self, effect: Effect, *, status: int = 200, needs_session: bool = False) -> Response:
        """Do ``effect`` in one transaction with the key, or give its first answer again.

        ``needs_session``: refuse a phone without a session instead of beginning one.
        """
        parts = self._parts
        with parts.in_progress.hold(self.key), unit_of_work(parts.engine) as db:
            row = keys.begin(db, parts.clock, key=self.key, request_hash=self.request_hash)
            shopper = self.visitor.find(db, parts.clock)
            if row.status:
                return self._replay(row.status, row.body, row.session_id, row.salt, shopper)
            salt = ""
            try:
                with db.begin_nested():
                    if shopper is None and needs_session:
                        self.visitor.need(db, parts.clock)
                    if shopper is None:
                        shopper, salt = self._begin_session(db)
                    answered, body = status, effect(db, shopper).model_dump_json()
                    session_id = shopper.id
            except Unavailable:
                raise
            except CarryoverError as refusal:
                document = problems.of_error(self.request, refusal)
                answered, body = document["status"], problems.as_json(document)
                session_id, salt = "" if salt or shopper is None else shopper.id, ""
            keys.finish(db, row, status=answered, body=body, session_id=session_id, salt=salt)
        return self._response(answered, body, salt)

    def _begin_session(self, db: Session) -> tuple[ShopperSessionRow, str]:
        parts = self._parts
        shopper = carts.open_session(db, parts.clock, parts.ids, locale=locale_of(self.request))
        salt = parts.ids.token()[:32]
        token = sessions.derived_token(parts.secret, salt=salt, key=self.key)
        carts.give_key(db, parts.clock, sessions.GivenToken(token), session_id=shopper.id)
        return shopper, salt

    def _replay(
        self, status: int, body: str, session_id: str, salt: str, now: ShopperSessionRow | None
    ) -> Response:
        """Give the first answer again, to the phone that had it or should have had it."""
        if (now.id if now else "") not in {session_id, ""} or (not now and session_id and not salt):
            msg = "this Idempotency-Key was used by another phone"
            raise IdempotencyKeyReused(msg)
        return self._response(status, body, "" if now else salt)

    def _response(self, status: int, body: str, salt: str) -> Response:
        media = "application/json" if status < 400 else problems.MEDIA_TYPE  # noqa: PLR2004
        response = Response(body, status, media_type=media)
        if salt:
            parts = self._parts
            token = sessions.derived_token(parts.secret, salt=salt, key=self.key)
            sessions.set_cookie(response, token, secure=parts.settings.secure)
        return response


async def once(
    request: Request,
    visitor: sessions.CurrentVisitor,
    idempotency_key: Annotated[
        str | None,
        Header(description="16 to 64 of A-Z a-z 0-9 _ -, random: the same for a repeat."),
    ] = None,
) -> Once:
    """Read the key and the request it stands for.

    Raises:
        IdempotencyKeyMissing: none, or not 16 to 64 of the allowed characters.
    """
    key = idempotency_key or ""
    fits = KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX
    if not fits or not key.replace("-", "").replace("_", "").isalnum() or not key.isascii():
        msg = "Idempotency-Key: 16 to 64 letters, digits, - or _ are needed"
        raise IdempotencyKeyMissing(msg)
    whole = b"\0".join((request.method.encode(), request.url.path.encode(), await request.body()))
    return Once(request, key, hashlib.sha256(whole).hexdigest(), visitor)


OnceOnly = Annotated[Once, Depends(once)]
