"""Who of the staff is signed in on this device: the cookie, and requests under a key.

Owns the cookie and nothing else of a session: ``cart.picking.staff`` does. Staff
see their own location only, because every command and query takes it from here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError, IdempotencyKeyReused, NotSignedIn
from cart.picking import staff
from cart.picking.model import Staff
from mobile_api.edge.keyed import CurrentKey, Done, Keyed
from mobile_api.wiring import Parts

TOKEN_LENGTH_MAX = 128
# A refusal that is given, not raised, keeps what was written with it: a wrong code counts.
Effect = Callable[[Session, Staff], BaseModel | CarryoverError]


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return "__Host-carryover-staff" if secure else "carryover-staff"


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Give the device its key. Strict: a link on another site opens nothing here.

    Without an age: it goes with the browser, at the latest with the session's own end.
    """
    response.set_cookie(
        cookie_name(secure=secure),
        token,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, *, secure: bool) -> None:
    """Take the key back."""
    response.delete_cookie(
        cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="strict"
    )


@dataclass(frozen=True, slots=True)
class Device:
    """Who calls: a token from the cookie, or nobody."""

    token: str | None

    def need(self, db: Session, clock: Clock) -> Staff:
        """Return who is signed in.

        Raises:
            NotSignedIn: nobody.
        """
        if not self.token:
            msg = "nobody is signed in here"
            raise NotSignedIn(msg)
        return staff.current(db, clock, self.token)

    @contextmanager
    def reading(self, parts: Parts) -> Iterator[tuple[Session, Staff]]:
        """Read for whoever is signed in; note once a minute that she is at work.

        Raises:
            NotSignedIn: nobody.
        """
        with reading(parts.engine) as db:
            me = self.need(db, parts.clock)
            yield db, me
        if me.touch_due and self.token:
            with unit_of_work(parts.engine) as db:
                staff.touch(db, parts.clock, self.token)


async def device(request: Request) -> Device:
    """Read the cookie."""
    token = request.cookies.get(cookie_name(secure=request.app.state.parts.settings.secure))
    return Device(token if token and len(token) <= TOKEN_LENGTH_MAX else None)


CurrentDevice = Annotated[Device, Depends(device)]


@dataclass(frozen=True, slots=True)
class StaffOnce:
    """One request of staff under its key: done once, its answer given again to her alone."""

    keyed: Keyed
    device: Device

    @property
    def key(self) -> str:
        """The key, for what is named after it."""
        return self.keyed.key

    def run(self, effect: Effect, *, status: int = 200) -> Response:
        """Do ``effect`` in one transaction with the key, or give its first answer again.

        Raises:
            NotSignedIn: nobody; the key is not used up by that.
            IdempotencyKeyReused: a colleague used this key.
        """
        parts = self.keyed.parts
        me: Staff | None = None

        def caller(db: Session) -> str:
            nonlocal me
            me = self.device.need(db, parts.clock)
            if me.touch_due and self.device.token:
                staff.touch(db, parts.clock, self.device.token)
            return me.id

        def act(db: Session) -> Done:
            assert me is not None  # noqa: S101 - the caller was asked first
            return Done(effect(db, me), me.id)

        kept = self.keyed.run(caller, act, status=status)
        if kept.again and kept.owner != kept.caller:
            msg = "this Idempotency-Key was used by a colleague"
            raise IdempotencyKeyReused(msg)
        return kept.response()


async def staff_once(key: CurrentKey, device: CurrentDevice) -> StaffOnce:
    """Join the key and who sends it."""
    return StaffOnce(key, device)


StaffOnly = Annotated[StaffOnce, Depends(staff_once)]
