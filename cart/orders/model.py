"""Words and rules of checkouts and orders. Pure: no database, no time of its own.

Prices include tax. Every amount is in minor units of the checkout's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# A list of problems that a person can work through; a cart has no more lines either.
LINES_MAX: Final = 200
BASIS_POINTS: Final = 10_000  # a rate of 2300 is 23 %


class CheckoutState(StrEnum):
    """Where a checkout stands. A failed, cancelled or expired attempt leads back to OPEN."""

    OPEN = "open"  # the shopper chooses; nothing is promised
    PAYING = "paying"  # pieces are reserved until ``reserved_until``
    PAID = "paid"  # there is an order
    CANCELLED = "cancelled"  # the shopper closed it


class Method(StrEnum):
    """How the goods get to the shopper."""

    COLLECT = "collect"
    SHIP = "ship"


class AttemptState(StrEnum):
    """Where one try to pay stands."""

    RESERVED = "reserved"  # pieces, slot and voucher are held; the provider was not asked yet
    PENDING = "pending"  # the shopper is at the provider's page
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # refused by the provider
    CANCELLED = "cancelled"  # by the shopper
    EXPIRED = "expired"  # reserved_until passed


ATTEMPT_OPEN: Final = (AttemptState.RESERVED, AttemptState.PENDING)


class TenderKind(StrEnum):
    """A means of payment."""

    PROVIDER = "provider"  # card and wallets, at a provider's hosted page
    VOUCHER = "voucher"  # gift card or voucher of ours
    WRISTBAND = "wristband"  # tap and PIN, from a purse of ours


class TenderState(StrEnum):
    """What became of a tender."""

    HELD = "held"  # voucher: taken from its balance; provider: asked for
    CAPTURED = "captured"
    RELEASED = "released"  # given back before anything was bought


class OrderState(StrEnum):
    """Where an order stands."""

    PLACED = "placed"  # paid, waits for a picker
    PICKING = "picking"
    READY = "ready"  # staged at the desk
    HANDED_OVER = "handed_over"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"  # nothing of it was handed over; all of it was refunded
    UNCOLLECTED = "uncollected"  # nobody came: back on the shelf, refunded


ORDER_OPEN: Final = (OrderState.PLACED, OrderState.PICKING, OrderState.READY)


class RefundState(StrEnum):
    """What became of money that is owed back."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"  # the provider refused for good; an operator's


class ProblemKind(StrEnum):
    """What the shopper has to decide before she can pay."""

    INSUFFICIENT = "insufficient"  # fewer are left: ``left`` says how many
    NOT_SOLD_HERE = "not_sold_here"  # this location never has it, or it has no price
    PRICE_CHANGED = "price_changed"  # since it was scanned: ``was_minor``, ``now_minor``
    EMPTY = "empty"  # no line is left
    NO_SLOT = "no_slot"  # the time chosen is full or past
    NO_SHIPPING = "no_shipping"  # this location does not ship
    ADDRESS_MISSING = "address_missing"
    VOUCHER = "voucher"  # the voucher is used up or too old
    CLOSED = "closed"  # the location takes no orders


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to decide; of a line where ``gtin`` is given, else of the whole checkout."""

    kind: ProblemKind
    gtin: str | None = None
    left: int | None = None
    was_minor: int | None = None
    now_minor: int | None = None


def tax_within(gross_minor: int, rate_bp: int) -> int:
    """Return the tax that ``gross_minor`` includes at ``rate_bp`` basis points, half away from 0.

    gross * rate / (1 + rate), in whole minor units: EU VAT Directive 2006/112/EC,
    article 78, leaves the rounding to the seller; per line and half up is usual.
    """
    divisor = BASIS_POINTS + rate_bp
    return (2 * gross_minor * rate_bp + divisor) // (2 * divisor)


def worth(lines: Iterable[tuple[int, int]], shipping_minor: int) -> int:
    """Return what is owed to the shop for an order: pieces kept at their price, and shipping.

    ``lines``: pieces that are open or with the shopper, and the price of one. Shipping
    goes back with the last piece: EU Directive 2011/83, article 13. What was captured and
    not refunded is always this.
    """
    kept = list(lines)
    goods_minor = sum(pieces * price_minor for pieces, price_minor in kept)
    return goods_minor + (shipping_minor if any(pieces for pieces, _ in kept) else 0)
