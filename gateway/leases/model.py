"""Who ought to hold what. Pure: no database, no clock.

Sixteen partitions are shared fairly among the living; ``chores``, the work that one
process does for all, goes to whoever finds it free.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.wire.topics import PARTITION_NAMES

CHORES: Final = "chores"
"""The idle sweep, the tidying, and following stock: once for all gateways."""
NAMES: Final = (*PARTITION_NAMES, CHORES)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a name. ``holder``: a member's id, empty when nobody has it.

    ``fence`` grows by one with every taking: what was begun under a smaller one is over.
    """

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a member does next to come to its share."""

    release: tuple[Lease, ...] = ()
    take: tuple[Lease, ...] = ()


def share(members: Collection[str], me: str, *, of: int = len(PARTITION_NAMES)) -> int:
    """Return how many of ``of`` are mine: equal parts, the first by id have the rest."""
    place = sorted(members).index(me)
    whole, rest = divmod(of, len(members))
    return whole + (place < rest)


def step(me: str, living: Collection[str], leases: Sequence[Lease]) -> Step:
    """Return what ``me`` gives back and takes, as one of ``living``, to come to its share.

    What somebody holds who does not live is free. Nobody takes what a living one holds:
    that one gives it back when it sees that it has more than its share.
    """
    partitions = [one for one in leases if one.name != CHORES]
    wanted = share(living, me, of=len(partitions))
    mine = [one for one in partitions if one.holder == me]
    free = [one for one in _from_my_place(me, living, partitions) if one.holder not in living]
    chores = [one for one in leases if one.name == CHORES and one.holder not in living]
    return Step(
        release=tuple(mine[wanted:]),
        take=(*free[: max(0, wanted - len(mine))], *chores),
    )


def _from_my_place(me: str, living: Collection[str], leases: Sequence[Lease]) -> Iterator[Lease]:
    """Yield all, each member from another place on: they seldom reach for the same one."""
    start = sorted(living).index(me) * len(leases) // max(1, len(living))
    yield from leases[start:]
    yield from leases[:start]
