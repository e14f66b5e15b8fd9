"""Events that were made before a phone claimed the visit and arrive after it.

The phone already had a cart, so the visit's lines were added to it. A late
event changes what the visit's own cart came to; the difference follows to the
phone's.
"""

from sqlmodel import Session

from cart.carts import queries
from cart.carts.apply import apply
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.service import latest_at_us
from cart.kernel.clock import Clock, to_us
from gateway.binding.queries import Bound


def cart_at(bound: Bound, at_us: int) -> str:
    """Return the cart that the visit's device showed then: its own, until a phone took it along."""
    claimed_at_us = bound.claimed_at_us
    if bound.prior_cart_id is None or claimed_at_us is None or at_us > claimed_at_us:
        return bound.cart_id
    return bound.prior_cart_id


def belongs_before_claim(bound: Bound, operation: Operation) -> bool:
    """Say whether this operation was made before its visit was added to another cart."""
    return cart_at(bound, operation.at_us) != bound.cart_id


def carry(db: Session, clock: Clock, bound: Bound, operation: Operation) -> dict[str, int]:
    """Apply it where it belongs, and the difference to the phone's cart; return new versions."""
    prior = bound.prior_cart_id or ""
    before = _pieces(db, prior, operation)
    apply(db, clock, [_moved(operation, prior)])
    difference = _pieces(db, prior, operation) - before
    if difference == 0:
        return {}
    # First the time, which locks the phone's cart: nothing may change it after we have counted.
    at_us = next_at_us(to_us(clock.now()), latest_at_us(db, bound.cart_id))
    here = _pieces(db, bound.cart_id, operation)
    gain = difference > 0
    follow = Operation(
        id=f"{operation.id}:late",
        cart_id=bound.cart_id,
        gtin=operation.gtin,
        sku=operation.sku,
        kind=Kind.ADD if gain else Kind.SET,
        quantity=difference if gain else max(0, here + difference),
        at_us=at_us,
        source=operation.source,
        price_minor=operation.price_minor,
        currency=operation.currency,
        location_id=operation.location_id,
    )
    return {change.cart_id: change.version for change in apply(db, clock, [follow]).changes}


def _pieces(db: Session, cart_id: str, operation: Operation) -> int:
    key = (cart_id, operation.gtin)
    line = queries.lines(db, [key]).get(key)
    return line.quantity if line else 0


def _moved(operation: Operation, cart_id: str) -> Operation:
    return Operation(
        operation.id,
        cart_id,
        operation.gtin,
        operation.sku,
        operation.kind,
        operation.quantity,
        operation.at_us,
        operation.source,
        operation.price_minor,
        operation.currency,
        operation.location_id,
    )
