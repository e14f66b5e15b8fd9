"""What a source of the timeline is. No database of its own.

A source reads one table of facts, in the order in which they were written, and tells each as
interactions. It never writes: the facts stand in the database anyway, so nobody who makes one is
slowed down by the timeline.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from sqlmodel import Session

from cart.profile.timeline.model import Channel, Interaction, Kind

# A fact carries the time at which its transaction wrote it, and is seen when that has committed:
# somewhat later, and out of order. Transactions of ours last milliseconds, a gateway's batch at a
# database that is overloaded some seconds, and clocks of processes under NTP differ by less. A
# transaction that hung for five minutes would have failed by its connection's or lock's timeout.
OVERLAP: Final = timedelta(minutes=5)

CHANNEL_OF_KIND: Final[Mapping[str, Channel]] = {
    "tablet": Channel.TABLET,
    "scanner": Channel.TABLET,  # a tablet without a glass
    "mirror": Channel.MIRROR,
    "receiver": Channel.BAND,
}


def channel_of(kind: str) -> Channel:
    """Return the channel of a device of this kind."""
    return CHANNEL_OF_KIND.get(kind, Channel.SHOP)


@dataclass(frozen=True, slots=True)
class At:
    """A place in a source's order: when a fact was written (microseconds), and its own name."""

    written_us: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a source has read: interactions, the last fact's place, and whether there is more."""

    interactions: Sequence[Interaction]
    last: At | None = None
    more: bool = False


class Source(Protocol):
    """One table of facts. ``name``: of its mark; ``kinds``: what it may tell of."""

    @property
    def name(self) -> str:
        """Name of the mark: ``from:<name>``."""
        ...

    @property
    def kinds(self) -> frozenset[Kind]:
        """All kinds of interactions that it tells."""
        ...

    @property
    def overlap(self) -> timedelta:
        """How long before its mark it reads again."""
        ...

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell at most ``limit`` facts that were written after a place, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the shop as a touch names it."""

    id: str
    channel: Channel


class Devices(Protocol):
    """Knows the shop's devices; the gateway answers."""

    def of(self, db: Session, ids: Collection[str]) -> dict[str, Device]:
        """Return the devices among these ids."""
        ...

    def of_visits(self, db: Session, ids: Collection[str]) -> dict[str, Device]:
        """Return the devices of these bindings, by the binding."""
        ...
