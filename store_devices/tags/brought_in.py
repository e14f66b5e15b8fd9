"""Tells what was brought into a room from what hangs outside of it. Pure; forgets with each visit.

A reader hears through a curtain and a wall: rails outside and the room next door flicker in and
out of its rounds, and some of it is heard always. What is in the room is heard in nearly every
round, and came just before the visit or in it.
"""

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cart.kernel.epc import gtin_of
from cart.kernel.gtin import Gtin

ROUNDS: Final = 20
"""Of a window: five seconds at the four rounds a second that readers make."""
HEARD_IN_MIN: Final = 17
"""Of its rounds. A tag in the room that is heard in 95 of 100 rounds is told in the first window
in 98 of 100 cases, and a second later in all others. One next door that is heard in 30 of 100 is
told once in two million windows; a visit of five minutes has some 300 that differ."""
GONE_ROUNDS: Final = 40
"""Ten seconds without a sound of it: it was carried out. A body before it lasts for two or three,
and of two of the same article one is enough. A tag outside is not known any more after that."""
SETTLED_ROUNDS: Final = 240
"""A minute. What is heard for longer before a visit begins hangs there; what came since may have
come with her, before she touched the glass."""
OUTSIDE_IN_MIN: Final = 2
"""Rounds in which a tag was heard, so that it is the shop's; one may be a trolley that passed."""
START_ROUNDS: Final = 8
"""What a reader that has just been switched on hears in these was there before."""
TAGS_MAX: Final = 500
"""Heard in one round; what is beyond is a reader that is turned up too high."""
KNOWN_MAX: Final = 2_000
"""Tags known of outside; the rails of a large shop."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a round told: new in the room, and carried out of it."""

    arrived: tuple[Gtin, ...] = ()
    left: tuple[Gtin, ...] = ()


@dataclass(slots=True)
class _Known:
    first: int
    last: int
    times: int = 1


class BroughtIn:
    """What is in one room. ``empty`` while there is no visit, ``round`` while there is one."""

    def __init__(self) -> None:
        self._count = 0
        self._rounds: deque[frozenset[bytes]] = deque(maxlen=ROUNDS)
        self._known: dict[bytes, _Known] = {}
        self._outside: frozenset[bytes] | None = None
        self._heard_at: dict[Gtin, int] = {}  # what was told, and when it was heard last

    def empty(self, heard: Collection[bytes]) -> None:
        """Hear a round between two visits: what of it stays hangs outside, or was left behind."""
        self._count += 1
        if self._outside is not None:
            self._end()
        bounded = _bounded(heard)
        self._rounds.append(bounded)
        was_there = self._count <= START_ROUNDS
        for epc in bounded:
            known = self._known.get(epc)
            if known is None:
                first = self._count - SETTLED_ROUNDS if was_there else self._count
                self._known[epc] = _Known(first, self._count)
            else:
                known.last, known.times = self._count, known.times + 1
        if self._count % ROUNDS == 0 or len(self._known) > KNOWN_MAX:
            self._forget()

    def round(self, heard: Collection[bytes]) -> Moved:
        """Hear a round (EPCs, 12 or 26 bytes each) of a visit; return what it told."""
        self._count += 1
        if self._outside is None:
            self._outside = self._settled()
        self._rounds.append(_bounded(heard))
        counts = Counter(epc for one in self._rounds for epc in one - self._outside)
        for epc in self._rounds[-1] - self._outside:
            gtin = gtin_of(epc)
            if gtin in self._heard_at:
                self._heard_at[gtin] = self._count
        inside = {gtin_of(epc) for epc, times in counts.items() if times >= HEARD_IN_MIN}
        arrived = sorted(gtin for gtin in inside if gtin and gtin not in self._heard_at)
        self._heard_at.update(dict.fromkeys(arrived, self._count))
        left = sorted(
            gtin for gtin, at in self._heard_at.items() if self._count - at >= GONE_ROUNDS
        )
        for gtin in left:
            del self._heard_at[gtin]
        return Moved(tuple(arrived), tuple(left))

    def _settled(self) -> frozenset[bytes]:
        since = self._count - SETTLED_ROUNDS
        return frozenset(
            epc
            for epc, known in self._known.items()
            if known.times >= OUTSIDE_IN_MIN and known.first <= since
        )

    def _end(self) -> None:
        """Let a visit be over: all that was heard at its end is not the next one's."""
        long_ago = self._count - SETTLED_ROUNDS
        for epc in frozenset().union(*self._rounds):
            self._known[epc] = _Known(long_ago, self._count, OUTSIDE_IN_MIN)
        self._outside = None
        self._heard_at.clear()

    def _forget(self) -> None:
        since = self._count - GONE_ROUNDS
        newest = sorted(self._known.items(), key=lambda one: one[1].last)[-KNOWN_MAX:]
        self._known = {epc: known for epc, known in newest if known.last > since}


def _bounded(heard: Collection[bytes]) -> frozenset[bytes]:
    return frozenset(sorted(set(heard))[:TAGS_MAX])
