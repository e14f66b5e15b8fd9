"""Clocks of another time: one that stands still until a test moves it, one that runs."""

import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, as the shop opens


class FakeClock:
    """Satisfies ``cart.kernel.clock.Clock``."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 1_000.0  # any number: only differences mean something

    def now(self) -> datetime:
        """Return the moment that the test has set."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds; they grow with :meth:`advance` alone."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass, on both scales."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a time server does; durations stay true."""
        self._now += timedelta(seconds=seconds)


class RunningClock:
    """Satisfies ``cart.kernel.clock.Clock``: it runs as the machine's, from another moment on."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return the start, and what has gone by since."""
        return self._start + timedelta(seconds=self.monotonic() - self._began)

    def monotonic(self) -> float:
        """Return the machine's seconds."""
        return time.monotonic()
