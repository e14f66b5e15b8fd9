"""What is odd about bands that receivers hear: one that is two, and one that was lost. No database.

Joins the doubting with a resolver of its own for bands that were reported lost: what it says of
those changes nothing but what an operator is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.bands.model import OutBand
from gateway.presence.doubting import HELD_DBM, Doubt, Doubting, Ear
from gateway.presence.plan import Plan
from gateway.presence.resolving import Resolver

# Of a band that lies beside a receiver for a week it is enough to be told each minute.
LOST_TOLD_EVERY_S: Final = 60.0
LOST_TOLD_MAX: Final = 1_000  # remembered; then it is told anew

UNTOLD_MAX: Final = 1_000  # that wait for a database that is away


@dataclass(frozen=True, slots=True)
class LostHeard:
    """A band that was reported lost was held to a receiver."""

    band: int
    ear: Ear
    dbm: float


Odd = Doubt | LostHeard


class Oddities:
    """Collects what is odd until :meth:`take`. Times are monotonic seconds. For one thread."""

    def __init__(self) -> None:
        self._doubting = Doubting()
        self._lost = Resolver()
        self._told: dict[tuple[int, Ear], float] = {}
        self._known: set[int] = set()
        self._found: list[Odd] = []

    def learn(
        self, plans: Mapping[str, Plan], lost: Sequence[OutBand], now: datetime, now_s: float
    ) -> None:
        """Know where receivers hang, and which bands were lost."""
        places = {
            (location_id, receiver): at
            for location_id, plan in plans.items()
            for receiver, at in plan.receivers.items()
        }
        self._doubting.hang(places)
        gone = self._known - {one.number for one in lost}
        for number in gone:
            self._lost.remove(number)
        self._known -= gone
        for one in lost:
            if one.number not in self._known:
                self._doubting.forget(one.number)
                clock_s, off_s = one.clock_at(now)
                self._lost.add(one.number, one.key, now_s, clock_s=clock_s, off_s=off_s)
                self._known.add(one.number)
        self._lost.advance(now_s)

    def forget(self, band: int) -> None:
        """A band is nobody's: its next wearer begins anew."""
        self._doubting.forget(band)

    def ours(self, band: int, frame: bytes, ear: Ear, dbm: float, at_s: float) -> None:
        """Look at a frame of a band that somebody has."""
        doubt = self._doubting.hear(band, frame, ear, dbm, at_s)
        if doubt is not None:
            self._found.append(doubt)

    def strange(self, frame: bytes, ear: Ear, dbm: float, at_s: float) -> None:
        """Look at a frame that is nobody's."""
        if dbm < HELD_DBM:
            return
        found = self._lost.resolve(frame, at_s)
        if found is None:
            return
        before_s = self._told.get((found.band, ear))
        if before_s is not None and at_s - before_s < LOST_TOLD_EVERY_S:
            return
        if len(self._told) >= LOST_TOLD_MAX:
            self._told.clear()
        self._told[found.band, ear] = at_s
        self._found.append(LostHeard(found.band, ear, dbm))

    def untold(self, found: Sequence[Odd]) -> None:
        """Return these once more the next time: nobody was told."""
        self._found[:0] = found[:UNTOLD_MAX]

    def take(self) -> list[Odd]:
        """Return what was found since the last time."""
        found, self._found = self._found, []
        return found
