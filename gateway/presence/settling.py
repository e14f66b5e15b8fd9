"""From how strongly receivers hear a band to the zone that it is in. No database.

Where a band is, is a guess (``placing``) that is off by a metre or so: by shelves, which is the
same for as long as somebody stands, and by what is left of her turning. So a zone does not
change because the guess has crossed a line. It changes when she has *walked* there: when the
guess has gone further in a few seconds than standing still can move it, and out of her zone.
Whoever dawdles is believed, too, once the guess is deep enough in another zone for long enough.

No rule of levels came near that, in the same air: with margin and dwell, or a cumulative sum of
evidence between zones, few false changes cost ten seconds for each true one.
"""

import math
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gateway.presence.changes import Change, Kind
from gateway.presence.plan import Plan, Point

if TYPE_CHECKING:
    from gateway.presence.placing import Placer

# Levels are smoothed over this time. Longer, and every move is noticed by so much later.
SMOOTHED_OVER_S: Final = 0.5
# The guess is made anew so often: as often as receivers report.
GUESSED_EVERY_S: Final = 0.5
# A receiver that is silent for so long hears her no more; a body silences one for a second or two.
STALE_S: Final = 3.0
# A step of the guess by this much within this time, out of her zone, is a walk. At a stroll of
# 0.7 m/s it takes 4.3 s, at 1.2 m/s 2.5. docs/benchmarks.md has the chart: at 2 m people at a
# boundary flap, at 4 m a tenth of the moves is noticed late.
WALKED_M: Final = 3.0
WALKED_WITHIN_S: Final = 5.0
STEPPED_OUT_M: Final = 0.4
# Who has not walked but is somewhere else: by more than DEEP_M beyond her zone, added up over
# time until it comes to this much. At 3 m beyond it takes 2 s.
DEEP_M: Final = 2.0
DEEP_ENOUGH_M_S: Final = 2.0
# Heard nowhere for so long: gone. People stand behind a pillar for ten seconds.
DEPARTED_AFTER_S: Final = 12.0
# A first word of a band is believed when it is this strong, or lasts: one that passes by outside
# the window is weaker, and soon gone.
ARRIVES_AT_DBM: Final = -80.0
ARRIVES_AFTER_S: Final = 2.0


class _Where:
    __slots__ = ("deep_m_s", "first_s", "guessed_s", "heard_s", "levels", "way", "zone")

    def __init__(self, at_s: float) -> None:
        self.zone = ""
        self.levels: dict[str, tuple[float, float]] = {}  # by receiver: dBm, when
        self.way: deque[tuple[float, Point]] = deque()  # guesses of the last WALKED_WITHIN_S
        self.deep_m_s = 0.0
        self.first_s = self.heard_s = self.guessed_s = at_s


