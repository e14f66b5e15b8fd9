"""Keeps a radio hearing: starts it, starts it again when it goes silent, waits when it is gone.

Says once in the log what has changed, and counts for the device's health. It knows nothing of
wristbands. For one event loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from bleak.backends.device import BLEDevice

from cart.kernel.clock import Clock
from cart.kernel.errors import Unavailable
from store_devices.ble.radio import Hear, Radio

State = Literal["hearing", "silent", "gone"]

SILENT_AFTER_S: Final = 30.0
"""In a street or a shop something advertises every second, a phone or a headset; half a minute of
nothing is an adapter that has stopped scanning, as cheap ones do."""
RENEWED_EVERY_S: Final = 3_600.0
"""bleak remembers each address it has heard until it is started again, and a band's changes every
512 s; an hour of a full shop is some megabytes."""
BACK_OFF_MIN_S: Final = 0.5  # doubled by each failure
BACK_OFF_MAX_S: Final = 30.0  # an adapter that is plugged in again is used within that

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what; tests are in a hurry."""

    silent_after_s: float = SILENT_AFTER_S
    renewed_every_s: float = RENEWED_EVERY_S
    back_off_min_s: float = BACK_OFF_MIN_S


USUAL: Final = Patience()


class Listening:
    """One radio, kept going. ``state`` and ``restarts`` are for the health report."""

    def __init__(
        self,
        radio: Radio,
        hear: Hear,
        clock: Clock,
        *,
        patience: Patience = USUAL,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._radio = radio
        self._hear = hear
        self._clock = clock
        self._patience = patience
        self._wait = wait
        self._failures = 0
        self._connections = 0
        self._heard_at_s = clock.monotonic()
        self.state: State | None = None  # until it is known
        self.restarts = 0  # because it was silent or gone

    async def run(self) -> None:
        """Listen until cancelled; then the radio is stopped."""
        try:
            while True:
                await self._once()
        finally:
            await self._radio.stop()

    async def _once(self) -> None:
        """Start the radio and watch it, until it has to be started again."""
        try:
            await self._radio.start(self._heard)
        except Unavailable as error:
            self._tell("gone", error.message)
            self.restarts += 1
            longest_s = self._patience.back_off_min_s * 2.0 ** min(self._failures, 16)
            self._failures += 1
            await self._wait(min(BACK_OFF_MAX_S, longest_s))
            return
        self._failures = 0
        started_s = self._heard_at_s = self._clock.monotonic()
        while True:
            if self._connections:
                await self._wait(self._patience.silent_after_s / 8)
                continue
            silent_s = self._clock.monotonic() - self._heard_at_s
            if silent_s >= self._patience.silent_after_s:
                self._tell("silent", f"nothing was heard for {silent_s:.0f} s")
                self.restarts += 1
                break
            if self._clock.monotonic() - started_s >= self._patience.renewed_every_s:
                break
            await self._wait(self._patience.silent_after_s / 8)
        await self._radio.stop()

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Start nothing anew while a connection is made or goes on: many adapters are deaf then.

        Scanning was not stopped for it. Where the adapter does not take it up again, the silence
        that counts begins with the end of this.
        """
        self._connections += 1
        try:
            yield
        finally:
            self._connections -= 1
            self._heard_at_s = self._clock.monotonic()

    def _heard(self, frame: bytes | None, dbm: float, sender: BLEDevice | None = None) -> None:
        self._heard_at_s = self._clock.monotonic()
        if self.state != "hearing":
            self._tell("hearing", "")
        self._hear(frame, dbm, sender)

    def _tell(self, state: State, why: str) -> None:
        if state == self.state:
            return
        was, self.state = self.state, state
        if state != "hearing":
            _LOG.warning("the radio is %s and is started again until it hears: %s", state, why)
        elif was is not None:
            _LOG.warning("the radio hears again; it was %s", was)
        else:
            _LOG.info("the radio hears")
