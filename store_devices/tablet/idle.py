"""How long nobody has touched the tablet, and what it says for a moment. Owns no visit.

Monotonic seconds only.
"""

from math import ceil
from typing import Final, Literal

from cart.kernel.clock import Clock
from gateway.wire.downlink import TapOutcome

FAREWELL_S: Final = 5.0  # how long the screen says that it was cleared
TAP_S: Final = 8.0  # a sentence on a screen, read twice, and a band to be pressed
COUNTDOWN_S: Final = 20  # "Still there?": long enough to put a bag down and tap


class Idle:
    """Counts from the last touch; ``after_s`` is given with each question, as it may change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._touched_s = clock.monotonic()
        self.countdown_s: int | None = None

    def touch(self) -> bool:
        """Start again; return whether a countdown was on the screen."""
        self._touched_s = self._clock.monotonic()
        asking, self.countdown_s = self.countdown_s is not None, None
        return asking

    def almost(self, after_s: int) -> None:
        """Stand where the countdown begins: nobody knows whether somebody is there."""
        self._touched_s = self._clock.monotonic() - max(0, after_s - COUNTDOWN_S)

    def over(self, after_s: int) -> bool:
        """Say whether the time is up."""
        return self._left_s(after_s) <= 0

    def count(self, after_s: int) -> bool:
        """Bring the countdown up to date; return whether it changed."""
        left_s = self._left_s(after_s)
        asking = left_s <= min(COUNTDOWN_S, after_s / 2)
        before, self.countdown_s = self.countdown_s, ceil(left_s) if asking else None
        return before != self.countdown_s

    def _left_s(self, after_s: int) -> float:
        return self._touched_s + after_s - self._clock.monotonic()


class Passing:
    """What the screen says by itself and takes back after a moment; the last of it only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s = 0.0
        self.what: TapOutcome | Literal["", "farewell"] = ""

    def say(self, what: TapOutcome | Literal["", "farewell"]) -> None:
        """Say that it was cleared, or why a band began nothing, or nothing more."""
        for_s = FAREWELL_S if what == "farewell" else TAP_S
        self.what, self._until_s = what, self._clock.monotonic() + for_s

    @property
    def tap(self) -> TapOutcome | None:
        """Why a band began nothing, if that is what is said."""
        return self.what if isinstance(self.what, TapOutcome) else None

    def over(self) -> bool:
        """Take back what has been said for long enough; return whether there was something."""
        if not self.what or self._clock.monotonic() < self._until_s:
            return False
        self.what = ""
        return True
