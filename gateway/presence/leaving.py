"""When somebody has walked away from the tablet that she held her band to. Pure.

Her name and cart are on it. So this is asked of the one receiver that stands there, for as long
as her visit goes on, and of every band, also of one that is not followed through the shop: a
screen that is hers until she leaves is what she asked for by the tap.
"""

from dataclasses import dataclass
from typing import Final

# A band on the wrist of somebody who uses a tablet is half a metre from its receiver: -45 to
# -60 dBm, her body between them -70 at the worst. At three metres it is weaker than this.
AWAY_DBM: Final = -74.0
# Weaker, or not heard, for so long: a body that turns silences a band for a second or two.
AWAY_AFTER_S: Final = 4.0
# One level says little (``settling``); smoothed over as long as a step takes.
SMOOTHED_OVER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A band whose wearer has a device: ``receiver`` stands there."""

    band: int
    receiver: str
    device_id: str


class _Near:
    __slots__ = ("dbm", "heard_s", "near_s")

    def __init__(self, at_s: float) -> None:
        self.dbm: float | None = None
        self.heard_s = at_s
        self.near_s = at_s  # when it was last strong enough


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
        if watch is None:
            return
        near = self._watched[watch]
        passed_s = max(at_s - near.heard_s, 0.0)
        if near.dbm is None or passed_s > AWAY_AFTER_S:
            near.dbm = dbm
        else:
            near.dbm += passed_s / (passed_s + SMOOTHED_OVER_S) * (dbm - near.dbm)
        near.heard_s = at_s
        if near.dbm >= AWAY_DBM:
            near.near_s = at_s

    def gone(self, now_s: float) -> list[Watch]:
        """Return who has left, and watch them no more."""
        left = [one for one, near in self._watched.items() if now_s - near.near_s >= AWAY_AFTER_S]
        for one in left:
            del self._watched[one]
            self._by_ear.pop((one.band, one.receiver), None)
        return left
