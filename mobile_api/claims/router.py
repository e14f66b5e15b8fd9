"""The claim as the page's script sends it: repeated until an answer comes, done once.

On a bad network the answer may be lost after the list was taken. The repeat
carries the same Idempotency-Key and gets the same answer, cookie included;
without that, the phone that was first would be told that another one was.
"""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from mobile_api.claims.service import take, way_on
from mobile_api.edge.access import Role, allow
from mobile_api.edge.once import OnceOnly
from mobile_api.wiring import Wired

router = APIRouter(prefix="/api/v1/claims", dependencies=[allow(Role.ANYONE)], tags=["claims"])


class ClaimOut(BaseModel):
    """The list is on this phone. ``merged``: pieces added to a cart it had; ``to``: the way on."""

    merged: int
    to: str


@router.post("/{secret}", response_model=ClaimOut)
def claim(secret: Annotated[str, Path(max_length=128)], wired: Wired, once: OnceOnly) -> Response:
    """Take the list of a tablet along. Unknown: the tablet may be offline, try again."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        taken = take(wired, db, secret, shopper)
        return ClaimOut(merged=taken.merged, to=way_on(db, taken))

    return once.run(effect)
