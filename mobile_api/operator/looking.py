"""Who looks at an operator's page: somebody of the staff who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from cart.kernel.clock import from_us
from cart.picking.model import Staff
from cart.picking.permissions import Permission, need
from mobile_api.look.words import Words
from mobile_api.staff.signed_in import Device
from mobile_api.wiring import Parts

OPERATOR = Permission.OPERATOR.value  # the role in which she acts here


@dataclass(frozen=True, slots=True)
class OperatorLooking:
    """All that a page of operators is made from, beside what it shows."""

    parts: Parts
    db: Session
    me: Staff
    spoken: Words
    now: datetime

    def moment(self, at: datetime | None) -> "Moment | None":
        """Return a time in words, None without one."""
        if at is None:
            return None
        return Moment(
            self.spoken.ago(self.now - at), self.spoken.moment(at), at.isoformat(), self.now - at
        )

    def moment_us(self, at_us: int | None) -> "Moment | None":
        """Return a time in words, None without one."""
        return self.moment(from_us(at_us) if at_us else None)


@dataclass(frozen=True, slots=True)
class Moment:
    """How long ago, and exactly when for whoever points at it."""

    ago: str
    exact: str
    iso: str
    age: timedelta


@contextmanager
def operator_looking(
    parts: Parts, device: Device, spoken: Words, *, by_hand: bool = False
) -> Iterator[OperatorLooking]:
    """Read for the operator who is signed in here; ``by_hand``: who opens a page.

    Raises:
        NotSignedIn: nobody is.
        OperatorNeeded: somebody is who may not.
    """
    with device.reading(parts, by_hand=by_hand) as (db, me):
        need(db, me.id, Permission.OPERATOR)
        yield OperatorLooking(parts, db, me, spoken, parts.clock.now())