class Settling:
    """Where each band is. Levels come in the order of time, or nearly. For one thread.

    ``walked_m``: for whoever draws the chart; a shop keeps WALKED_M.
    """

    def __init__(self, plan: Plan, *, walked_m: float = WALKED_M) -> None:
        self._plan = plan
        self._walked_m = walked_m
        self._bands: dict[int, _Where] = {}

    def __len__(self) -> int:
        return len(self._bands)

    def zone_of(self, band: int) -> str:
        """Return the zone of a band, "" if it is nowhere."""
        where = self._bands.get(band)
        return where.zone if where else ""

    def heard_by(self, band: int, now_s: float, within_s: float) -> list[str]:
        """Return the receivers that heard a band within this time, the strongest first."""
        where = self._bands.get(band)
        levels = list(where.levels.items()) if where else []
        heard = [(dbm, name) for name, (dbm, at_s) in levels if now_s - at_s <= within_s]
        return [name for _, name in sorted(heard, reverse=True)]

    def redrawn(self, plan: Plan) -> "Settling":
        """Return the same bands on another plan of the floor.

        Each is still in its zone, until it is heard elsewhere or no more; one whose zone is
        drawn no more is where it is heard next. What receivers that hang no more have heard of
        it is forgotten, and so is its way, which was measured on the floor before.
        """
        after = Settling(plan, walked_m=self._walked_m)
        for band, where in self._bands.items():
            levels = {one: heard for one, heard in where.levels.items() if one in plan.receivers}
            where.levels, where.deep_m_s = levels, 0.0
            where.way.clear()
            after._bands[band] = where
        return after

    def forget(self, band: int) -> None:
        """Know nothing of a band any more: it was handed back, or its wearer no longer agrees."""
        self._bands.pop(band, None)

    def hear(self, band: int, receiver: str, dbm: float, at_s: float) -> Change | None:
        """Take in how strongly a receiver hears a band; return what that changes.

        A receiver that is not on the plan is passed over.
        """
        if receiver not in self._plan.receivers:
            return None
        where = self._bands.get(band)
        if where is None:
            where = self._bands[band] = _Where(at_s)
        _smooth(where.levels, receiver, dbm, at_s)
        where.heard_s = max(where.heard_s, at_s)
        if not where.zone:
            return self._arrive(band, where, at_s)
        if at_s - where.guessed_s < GUESSED_EVERY_S:
            return None
        return self._follow(band, where, at_s)

    def tick(self, now_s: float) -> list[Change]:
        """Return whom nobody hears any more. Meant to be called every second or so."""
        gone = []
        for band, where in list(self._bands.items()):
            if now_s - where.heard_s >= DEPARTED_AFTER_S:
                del self._bands[band]
                if where.zone:
                    gone.append(Change(Kind.DEPARTED, band, "", where.zone, now_s))
        return gone

    def _arrive(self, band: int, where: _Where, at_s: float) -> Change | None:
        strongest = max(dbm for dbm, _ in where.levels.values())
        if strongest < ARRIVES_AT_DBM and at_s - where.first_s < ARRIVES_AFTER_S:
            return None
        point = self._guess(where, at_s)
        where.zone, where.guessed_s = self._plan.zone_at(point), at_s
        where.way.append((at_s, point))
        return Change(Kind.ARRIVED, band, where.zone, "", at_s)

    def _follow(self, band: int, where: _Where, at_s: float) -> Change | None:
        passed_s = min(at_s - where.guessed_s, 2 * GUESSED_EVERY_S)
        where.guessed_s = at_s
        point = self._guess(where, at_s)
        way = where.way
        way.append((at_s, point))
        while at_s - way[0][0] > WALKED_WITHIN_S:
            way.popleft()
        if where.zone not in self._plan.zones:  # drawn no more
            before, where.zone = where.zone, self._plan.zone_at(point)
            return Change(Kind.MOVED, band, where.zone, before, at_s)
        edge = self._plan.nearest(where.zone, point)
        out_m = math.dist(point, edge)
        where.deep_m_s = max(0.0, where.deep_m_s + (out_m - DEEP_M) * passed_s)
        walked = out_m > STEPPED_OUT_M and _along(way[0][1], point, edge) >= self._walked_m
        if not walked and where.deep_m_s < DEEP_ENOUGH_M_S:
            return None
        before, where.zone = where.zone, self._plan.zone_at(point)
        where.deep_m_s = 0.0
        if where.zone == before:
            return None
        return Change(Kind.MOVED, band, where.zone, before, at_s)

    @cached_property
    def _placer(self) -> "Placer":
        # Worked out when the first band of a process is heard, which then waits for numpy.
        from gateway.presence.placing import Placer  # noqa: PLC0415

        return Placer(self._plan)

    def _guess(self, where: _Where, at_s: float) -> Point:
        for receiver, (_, heard_s) in list(where.levels.items()):
            if at_s - heard_s > STALE_S:
                del where.levels[receiver]
        return self._placer.place({name: dbm for name, (dbm, _) in where.levels.items()})


def _smooth(levels: dict[str, tuple[float, float]], receiver: str, dbm: float, at_s: float) -> None:
    known, heard_s = levels.get(receiver, (dbm, at_s))
    passed_s = at_s - heard_s
    if passed_s > STALE_S:
        known = dbm
    share = max(passed_s, 0.0) / (max(passed_s, 0.0) + SMOOTHED_OVER_S)
    levels[receiver] = known + share * (dbm - known), max(heard_s, at_s)


def _along(then: Point, now: Point, edge: Point) -> float:
    """Return how far the way from ``then`` to ``now`` led straight out, away from ``edge``."""
    out = (now[0] - edge[0], now[1] - edge[1])
    way = (now[0] - then[0], now[1] - then[1])
    return (out[0] * way[0] + out[1] * way[1]) / math.hypot(*out)
