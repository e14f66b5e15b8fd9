"""All radios of a simulated shop in one thread: receivers that run their own code, and bands.

The rest of the simulator knows neither event loops nor Bluetooth; here it says what there is and
where, and asks nothing back.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from firmware_sim.bands.bleak_backend import SimAdapter
from firmware_sim.bands.ether import Ether, Level
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import BandState
from store_devices.ble.radio import BleakRadio
from store_devices.ble.receiver import Receiver
from store_devices.ble.settings import ReceiverSettings
from store_devices.ble.touching import touched
from store_devices.enrolling import Enrolled

ASKED_WAIT_S: Final = 30.0
ONLINE_WAIT_S: Final = 30.0
PAUSE_S: Final = 0.05

T = TypeVar("T")


class Radios:
    """An air with receivers and bands in it; from any thread. ``start`` it, ``stop`` it."""

    def __init__(self, level: Level) -> None:
        """``level``: how each receiver, by its device id, hears each band, by its name."""
        self._level = level
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="radios", daemon=True)
        self._ether: Ether | None = None
        self._receivers: list[tuple[Receiver, asyncio.Task[None]]] = []
        self._bands: dict[str, WornBand] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Switch everything off."""
        if self._thread.is_alive():
            self._ask(self._end)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(ASKED_WAIT_S)
        self._loop.close()

    def receiver(self, identity: Enrolled, folder: Path) -> Receiver:
        """Hang up a receiver under its device id; return when it has reached the broker.

        Raises:
            Unavailable: it does not.
        """

        async def make() -> Receiver:
            adapter = SimAdapter(await self._air().device(identity.device_id))
            made = Receiver(
                ReceiverSettings(device_dir=folder, resend_after_s=1.0),
                identity,
                BleakRadio(backend=adapter.scanner),
                clock=SystemClock(),
                ids=RandomIds(),
                touch=partial(touched, backend=adapter.client),
            )
            self._receivers.append((made, asyncio.create_task(made.run())))
            return made

        made = self._ask(make)
        until_s = time.monotonic() + ONLINE_WAIT_S
        while not made.online:
            if time.monotonic() > until_s:
                msg = f"{identity.device_id} does not reach the broker"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)
        return made

    def band(self, name: str, secret: bytes, *, battery_percent: int = 90) -> WornBand:
        """Switch on a band whose clock was set when it was made, as a programming station does."""

        async def make() -> WornBand:
            clock_s = time.time() - time.monotonic()
            band = Band(secret, clock_s, state=BandState(battery_percent))
            made = WornBand(name, band)
            await made.start(self._air())
            self._bands[name] = made
            return made

        return self._ask(make)

    def press(self, name: str) -> None:
        """Press a band's button."""

        async def press() -> None:
            self._bands[name].press()

        self._ask(press)

    def switch_off(self, name: str) -> None:
        """Switch a band off for good."""

        async def off() -> None:
            await self._bands.pop(name).stop()

        self._ask(off)

    def _air(self) -> Ether:
        if self._ether is None:
            self._ether = Ether(self._level)
        return self._ether

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _ask(self, what: Callable[[], Awaitable[T]]) -> T:
        async def asked() -> T:
            return await what()

        done: Future[T] = asyncio.run_coroutine_threadsafe(asked(), self._loop)
        return done.result(ASKED_WAIT_S)

    async def _end(self) -> None:
        for band in self._bands.values():
            await band.stop()
        for _, running in self._receivers:
            running.cancel()
        for _, running in self._receivers:
            with suppress(asyncio.CancelledError):
                await running
