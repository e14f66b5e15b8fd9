"""What journeys ask of others; ``wiring.py`` of each process says who answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from cart.journeys.model import Channel
from cart.journeys.segments.person import Catalogue
from cart.kernel.clock import Clock
from cart.ports import Shop


class Suppression(Protocol):
    """Knows addresses that get no mail, whatever their owners once allowed."""

    def __call__(self, db: Session, address: str) -> str:
        """Return why nothing is sent to ``address``; empty: nothing stands against it."""
        ...


def nobody_suppressed(db: Session, address: str) -> str:  # noqa: ARG001 - a port's
    """Satisfy :class:`Suppression` where no list is kept."""
    return ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """How many pieces of an article can be promised at a location, since ``at_us``."""

    location_id: str
    sku: str
    gtin: str
    available: int
    at_us: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price that changed. ``position``: larger than of all that were committed before."""

    position: int
    gtin: str
    currency: str
    before_minor: int
    price_minor: int
    at_us: int


class Goods(Protocol):
    """Follows what changes on the shelves, for one reader; it remembers where it is."""

    def shelves(self, db: Session, limit: int) -> Sequence[Shelf]:
        """Return the next shelves that changed, at most ``limit``; fewer: that is all for now.

        Present states, at least once; behind a lock until the commit, so that an older state
        is never told after a newer one.
        """
        ...

    def prices(self, db: Session, position: int, limit: int) -> Sequence[PriceChange]:
        """Return changes of prices after a position, in their order, at most ``limit``."""
        ...

    def again(self) -> None:
        """Begin anew from what was committed: the last page was not."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text to a number (E.164). ``id``: the same whenever it is sent again."""

    id: str
    channel: Channel
    to: str
    locale: str
    text: str
    asked_at: datetime


class TextNotTaken(Exception):
    """A text was not taken, or nobody knows: it is sent again. The message says why."""


class Texts(Protocol):
    """Sends SMS and WhatsApp. May block."""

    def send(self, text: Text) -> None:
        """Send it; return when it was taken. The same ``text.id`` again is the same text.

        Raises:
            TextNotTaken: it is sent again, later.
            AddressRefused: no request goes there.
        """
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What moves journeys. ``secret``: by which people are held out and split.

    ``order_phones``: texts go to the number that she gave with an order.
    ``catalogue``: by which conditions on segments are weighed; without one none may be asked.
    """

    clock: Clock
    secret: bytes
    shop: Shop
    suppressed: Suppression = nobody_suppressed
    order_phones: bool = False
    catalogue: Catalogue | None = None
