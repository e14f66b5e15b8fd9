"""A radio is kept going for ever, at a pace that helps. Time is passed in: days take a moment."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from bleak.backends.device import BLEDevice

from cart.kernel.errors import Unavailable
from store_devices.ble.listening import (
    BACK_OFF_MAX_S,
    RENEWED_EVERY_S,
    SILENT_AFTER_S,
    Listening,
    State,
)
from store_devices.ble.radio import Hear

DAY_S = 86_400.0


class World:
    """A clock and a radio in it; ``plan`` says what is the matter with the radio when."""

    def __init__(self, plan: Callable[[float], State]) -> None:
        self.now_s = 0.0
        self.starts: list[float] = []
        self.stops = 0
        self.heard = 0
        self._plan = plan
        self._hear: Hear | None = None
        self.listening = Listening(self, self._took, self, wait=self._wait)

    def now(self) -> datetime:
        """Return a moment; nobody asks here."""
        return datetime(2026, 3, 2, tzinfo=UTC)

    def monotonic(self) -> float:
        """Return the seconds of this world."""
        return self.now_s

    async def start(self, hear: Hear) -> None:
        """Begin, unless it is gone."""
        self.starts.append(self.now_s)
        if self._plan(self.now_s) == "gone":
            msg = "no adapter"
            raise Unavailable(msg)
        self._hear = hear

    async def stop(self) -> None:
        """End."""
        self.stops += 1
        self._hear = None

    async def _wait(self, for_s: float) -> None:
        """Let time pass; somebody advertises meanwhile."""
        self.now_s += for_s
        if self._hear is not None and self._plan(self.now_s) == "hearing":
            self._hear(b"frame", -60.0)
        await asyncio.sleep(0)

    def _took(self, frame: bytes | None, dbm: float, sender: BLEDevice | None = None) -> None:
        assert (frame, dbm, sender) == (b"frame", -60.0, None)
        self.heard += 1

    def play(self, until_s: float) -> None:
        """Run until then."""

        async def played() -> None:
            running = asyncio.create_task(self.listening.run())
            while self.now_s < until_s:
                assert not running.done()
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(played())
        assert self._hear is None


def test_a_radio_that_hears_is_renewed_each_hour_and_never_restarted() -> None:
    """So that what bleak remembers of addresses stays an hour's."""
    world = World(lambda _now_s: "hearing")
    world.play(DAY_S)
    assert world.listening.restarts == 0
    gaps_s = {round(b - a) for a, b in pairwise(world.starts)}
    assert max(gaps_s) <= RENEWED_EVERY_S + SILENT_AFTER_S
    assert 22 <= len(world.starts) <= 24


def test_one_that_falls_silent_is_restarted_within_half_a_minute() -> None:
    """And so each half minute, as long as it is: nobody else would do it."""
    world = World(lambda now_s: "silent" if 100 <= now_s < 700 else "hearing")
    world.play(1_000)
    silent = [start_s for start_s in world.starts if 100 <= start_s < 700]
    assert silent[0] <= 100 + SILENT_AFTER_S * 1.25
    assert len(silent) == pytest.approx(600 / SILENT_AFTER_S, abs=5)
    assert world.listening.state == "hearing"
    assert world.listening.restarts == pytest.approx(len(silent), abs=1)


def test_one_that_is_gone_is_looked_for_at_ever_longer_gaps_and_for_ever() -> None:
    """Half a second at first, half a minute at last; a week later it is still used at once."""
    world = World(lambda now_s: "gone" if now_s < 7 * DAY_S else "hearing")
    world.play(7 * DAY_S + 2 * BACK_OFF_MAX_S)
    gaps_s = [b - a for a, b in pairwise(world.starts)]
    assert gaps_s[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(gaps_s) == BACK_OFF_MAX_S
    assert world.starts[-1] <= 7 * DAY_S + BACK_OFF_MAX_S
    assert world.listening.state == "hearing"
    assert world.heard > 0
