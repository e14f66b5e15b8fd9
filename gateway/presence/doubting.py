"""When a band is not one band: copied, or its frames recorded here and sent there. Pure.

Two signs, each of which one band cannot give:

- it is held to two receivers between which nobody gets so fast;
- two of its frames are on the air by turns. A band says one thing until it says the next; who
  sends an old frame again, or has the secret and a button of his own, brings back what was over.

Each has to come several times, since a reflection, a broker that is late and a band whose battery
was changed come once. What is late by its own clock is not looked at. A clone that keeps away
from the true band's hours cannot be told from it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.presence.plan import Point

# Within arm's length or two: -59 dBm is one metre, and a lucky reflection adds 3 dB. At the
# middle between two receivers 15 m apart she is weaker than -75 dBm at both.
HELD_DBM: Final = -60.0
# At this level she may be so far from a receiver all the same: 1.1 m by distance alone, 2.9 m
# with shadows of 3 dB that are three times as large as usual in her favour.
REACH_M: Final = 3.0
# Nobody gets faster from one receiver to the next. Sprinters in stadiums do 10.
FASTEST_M_PER_S: Final = 7.0
# Reports are of half a second, and receivers know the time to a tenth of one.
SURE_TO_S: Final = 1.0
# Two locations are two shops: so far apart at least, wherever in them she is.
BETWEEN_SHOPS_M: Final = 60.0
# A frame is over when the next one has been heard for so long: by then every receiver is past it.
OVER_AFTER_S: Final = 5.0
# So many of either within this time. Taken together a wrong one in an hour is none in a year.
SIGNS_MIN: Final = 3
SIGNS_WITHIN_S: Final = 60.0
# Signs that are nearer to each other are one: two receivers report the same half second one after
# the other, so that one leap, by whatever mistake, is told as there, back and there again.
SIGNS_APART_S: Final = 1.0
FRAMES_KEPT: Final = 3  # of each band: whoever replays, replays what was heard lately
# A sighting that is told later than this by its own time is not looked at.
TOLD_WITHIN_S: Final = 3.0

Ear = tuple[str, str]
"""A receiver: its location and its id."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a band is not one band. ``ears``: the receivers that heard the two, one or more."""

    band: int
    ears: tuple[Ear, ...]
    why: str


@dataclass(slots=True)
class _Heard:
    frame: bytes
    since_s: float  # since when the present frame has been on the air
    over: dict[bytes, None] = field(default_factory=dict)  # frames before it, the latest last
    held_at: Ear | None = None
    held_s: float = 0.0
    signs: list[tuple[float, Ear, str]] = field(default_factory=list)


class Doubting:
    """Watches every band that somebody has. Times are monotonic seconds. For one thread."""

    def __init__(self) -> None:
        self._heard: dict[int, _Heard] = {}
        self._places: Mapping[Ear, Point] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def hang(self, places: Mapping[Ear, Point]) -> None:
        """Know where receivers hang; what held between two of them before holds no more."""
        self._places = places

    def forget(self, band: int) -> None:
        """Know nothing of a band any more."""
        self._heard.pop(band, None)

    def hear(self, band: int, frame: bytes, ear: Ear, dbm: float, at_s: float) -> Doubt | None:
        """Take in a frame; return a doubt when there is one, once."""
        heard = self._heard.get(band)
        if heard is None:
            self._heard[band] = _Heard(frame, at_s)
            return None
        sign = "" if frame == heard.frame else self._turned(heard, frame, at_s)
        if not sign and dbm >= HELD_DBM:
            sign = self._leapt(heard, ear, at_s)
        if not sign:
            return None
        heard.signs = [one for one in heard.signs if at_s - one[0] <= SIGNS_WITHIN_S]
        if heard.signs and at_s - heard.signs[-1][0] < SIGNS_APART_S:
            return None
        heard.signs.append((at_s, ear, sign))
        if len(heard.signs) < SIGNS_MIN:
            return None
        ears = tuple(dict.fromkeys(one[1] for one in heard.signs))
        why = "; ".join(dict.fromkeys(one[2] for one in heard.signs))
        del self._heard[band]
        return Doubt(band, ears, why)

    def _turned(self, heard: _Heard, frame: bytes, at_s: float) -> str:
        """Note another frame; say so when it had been over."""
        known = frame in heard.over
        lasted_s = at_s - heard.since_s
        if known and lasted_s < OVER_AFTER_S:
            return ""  # a receiver that is a little behind
        heard.over.pop(frame, None)
        heard.over[heard.frame] = None
        while len(heard.over) > FRAMES_KEPT:
            del heard.over[next(iter(heard.over))]
        heard.frame, heard.since_s = frame, at_s
        return "two frames by turns" if known else ""

    def _leapt(self, heard: _Heard, ear: Ear, at_s: float) -> str:
        """Note where it is held; say so when nobody gets there from where it was before."""
        before, passed_s = heard.held_at, at_s - heard.held_s
        heard.held_at, heard.held_s = ear, at_s
        if before is None or before == ear:
            return ""
        away_m = self._apart_m(before, ear)
        if away_m - 2 * REACH_M <= (passed_s + SURE_TO_S) * FASTEST_M_PER_S:
            return ""
        return f"at {before[1]} and {passed_s:.1f} s later at {ear[1]}, {away_m:.0f} m away"

    def _apart_m(self, one: Ear, other: Ear) -> float:
        if one[0] != other[0]:
            return BETWEEN_SHOPS_M
        here, there = self._places.get(one), self._places.get(other)
        return 0.0 if here is None or there is None else math.dist(here, there)
