"""Reads a shopper's checkout whole, for the page, the API and the live part."""

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.orders import terms
from cart.orders.checkout import open_checkout, view
from gateway.fanout import OrderChanged
from mobile_api.checkouts import queries
from mobile_api.checkouts.shown import ShownCheckout, shown
from mobile_api.look.words import Words
from mobile_api.wiring import Parts


def read(wired: Parts, db: Session, w: Words, checkout_id: str) -> ShownCheckout:
    """Return a checkout as it is now.

    Raises:
        UnknownCheckout: there is none of this id.
    """
    now = wired.clock.now()
    found = view(db, wired.clock, wired.shop, checkout_id)
    return shown(
        db,
        w,
        found,
        now=now,
        attempt=queries.last_attempt(db, checkout_id),
        shipping_minor=terms.get(db, found.place.id).shipping_minor,
    )


def begin(
    wired: Parts, db: Session, shopper: ShopperSessionRow, locale: str, location_id: str | None
) -> str:
    """Open the checkout of a shopper's cart, or find the one that is open; return its id.

    Raises:
        UnknownLocation: there is none of this id.
        InvalidInput: no location is given, and no line was scanned at one.
    """
    return open_checkout(
        db,
        wired.clock,
        wired.ids,
        wired.shop,
        cart_id=shopper.cart_id,
        session_id=shopper.id,
        locale=locale,
        location_id=location_id,
    )


def tell(wired: Parts, db: Session, checkout_id: str, version: int) -> None:
    """Tell the pages that show a checkout, once this has committed."""
    wired.tell(db, OrderChanged(checkout_id, version))
