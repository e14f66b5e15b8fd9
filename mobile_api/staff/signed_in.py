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

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On, Who
from cart.db import glancing, reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    CarryoverError,
    IdempotencyKeyReused,
    NotSignedIn,
    RoleNeeded,
    Unavailable,
)
from cart.picking import people, staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holds
from cart.picking.roles import May
from mobile_api.edge.access import Role
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


def note_seen(parts: Parts, seer: Who, action: Action, on: On) -> None:
    """Note that somebody looks at this, once in five minutes however often the page asks.

    Before the page is given away: what cannot be noted is not shown.
    """
    with glancing(parts.engine) as db:
        known = audit.lately(db, parts.clock, seer, action, on)
    if not known:
        with unit_of_work(parts.engine) as db:
            audit.note(db, parts.clock, seer, action, on)


@dataclass(frozen=True, slots=True)
class Device:
    """Who calls: a token from the cookie, or nobody; and in which role the route wants her."""

    token: str | None
    role: Role | None = None

    def need(self, db: Session, clock: Clock) -> Staff:
        """Return who is signed in, if her role does what the route is for.

        Raises:
            NotSignedIn: nobody.
            RoleNeeded: somebody whose role does not.
        """
        me = self.signed_in(db, clock)
        self.check(db, me)
        return me

    def check(self, db: Session, me: Staff) -> None:
        """Return if her role does what the route is for. Operators' own routes ask for themselves.

        A route for others, or one that does not say for whom, is for nobody of the staff.

        Raises:
            RoleNeeded: it does not.
        """
        match self.role:
            case Role.ANYONE | Role.STAFF | Role.OPERATOR:
                allowed = True
            case Role.FLOOR:
                allowed = me.may(May.FLOOR)
            case Role.PEOPLE:
                allowed = people.may_see(db, me)
            case Role.MARKETING:
                allowed = me.may(May.MARKETING) or holds(db, me.id, Permission.OPERATOR)
            case Role.REPORT:
                allowed = me.may(May.REPORT) or holds(db, me.id, Permission.OPERATOR)
            case _:
                allowed = False
        if not allowed:
            msg = f"this is for: {self.role}"
            raise RoleNeeded(msg)

    def signed_in(self, db: Session, clock: Clock) -> Staff:
        """Return who is signed in, whatever her role.

        Raises:
            NotSignedIn: nobody.
        """
        if not self.token:
            msg = "nobody is signed in here"
            raise NotSignedIn(msg)
        return staff.current(db, clock, self.token)

    @contextmanager
    def reading(self, parts: Parts, *, by_hand: bool = False) -> Iterator[tuple[Session, Staff]]:
        """Read for whoever is signed in.

        ``by_hand``: she opens a page, which keeps it from being locked; noted once a
        minute. What a page asks for by itself keeps nothing open.

        Raises:
            NotSignedIn: nobody.
        """
        with reading(parts.engine) as db:
            me = self.need(db, parts.clock)
            yield db, me
        if by_hand and me.touch_due and self.token:
            with unit_of_work(parts.engine) as db:
                staff.touch(db, parts.clock, self.token)


async def device(request: Request) -> Device:
    """Read the cookie."""
    token = request.cookies.get(cookie_name(secure=request.app.state.parts.settings.secure))
    role = getattr(request.state, "called_by", None)
    return Device(token if token and len(token) <= TOKEN_LENGTH_MAX else None, role)


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

    def run(
        self, effect: Effect, action: Action, *on: On, role: str = "", status: int = 200
    ) -> Response:
        """Do ``effect`` in one transaction with the key, or give its first answer again.

        It is noted as ``action`` on each of ``on``, a refusal too. ``role``: in which
        she acts, if not in her own.

        Raises:
            NotSignedIn: nobody; the key is not used up by that.
            IdempotencyKeyReused: a colleague used this key.
        """
        parts = self.keyed.parts
        me: Staff | None = None

        def caller(db: Session) -> str:
            nonlocal me
            me = self.device.signed_in(db, parts.clock)
            if me.touch_due and self.device.token:
                staff.touch(db, parts.clock, self.device.token)
            return me.id

        def act(db: Session) -> Done:
            assert me is not None  # noqa: S101 - the caller was asked first
            try:
                with db.begin_nested():
                    self.device.check(db, me)
                    answer = effect(db, me)
            except Unavailable:
                raise
            except CarryoverError as refusal:
                answer = refusal
            outcome = answer.code if isinstance(answer, CarryoverError) else DONE
            for one in on:
                audit.note(db, parts.clock, staff.as_who(me, role), action, one, outcome=outcome)
            return Done(answer, me.id)

        kept = self.keyed.run(caller, act, status=status)
        if kept.again and kept.owner != kept.caller:
            msg = "this Idempotency-Key was used by a colleague"
            raise IdempotencyKeyReused(msg)
        return kept.response()


async def staff_once(key: CurrentKey, device: CurrentDevice) -> StaffOnce:
    """Join the key and who sends it."""
    return StaffOnce(key, device)


StaffOnly = Annotated[StaffOnce, Depends(staff_once)]
