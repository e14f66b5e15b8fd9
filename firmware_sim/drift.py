"""A clock that is wrong, as a shop's cheap tablets are. Owns offset and drift, nothing else."""

from datetime import datetime, timedelta
from typing import Final

from cart.kernel.clock import Clock, SystemClock

PPM: Final = 1_000_000.0


class DriftingClock:
    """Satisfies ``cart.kernel.clock.Clock``: ``offset_s`` wrong now, ``ppm`` more every second.

    A quartz is 20 to 100 ppm off; a tablet that was never set is years off.
    Durations drift too: it is the same quartz.
    """

    def __init__(self, offset_s: float = 0.0, ppm: float = 0.0, base: Clock | None = None) -> None:
        self._base = base or SystemClock()
        self._offset_s = offset_s
        self._rate = ppm / PPM
        self._began_s = self._base.monotonic()

    def now(self) -> datetime:
        """Return what this clock takes for the present moment, aware, in UTC."""
        drifted_s = (self._base.monotonic() - self._began_s) * self._rate
        return self._base.now() + timedelta(seconds=self._offset_s + drifted_s)

    def monotonic(self) -> float:
        """Return seconds that never run backwards, a little too fast or too slow."""
        passed_s = self._base.monotonic() - self._began_s
        return self._began_s + passed_s * (1 + self._rate)
