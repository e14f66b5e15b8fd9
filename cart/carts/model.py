"""A cart is its operations. Pure rules; no database.

Lines are independent: the state of a line is the fold of the operations on its
GTIN, ordered by ``(at_us, id)``; an id counts once. So the cart is the same
whatever the order in which its devices report.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cart.kernel.gtin import Gtin

QUANTITY_MAX = 999  # pieces of one line; the wire's limit too
LINES_MAX = 200  # what a person can read; keeps every answer and mail bounded


class Kind(StrEnum):
    """What an operation does to its line."""

    ADD = "add"
    REMOVE = "remove"
    SET = "set"
    BOUGHT = "bought"  # that many pieces became an order's; what comes in late from before stays


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a person did to one line.

    ``at_us``: hybrid time, microseconds since 1970: the clock of whoever did it,
    but later than everything she had seen. ``quantity``: pieces; 0 for a removal,
    those that were paid for a purchase.
    ``price_minor`` (of ``currency``) is what she was shown, None if unpriced.
    """

    id: str
    cart_id: str
    gtin: Gtin
    sku: str
    kind: Kind
    quantity: int
    at_us: int
    source: str
    price_minor: int | None = None
    currency: str = "EUR"
    location_id: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        """The place of this operation among all operations on its line."""
        return (self.at_us, self.id)


@dataclass(slots=True)
class Line:
    """The state of one line after ``last_order``; quantity 0 is a line that is off the list."""

    quantity: int = 0
    added_at_us: int = 0
    price_minor: int | None = None
    currency: str = "EUR"
    location_id: str | None = None
    last_order: tuple[int, str] = (0, "")

    def apply(self, operation: Operation) -> None:
        """Move the line on by an operation that comes after all it has seen."""
        before = self.quantity
        match operation.kind:
            case Kind.ADD:
                self.quantity = min(before + operation.quantity, QUANTITY_MAX)
            case Kind.SET:
                self.quantity = operation.quantity
            case Kind.REMOVE:
                self.quantity = 0
            case Kind.BOUGHT:
                self.quantity = max(0, before - operation.quantity)
        if before == 0 and self.quantity > 0:
            self.added_at_us = operation.at_us
            self.price_minor = operation.price_minor
            self.currency = operation.currency
            self.location_id = operation.location_id
        self.last_order = operation.order


def fold(operations: Iterable[Operation]) -> dict[Gtin, Line]:
    """Return every line that was ever touched, by GTIN; the order given does not matter."""
    unique = {operation.id: operation for operation in operations}
    lines: dict[Gtin, Line] = {}
    for operation in sorted(unique.values(), key=lambda one: one.order):
        lines.setdefault(operation.gtin, Line()).apply(operation)
    return lines


def next_at_us(now_us: int, latest_seen_us: int) -> int:
    """Return the hybrid time of an operation by someone who has seen ``latest_seen_us``.

    Source: Kulkarni et al., Logical Physical Clocks (2014), with the counter
    folded into the microseconds.
    """
    return max(now_us, latest_seen_us + 1)
