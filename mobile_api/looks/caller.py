"""Who asks for a look: a visitor, and the phone that she is at."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.looks import keys
from cart.looks.model import PhoneKey
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.looks.phone import CurrentPhone
from mobile_api.wiring import Parts, Wired


@dataclass(frozen=True, slots=True)
class Caller:
    """A request for somebody's own looks."""

    request: Request
    wired: Parts
    visitor: Visitor
    phone: PhoneKey | None

    def opened(self, db: Session) -> tuple[ShopperSessionRow, keys.Opened]:
        """Return her session and what this phone opens.

        Raises:
            NoSession: nobody is here.
            LooksClosed, LooksPinNeeded: as they say.
        """
        shopper = self.visitor.need(db, self.wired.clock)
        return shopper, keys.opened(db, self.wired.clock, shopper.id, self.phone)


def caller(request: Request, wired: Wired, visitor: CurrentVisitor, phone: CurrentPhone) -> Caller:
    """Join what is known of who calls."""
    return Caller(request, wired, visitor, phone)


CurrentCaller = Annotated[Caller, Depends(caller)]
