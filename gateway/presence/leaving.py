"""When somebody has walked away from the tablet that she held her band to. Pure.

Her name and cart are on it. So this is asked of the one receiver that stands there, for as long
as her visit goes on, and of every band, also of one that is not followed through the shop: a
screen that is hers until she leaves is what she asked for by the tap.

In two steps, because one cannot be both quick and sure. When she has stepped back her screen is
veiled: nothing of her is on it, and it is back at once when she is heard, or touches it. A veil
too many costs little, so it comes early. Her visit ends later, when no turn of a body explains
it any more. docs/benchmarks.md has how often and how soon.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.presence.levels import PATH_EXPONENT, REFERENCE_DBM

# A band on the wrist of somebody who uses a tablet is half a metre from its receiver: -45 to
# -60 dBm, her body between them -70 at the worst. At three metres it is weaker than this.
AWAY_DBM: Final = -74.0
# Weaker, or not heard, for so long: a body that turns silences a band for a second or two.
AWAY_AFTER_S: Final = 4.0
# One level says little (``settling``); smoothed over as long as a step takes.
SMOOTHED_OVER_S: Final = 0.5
# Two metres off, her back to the receiver, she is weaker than this; and weaker than she was while
# she stood there by more than the 6 dB of a body that turns. Every shelf and wrist is another,
# so what is usual is learnt in each visit. With 10 dB one of fifty who walk, and one of sixteen who
# stroll, goes unnoticed for 2 s; with 9 one of a hundred, for three times as many veils.
VEIL_DBM: Final = -69.0
FELL_BY_DB: Final = 9.0
USUAL_OVER_S: Final = 20.0
# Nobody uses a tablet from nearer than this: a level above that of it is a band that is held to
# the reader. Of how she is heard when she stands there, it says nothing.
STANDS_FROM_M: Final = 0.35
STANDS_MAX_DBM: Final = REFERENCE_DBM - 10.0 * PATH_EXPONENT * math.log10(STANDS_FROM_M)  # -49
# So long, two reports: one that is weak by chance is no farewell.
VEIL_AFTER_S: Final = 0.5
# Not heard at all, and near when she was heard last. Two reports in a row that nothing was in are
# chance once in two minutes; but to wait for a third is half of the time that there is.
SILENT_AFTER_S: Final = 1.0
# A veil is lifted by a level that is better than what drew it, or it would flicker.
BACK_BY_DB: Final = 2.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A band whose wearer has a device: ``receiver`` stands there."""

    band: int
    receiver: str
    device_id: str


@dataclass(frozen=True, slots=True)
class Veil:
    """That what is hers is to be hidden at her device, or (``drawn`` false) shown again."""

    watch: Watch
    drawn: bool


class _Near:
    __slots__ = ("close_s", "dbm", "heard_s", "near_s", "usual_dbm", "veiled")

    def __init__(self, at_s: float) -> None:
        self.dbm: float | None = None
        self.usual_dbm = VEIL_DBM + FELL_BY_DB  # below it makes no difference
        self.heard_s = at_s
        self.near_s = at_s  # when it was last strong enough for her to be there
        self.close_s = at_s  # and to be shown what is hers
        self.veiled = False

    def hear(self, dbm: float, at_s: float) -> None:
        """Take in a level."""
        passed_s = max(at_s - self.heard_s, 0.0)
        if self.dbm is None or passed_s > AWAY_AFTER_S:
            self.dbm = dbm
        else:
            self.dbm += passed_s / (passed_s + SMOOTHED_OVER_S) * (dbm - self.dbm)
        self.heard_s = at_s
        self._learn(self.dbm, passed_s)
        close_dbm = max(VEIL_DBM, self.usual_dbm - FELL_BY_DB)
        if self.dbm >= close_dbm + (BACK_BY_DB if self.veiled else 0.0):
            self.close_s = at_s
        if self.dbm >= AWAY_DBM:
            self.near_s = at_s

    def _learn(self, dbm: float, passed_s: float) -> None:
        """Take in how she is heard when nothing is in the way: up at once, and down slowly.

        A tap is up slowly, too: after one of two seconds she stands where she stood before, and
        who is near for as long as she is there is known after all.
        """
        if self.usual_dbm < dbm <= STANDS_MAX_DBM:
            self.usual_dbm = dbm
            return
        to_dbm = min(dbm, STANDS_MAX_DBM)
        self.usual_dbm += passed_s / (passed_s + USUAL_OVER_S) * (to_dbm - self.usual_dbm)

    def hidden(self, now_s: float) -> bool:
        """Say whether her screen is to be veiled."""
        heard_close = self.close_s == self.heard_s
        return now_s - self.close_s >= (SILENT_AFTER_S if heard_close else VEIL_AFTER_S)


class Leaving:
    """Who has left. Times are monotonic seconds, of one clock. For one thread."""

    def __init__(self) -> None:
        self._watched: dict[Watch, _Near] = {}
        self._by_ear: dict[tuple[int, str], Watch] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, wanted: set[Watch], now_s: float) -> None:
        """Watch these from now on, and no others; one that is watched already goes on."""
        self._watched = {one: self._watched.get(one) or _Near(now_s) for one in wanted}
        self._by_ear = {(one.band, one.receiver): one for one in wanted}

    def hear(self, band: int, receiver: str, dbm: float, at_s: float) -> None:
        """Take in how strongly a receiver hears a band."""
        watch = self._by_ear.get((band, receiver))
        if watch is not None:
            self._watched[watch].hear(dbm, at_s)

    def veils(self, now_s: float) -> list[Veil]:
        """Return whose screen is to be veiled now, or not any more; each change is told once."""
        changed = []
        for one, near in self._watched.items():
            hidden = near.hidden(now_s)
            if hidden != near.veiled:
                near.veiled = hidden
                changed.append(Veil(one, drawn=hidden))
        return changed

    def untold(self, veils: Iterable[Veil]) -> None:
        """Tell these again: nobody was told, since the database was away."""
        for one in veils:
            if (near := self._watched.get(one.watch)) is not None:
                near.veiled = not one.drawn

    def gone(self, now_s: float) -> list[Watch]:
        """Return who has left, and watch them no more."""
        left = [one for one, near in self._watched.items() if now_s - near.near_s >= AWAY_AFTER_S]
        for one in left:
            del self._watched[one]
            self._by_ear.pop((one.band, one.receiver), None)
        return left
