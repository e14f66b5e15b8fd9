"""Whose a frame is: one look into a table that is made before the frame comes. No database.

For each band the identifiers are kept of all the periods that its clock may be in. A cheap
clock drifts: what is known of it is an interval, which each sighting cuts and time widens.
Identifiers of the next period are made ahead, at another moment for each band, so that no
second has the work of all.
"""

import heapq
from dataclasses import dataclass
from typing import Final

from gateway.wire.band import PERIOD_S, BandKey, BandState, identifier_in

# A watch crystal is off by 20 to 50 parts in a million; the RC oscillator of a band without
# one by 250 once it is calibrated (nRF52832 product specification, LFRC). Five times a crystal.
DRIFT_MAX: Final = 250e-6
# Made this long before they may be heard; each band at another moment in between.
AHEAD_MIN_S: Final = 30.0
AHEAD_SPAN_S: Final = 360.0
DROPPED_SPAN_S: Final = 60.0  # and those of a period that is over go within this
# A band that was away for so long is looked for in so many periods; after that it is set anew at
# the welcome desk. At DRIFT_MAX it is 71 days.
PERIODS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Sighting:
    """Whose a frame was. ``fresh``: the first of its kind, so its state is news."""

    band: int
    state: BandState
    fresh: bool


class _Band:
    __slots__ = (
        "at_s",
        "due_s",
        "first",
        "frame",
        "heard_s",
        "high_s",
        "key",
        "last",
        "low_s",
        "period",
        "state",
    )

    def __init__(self, key: BandKey, low_s: float, high_s: float, at_s: float) -> None:
        self.key = key
        # Its clock is ahead of ours by something in between, as of ``at_s`` of ours.
        self.low_s, self.high_s, self.at_s = low_s, high_s, at_s
        self.first, self.last = 0, -1  # the periods whose identifiers are in the table
        self.due_s = 0.0  # when that has to be looked at again
        self.frame = b""  # the newest, with its period and when it was heard last
        self.period = -1
        self.heard_s = 0.0
        self.state: BandState | None = None


class Resolver:
    """The bands that are out, by what they may say now. For one thread.

    Times are seconds of our clock, on any one scale that goes on without jumps.
    """

    def __init__(self) -> None:
        self._bands: dict[int, _Band] = {}
        self._table: dict[bytes, tuple[int, int]] = {}  # identifier: band, period
        self._due: list[tuple[float, int]] = []
        self.forged = 0  # frames with an identifier of ours and a tag that is not

    def __len__(self) -> int:
        return len(self._bands)

    @property
    def identifiers(self) -> int:
        """How many identifiers are in the table."""
        return len(self._table)

    def add(self, band: int, key: BandKey, now_s: float, *, clock_s: float, off_s: float) -> None:
        """Take in a band whose clock stands at ``clock_s``, give or take ``off_s``."""
        self.remove(band)
        ahead_s = clock_s - now_s
        self._bands[band] = _Band(key, ahead_s - off_s, ahead_s + off_s, now_s)
        self._renew(band, now_s)

    def remove(self, band: int) -> None:
        """Forget a band: from now on its frames are nobody's. One that is unknown is as good."""
        if (gone := self._bands.pop(band, None)) is not None:
            for period in range(gone.first, gone.last + 1):
                self._table.pop(gone.key.identifier(period), None)

    def advance(self, now_s: float) -> int:
        """Make what may be heard soon, drop what may not any more; return for how many bands.

        Meant to be called every second or so; one that comes late does it all at once.
        """
        done = 0
        while self._due and self._due[0][0] <= now_s:
            due_s, band = heapq.heappop(self._due)
            known = self._bands.get(band)
            if known is not None and known.due_s == due_s:  # not of before it was taken in anew
                self._renew(band, now_s)
                done += 1
        return done

    def resolve(self, frame: bytes, now_s: float) -> Sighting | None:
        """Return whose a frame is; None if it is nobody's, or somebody else made its state."""
        identifier = identifier_in(frame)
        found = self._table.get(identifier) if identifier else None
        if found is None:
            return None
        number, period = found
        band = self._bands[number]
        if frame == band.frame and band.state is not None:  # heard ten times a second
            band.heard_s = now_s
            return Sighting(number, band.state, fresh=False)
        state = band.key.opened(frame, period)
        if state is None:
            self.forged += 1
            return None
        if band.period >= 0:
            _learn(band, band.period, band.heard_s)
        _learn(band, period, now_s)
        if period < band.period:  # kept by somebody and sent again: it says nothing new
            return Sighting(number, band.state or state, fresh=False)
        band.frame, band.period, band.heard_s, band.state = frame, period, now_s, state
        return Sighting(number, state, fresh=True)

    def clock_of(self, band: int, now_s: float) -> tuple[float, float]:
        """Return between which seconds a band's clock stands now, for whoever keeps that.

        Raises:
            KeyError: there is no such band.
        """
        low_s, high_s = _at(self._bands[band], now_s)
        return now_s + low_s, now_s + high_s

    def _renew(self, number: int, now_s: float) -> None:
        band = self._bands[number]
        lead_s = AHEAD_MIN_S + AHEAD_SPAN_S * _share(number)
        low_s, high_s = _at(band, now_s)
        first = max(0, int((now_s + low_s) // PERIOD_S))
        last = max(first, int((now_s + lead_s + high_s) // PERIOD_S))
        last = min(last, first + PERIODS_MAX - 1)
        for period in range(band.first, band.last + 1):
            if not first <= period <= last:
                self._table.pop(band.key.identifier(period), None)
        for period in range(first, last + 1):
            if not band.first <= period <= band.last:
                self._table[band.key.identifier(period)] = (number, period)
        band.first, band.last = first, last
        # When the earliest of it is over, or the next is to be made: whichever comes first.
        over_s = (first + 1) * PERIOD_S - low_s + DROPPED_SPAN_S * _share(number)
        next_s = (last + 1) * PERIOD_S - high_s - lead_s
        band.due_s = max(min(over_s, next_s), now_s + 1.0)
        heapq.heappush(self._due, (band.due_s, number))


def _learn(band: _Band, period: int, at_s: float) -> None:
    """Cut what is known of a clock by a frame of this period, heard then.

    That the clock has come so far is certain: nobody else makes such a frame. That it has not
    gone further is not: a frame may have been kept and sent again. So where the two
    contradict each other the later period is right; and a table made from too early an end
    lacks a new identifier for the seconds that the frame was late, and has it then.
    """
    low_s, high_s = _at(band, at_s)
    from_s, to_s = period * PERIOD_S - at_s, (period + 1) * PERIOD_S - at_s
    if to_s < low_s:
        return  # it was late, for sure
    if from_s > high_s:
        high_s = to_s
    band.low_s, band.high_s, band.at_s = max(low_s, from_s), min(high_s, to_s), at_s


def _at(band: _Band, now_s: float) -> tuple[float, float]:
    drift_s = abs(now_s - band.at_s) * DRIFT_MAX
    return band.low_s - drift_s, band.high_s + drift_s


def _share(number: int) -> float:
    """Spread numbers evenly over 0 to 1: neighbours fall far apart (Knuth, 6.4, Fibonacci)."""
    return (number * 0x9E3779B97F4A7C15 % 2**64) / 2**64
