"""Tells what was brought into a room from what hangs outside of it. Pure; forgets with each visit.

A reader hears through a curtain: rails outside flicker in and out of its rounds, and some of it is
heard always. What is in the room is heard in nearly every round, and was not while it was empty.
"""

from collections import Counter, deque
from collections.abc import Collection
from typing import Final

from cart.kernel.epc import gtin_of
from cart.kernel.gtin import Gtin

ROUNDS: Final = 8
"""Of a window: two seconds at the four rounds a second that readers make."""
HEARD_IN_MIN: Final = 6
"""Of its rounds. A tag in the room that is heard in 95 of 100 rounds is told later than after a
window once in 170; one outside that is heard in 30 would be told once in 90. Most of those are
known from when the room was empty, so it is once in 350."""
OUTSIDE_IN_MIN: Final = 2
"""Rounds of an empty room in which a tag was heard, so that it is the shop's and not hers."""
TAGS_MAX: Final = 500
"""Heard in one round; what is beyond is a reader that is turned up too high."""


class BroughtIn:
    """What is in one room. ``empty`` while nobody is there, ``round`` while somebody is."""

    def __init__(self) -> None:
        self._rounds: deque[frozenset[bytes]] = deque(maxlen=ROUNDS)
        self._quiet: deque[frozenset[bytes]] = deque(maxlen=ROUNDS)
        self._outside: frozenset[bytes] = frozenset()
        self._told: set[Gtin] = set()

    def empty(self, heard: Collection[bytes]) -> None:
        """Hear a round of the empty room: what of it comes again hangs outside."""
        self._rounds.clear()
        self._told.clear()
        self._quiet.append(_bounded(heard))
        counts = Counter(epc for one in self._quiet for epc in one)
        self._outside = frozenset(epc for epc, times in counts.items() if times >= OUTSIDE_IN_MIN)

    def round(self, heard: Collection[bytes]) -> list[Gtin]:
        """Hear a round (EPCs, 12 or 26 bytes each) of a visit; return what is new in the room."""
        self._rounds.append(_bounded(heard) - self._outside)
        counts = Counter(epc for one in self._rounds for epc in one)
        inside = {gtin_of(epc) for epc, times in counts.items() if times >= HEARD_IN_MIN}
        found = sorted(gtin for gtin in inside if gtin is not None and gtin not in self._told)
        self._told.update(found)
        return found


def _bounded(heard: Collection[bytes]) -> frozenset[bytes]:
    return frozenset(sorted(set(heard))[:TAGS_MAX])
