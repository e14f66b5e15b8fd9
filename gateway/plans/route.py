"""The way through a shop that a plan takes. Pure: no database, no clock.

Zones are walked nearest first, made shorter by 2-opt; within a zone bays are walked in their
order. What nobody has placed comes last. A fitting room comes after what is to be tried on, an
adviser when it is time for her. The same plan is the same way, always.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from gateway.presence.plan import Area, Point

# Half of the 1.4 m/s at which people walk along a street: round shelves, and round each other.
WALK_M_PER_S: Final = 0.7
LOOKS_S: Final = 120  # at one article: found, looked at, taken or not
ROUNDS_MAX: Final = 50  # of 2-opt: ten zones need three; a bound, not an aim
LENGTH_DIGITS: Final = 6  # of metres: shorter differences are rounding
GAIN_MIN_M: Final = 1e-9  # less than this is rounding, and would go round for ever


class Kind(StrEnum):
    """What a stop is for."""

    GOODS = "goods"
    FITTING_ROOM = "fitting_room"
    ADVISER = "adviser"
    ASK = "ask"  # nobody has placed it: a colleague knows


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing to do. ``key``: its article's code, or the kind of a booking.

    ``zone_id`` "": no place is known. ``order``: of its bay, within a zone and of zones that
    are not drawn. ``to_try``: it is to be tried on. ``at``: when it is booked for.
    """

    key: str
    kind: Kind
    zone_id: str = ""
    order: int = 0
    to_try: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """The drawn part of a floor: the middle of each zone, metres."""

    middles: Mapping[str, Point]

    @classmethod
    def of(cls, zones: Mapping[str, Sequence[Area]]) -> "Ground":
        """Return the ground of a floor: a zone's middle is that of its largest rectangle."""
        return cls({zone: _middle(areas) for zone, areas in zones.items() if areas})

    def metres(self, one: str, other: str) -> float:
        """Return how far two zones are apart; 0 where one of them is not drawn."""
        if one not in self.middles or other not in self.middles:
            return 0.0
        return math.dist(self.middles[one], self.middles[other])

    def length(self, zones: Sequence[str]) -> float:
        """Return the length of a way from zone to zone, metres; those not drawn are left out."""
        drawn = [zone for zone in zones if zone in self.middles]
        return sum(self.metres(one, other) for one, other in pairwise(drawn))


def _middle(areas: Sequence[Area]) -> Point:
    largest = max(areas, key=lambda one: (one.right - one.left) * (one.bottom - one.top))
    return ((largest.left + largest.right) / 2, (largest.top + largest.bottom) / 2)


def route(
    stops: Sequence[Stop], ground: Ground, *, begins_at: datetime, from_zone: str = ""
) -> tuple[Stop, ...]:
    """Return every stop once, in the order in which they are walked.

    ``from_zone``: where she stands, "" if nobody knows; then the way begins where it is
    shortest. ``begins_at``: when she does, for stops that have their time.
    """
    placed = [one for one in stops if one.kind is Kind.GOODS and one.zone_id]
    unplaced = [one for one in stops if one.kind is Kind.ASK or not (one.zone_id or one.at)]
    rooms = [one for one in stops if one.kind is Kind.FITTING_ROOM and one not in unplaced]
    advisers = [one for one in stops if one.kind is Kind.ADVISER and one not in unplaced]
    way = _goods(placed, ground, from_zone)
    for room in sorted(rooms, key=_by_key):
        way.insert(_after_goods(way), room)
    for adviser in sorted(advisers, key=lambda one: (one.at or begins_at, one.key)):
        way.insert(_when_due(way, adviser, ground, begins_at, from_zone), adviser)
    return (*way, *sorted(unplaced, key=lambda one: (one.order, one.key)))


