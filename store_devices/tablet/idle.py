"""How long nobody has touched the tablet. Monotonic seconds only; owns no visit."""

from math import ceil
from typing import Final

from cart.kernel.clock import Clock

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
