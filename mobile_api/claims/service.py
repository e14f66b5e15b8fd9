"""Takes a tablet's list along and tells everyone whom it concerns."""

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from gateway.binding.service import Claim, claim, claim_typed
from gateway.cameras import MIRROR
from gateway.fanout import BindingChanged, CartChanged
from gateway.registry.queries import devices_by_id
from mobile_api.carts.adding import ORIGIN
from mobile_api.wiring import Parts


def take(wired: Parts, db: Session, secret: str, shopper: ShopperSessionRow | None) -> Claim:
    """Claim in this unit of work.

    Raises:
        UnknownClaim: nobody showed this link, or its tablet is offline since.
        ClaimUsed, ClaimExpired: as they say.
    """
    mine = shopper.id if shopper else None
    return _told(wired, db, claim(db, wired.clock, wired.ids, secret=secret, session_id=mine))


def take_typed(wired: Parts, db: Session, typed: str, shopper: ShopperSessionRow | None) -> Claim:
    """Claim by the code that a screen shows; tries are counted before.

    Raises:
        UnknownClaim, ClaimUsed, ClaimExpired: as of a link.
    """
    mine = shopper.id if shopper else None
    return _told(wired, db, claim_typed(db, wired.clock, wired.ids, typed=typed, session_id=mine))


def _told(wired: Parts, db: Session, taken: Claim) -> Claim:
    for change in taken.changes:
        wired.tell(db, CartChanged(change.cart_id, change.version, ORIGIN))
    wired.tell(
        db,
        BindingChanged(taken.device_id, taken.visit, taken.cart_id, live=taken.live, claimed=True),
    )
    return taken


def way_on(db: Session, taken: Claim) -> str:
    """Return where the phone goes next: its cart, with what was added and how to undo it.

    From a mirror to her looks.
    """
    device = devices_by_id(db, [taken.device_id]).get(taken.device_id)
    if device is not None and device.kind == MIRROR:
        return "/looks"
    return f"/?brought={taken.merged}&claim={taken.binding_id}" if taken.merged else "/"