def _goods(stops: Sequence[Stop], ground: Ground, from_zone: str) -> list[Stop]:
    """Return goods in their zones' order; zones that are not drawn come after those that are."""
    walked = sorted(stops, key=lambda one: (one.order, one.key))
    given = list(dict.fromkeys(one.zone_id for one in walked))
    drawn = [zone for zone in given if zone in ground.middles]
    others = [zone for zone in given if zone not in ground.middles]
    first = {zone: min(one.order for one in stops if one.zone_id == zone) for zone in others}
    order = [
        *zones_in_order(drawn, ground, from_zone),
        *sorted(others, key=lambda z: (first[z], z)),
    ]
    return [
        one
        for zone in order
        for one in sorted(
            (stop for stop in stops if stop.zone_id == zone),
            key=lambda stop: (stop.order, stop.key),
        )
    ]


def zones_in_order(zones: Sequence[str], ground: Ground, from_zone: str = "") -> list[str]:
    """Return drawn zones in a short order, never a longer one than the order given.

    Two beginnings, nearest first and as given, are made shorter by 2-opt; the shortest is taken.
    Of ways that are as long, one that begins as it was given: without a start, either end may.
    """
    start = [from_zone] if from_zone in ground.middles else []
    place = {zone: number for number, zone in enumerate(zones)}
    ways = [
        _shorter([*start, *some], ground, fixed=len(start))[len(start) :]
        for some in (nearest_first(zones, ground, from_zone), zones)
    ]
    if not start:
        ways += [way[::-1] for way in ways]
    ways.append(list(zones))  # rounding alone makes none longer
    return min(
        ways,
        key=lambda way: (
            round(ground.length([*start, *way]), LENGTH_DIGITS),
            [place[zone] for zone in way],
        ),
    )


def nearest_first(zones: Sequence[str], ground: Ground, from_zone: str = "") -> list[str]:
    """Return drawn zones, each the nearest to the one before; from the first one given."""
    left = list(zones)
    way: list[str] = []
    here = from_zone if from_zone in ground.middles else next(iter(left), "")
    while left:
        here = min(left, key=lambda zone: (ground.metres(here, zone), zone))
        left.remove(here)
        way.append(here)
    return way


def _shorter(way: list[str], ground: Ground, *, fixed: int) -> list[str]:
    """Turn pieces of a way round while that makes it shorter; ``fixed`` zones stay in front."""
    best = list(way)
    for _ in range(ROUNDS_MAX):
        better = False
        for begins in range(fixed, len(best) - 1):
            for ends in range(begins + 1, len(best)):
                if _gain(best, begins, ends, ground) > GAIN_MIN_M:
                    best[begins : ends + 1] = best[begins : ends + 1][::-1]
                    better = True
        if not better:
            break
    return best


def _gain(way: Sequence[str], begins: int, ends: int, ground: Ground) -> float:
    """Return how many metres are saved by walking this piece the other way round."""
    before = way[begins - 1] if begins else None
    after = way[ends + 1] if ends + 1 < len(way) else None
    gain = 0.0
    if before is not None:
        gain += ground.metres(before, way[begins]) - ground.metres(before, way[ends])
    if after is not None:
        gain += ground.metres(way[ends], after) - ground.metres(way[begins], after)
    return gain


def _after_goods(way: Sequence[Stop]) -> int:
    """Return the place after the last thing to try on; after all goods if none is marked."""
    tries = [place for place, one in enumerate(way) if one.to_try]
    return tries[-1] + 1 if tries else len(way)


def _when_due(
    way: Sequence[Stop], adviser: Stop, ground: Ground, begins_at: datetime, from_zone: str
) -> int:
    """Return the place before the first stop that would be begun when the adviser waits."""
    if adviser.at is None:
        return len(way)
    now, here = begins_at, from_zone
    for place, one in enumerate(way):
        walk = timedelta(seconds=ground.metres(here, one.zone_id) / WALK_M_PER_S)
        if now + walk + timedelta(seconds=LOOKS_S) > adviser.at:
            return place
        now += walk + timedelta(seconds=LOOKS_S)
        here = one.zone_id or here
    return len(way)


def _by_key(stop: Stop) -> str:
    return stop.key
