"""A changing request under its Idempotency-Key, whoever sends it.

Key and effect are one transaction; the answer is kept beside them and given
again. Who may have it again is the caller's to decide: ``once.py`` for phones of
shoppers, ``mobile_api.staff.signed_in`` for staff.
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

from cart.db import unit_of_work
from cart.idempotency import service as keys
from cart.kernel.errors import CarryoverError, IdempotencyKeyMissing, InFlight, Unavailable
from mobile_api.edge import problems
from mobile_api.wiring import Parts

# A key must not be guessed: the first request of a phone has nothing else to show. A UUID fits.
KEY_LENGTH_MIN, KEY_LENGTH_MAX = 16, 64


@dataclass(slots=True)
class InProgress:
    """Keys that this process is working on right now."""

    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def any_of(self, keys: set[str]) -> bool:
        """Say whether someone holds one of these."""
        with self._lock:
            return not self._keys.isdisjoint(keys)

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
class Done:
    """What an effect came to.

    ``answer``: a refusal given, not raised, is answered as one and what was
    written with it stays (a wrong code that counts). ``owner``: whose answer it
    is. ``salt``: of the session that the request began, if it did.
    """

    answer: BaseModel | CarryoverError
    owner: str
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept. ``caller``: who asks for it now; ``again``: it was given before."""

    status: int
    body: str
    owner: str
    salt: str
    caller: str
    again: bool

    def response(self) -> Response:
        """Return it as it goes out."""
        media = "application/json" if self.status < 400 else problems.MEDIA_TYPE  # noqa: PLR2004
        return Response(self.body, self.status, media_type=media)


@dataclass(frozen=True, slots=True)
class Keyed:
    """One request under its key."""

    request: Request
    key: str
    request_hash: str

    @property
    def parts(self) -> Parts:
        """The parts of the running application."""
        parts: Parts = self.request.app.state.parts
        return parts

    def run(
        self,
        caller: Callable[[Session], str],
        effect: Callable[[Session], Done],
        *,
        status: int,
    ) -> Kept:
        """Do ``effect`` in one transaction with the key, or return its first answer.

        ``caller``: says whose request it is, "" for nobody yet; what it raises is
        not kept, so the same key works once she has signed in.
        """
        parts = self.parts
        with parts.in_progress.hold(self.key), unit_of_work(parts.engine) as db:
            row = keys.begin(db, parts.clock, key=self.key, request_hash=self.request_hash)
            asking = caller(db)
            if row.status:
                return Kept(row.status, row.body, row.session_id, row.salt, asking, again=True)
            kept = self._do(db, effect, asking, status)
            keys.finish(
                db,
                row,
                status=kept.status,
                body=kept.body,
                session_id=kept.owner,
                salt=kept.salt,
            )
        return kept

    def _do(self, db: Session, effect: Callable[[Session], Done], asking: str, status: int) -> Kept:
        try:
            with db.begin_nested():
                done = effect(db)
                answer = done.answer
                body = answer.model_dump_json() if isinstance(answer, BaseModel) else ""
        except Unavailable:
            raise
        except CarryoverError as refusal:
            done, answer, body = Done(refusal, asking), refusal, ""
        if isinstance(answer, CarryoverError):
            document = problems.of_error(self.request, answer)
            status, body = document["status"], problems.as_json(document)
        return Kept(status, body, done.owner, done.salt, asking, again=False)


async def keyed(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="16 to 64 of A-Z a-z 0-9 _ -, random: the same for a repeat."),
    ] = None,
) -> Keyed:
    """Read the key and the request it stands for.

    Raises:
        IdempotencyKeyMissing: none, or not 16 to 64 of the allowed characters.
    """
    key = idempotency_key or ""
    _require(key)
    return _asked(request, key, await request.body())


def keyed_form(request: Request, key: str, *fields: str) -> Keyed:
    """Return the request of a plain form, under the key that was made with its page.

    Raises:
        IdempotencyKeyMissing: none, or not 16 to 64 of the allowed characters.
    """
    _require(key)
    return _asked(request, key, *(field.encode() for field in fields))


def _require(key: str) -> None:
    fits = KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX
    if not fits or not key.replace("-", "").replace("_", "").isalnum() or not key.isascii():
        msg = "Idempotency-Key: 16 to 64 letters, digits, - or _ are needed"
        raise IdempotencyKeyMissing(msg)


def _asked(request: Request, key: str, *body: bytes) -> Keyed:
    whole = b"\0".join((request.method.encode(), request.url.path.encode(), *body))
    return Keyed(request, key, hashlib.sha256(whole).hexdigest())


CurrentKey = Annotated[Keyed, Depends(keyed)]
