"""What journeys ask of others; ``wiring.py`` of each process says who answers."""

from dataclasses import dataclass
from typing import Protocol

from sqlmodel import Session

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
class World:
    """What moves journeys. ``secret``: by which people are held out and split.

    ``catalogue``: by which conditions on segments are weighed; without one none may be asked.
    """

    clock: Clock
    secret: bytes
    shop: Shop
    suppressed: Suppression = nobody_suppressed
    catalogue: Catalogue | None = None
