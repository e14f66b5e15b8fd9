"""A shopper's changing request is done once: key and effect in one transaction, then replayed.

Missing or malformed key 400, same key with another request 422, in flight 409
with Retry-After, otherwise the answer of the first time. Answers of 5xx are
not kept. The session that a phone's first request needs begins in here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.tables import ShopperSessionRow
from cart.kernel.errors import IdempotencyKeyReused
from mobile_api.edge import sessions
from mobile_api.edge.keyed import CurrentKey, Done, Kept, Keyed, keyed
from mobile_api.edge.language import locale_of

Effect = Callable[[Session, ShopperSessionRow], BaseModel]


@dataclass(frozen=True, slots=True)
class Once:
    """One request of a shopper's phone under its key."""

    keyed: Keyed
    visitor: sessions.Visitor

    @property
    def key(self) -> str:
        """The key, for what is named after it."""
        return self.keyed.key

    def run(self, effect: Effect, *, status: int = 200, needs_session: bool = False) -> Response:
        """Do ``effect`` in one transaction with the key, or give its first answer again.

        ``needs_session``: refuse a phone without a session instead of beginning one.
        """
        clock = self.keyed.parts.clock
        found: ShopperSessionRow | None = None

        def caller(db: Session) -> str:
            nonlocal found
            found = self.visitor.find(db, clock)
            return found.id if found else ""

        def act(db: Session) -> Done:
            shopper, salt = found, ""
            if shopper is None and needs_session:
                self.visitor.need(db, clock)
            if shopper is None:
                shopper, salt = self._begin_session(db)
            return Done(effect(db, shopper), shopper.id, salt)

        kept = self.keyed.run(caller, act, status=status)
        return self._replay(kept) if kept.again else self._response(kept, kept.salt)

    def _begin_session(self, db: Session) -> tuple[ShopperSessionRow, str]:
        parts, locale = self.keyed.parts, locale_of(self.keyed.request)
        begun = sessions.beginning(parts.ids, parts.secret, key=self.key, locale=locale)
        carts.open_sessions(db, parts.clock, [begun.session])
        return db.get_one(ShopperSessionRow, begun.session.session_id), begun.salt

    def _replay(self, kept: Kept) -> Response:
        """Give the first answer again, to the phone that had it or should have had it."""
        now = kept.caller
        if now not in {kept.owner, ""} or (not now and kept.owner and not kept.salt):
            msg = "this Idempotency-Key was used by another phone"
            raise IdempotencyKeyReused(msg)
        return self._response(kept, "" if now else kept.salt)

    def _response(self, kept: Kept, salt: str) -> Response:
        response = kept.response()
        if salt:
            parts = self.keyed.parts
            token = sessions.derived_token(parts.secret, salt=salt, key=self.keyed.key)
            sessions.set_cookie(response, token, secure=parts.settings.secure)
        return response


async def once(key: CurrentKey, visitor: sessions.CurrentVisitor) -> Once:
    """Join the key and who sends it."""
    return Once(key, visitor)


async def read_once(request: Request) -> Once:
    """Return what :data:`OnceOnly` gives, for a short way. Raises as it does."""
    key = await keyed(request, request.headers.get("idempotency-key"))
    return Once(key, await sessions.visitor(request))


OnceOnly = Annotated[Once, Depends(once)]
