"""Reads a shopper's checkout whole, for the page, the API and the live part."""

from collections import Counter
from datetime import timedelta
from typing import Final

from sqlmodel import Session

from cart.carts.queries import view as cart_view
from cart.carts.tables import ShopperSessionRow
from cart.orders import terms
from cart.orders.checkout import open_checkout, view
from cart.orders.model import CheckoutState, Method
from gateway.fanout import OrderChanged
from inventory_api.stock.queries import availability
from mobile_api.checkouts import queries
from mobile_api.checkouts.queries import Gist
from mobile_api.checkouts.shown import ShownCheckout, shown
from mobile_api.look.words import Words
from mobile_api.products.queries import all_shops
from mobile_api.wiring import Parts

SHOPS_ASKED_MAX: Final = 50  # for the first guess; she chooses among those near it herself


def read(
    wired: Parts, db: Session, w: Words, checkout_id: str, *, whole: bool = True
) -> ShownCheckout:
    """Return a checkout as it is now; not ``whole``: without the other shops, where none is needed.

    Raises:
        UnknownCheckout: there is none of this id.
    """
    now = wired.clock.now()
    gist = queries.gist(db, checkout_id)
    estimate = _estimate(wired, db, gist)
    found = view(db, wired.clock, wired.shop, checkout_id, ready_estimate=estimate)
    return shown(
        db,
        w,
        found,
        now=now,
        # Every try to pay, and every end of one, makes a new version.
        attempt=queries.last_attempt(db, checkout_id) if gist.version > 1 else None,
        shipping_minor=(found.terms or terms.get(db, found.place.id)).shipping_minor,
        whole=whole,
    )


def ready_estimate(wired: Parts, db: Session, checkout_id: str) -> timedelta | None:
    """Return how long the desk would need if it were paid now; None where nothing is collected.

    Raises:
        UnknownCheckout: there is none of this id.
    """
    return _estimate(wired, db, queries.gist(db, checkout_id))


def _estimate(wired: Parts, db: Session, gist: Gist) -> timedelta | None:
    if gist.state is not CheckoutState.OPEN or gist.method is not Method.COLLECT:
        return None
    return wired.pressure.at(db, gist.location_id).estimate(gist.pieces)


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


def likely_location(db: Session, w: Words, cart_id: str) -> str | None:
    """Return the shop that has most of a cart which was filled at none, by phone at home.

    None: some line was scanned at a shop, so that shop is meant; or there is no shop.
    """
    lines = cart_view(db, cart_id).lines
    if any(line.location_id for line in lines):
        return None
    shops = [shop.id for shop in all_shops(db, w)[:SHOPS_ASKED_MAX]]
    had: Counter[str] = Counter()
    wanted = {line.sku: line.quantity for line in lines}
    for one in availability(db, list(wanted), shops):
        had[one.location_id] += one.available >= wanted[one.sku]
    return max(shops, key=lambda shop: had[shop], default=None)


def tell(wired: Parts, db: Session, checkout_id: str, version: int) -> None:
    """Tell the pages that show a checkout, once this has committed."""
    wired.tell(db, OrderChanged(checkout_id, version))
