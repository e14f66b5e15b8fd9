"""A band on the air: :mod:`firmware`'s, on a Bumble device, with what it can be asked over GATT."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import Address

from firmware_sim.bands.air import ADVERTISED_EVERY_S
from firmware_sim.bands.ether import Ether
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.gatt import BandServer

_LOOKS_EVERY_S: Final = 0.05  # at its own clock and button
# Bumble's controller takes the interval, in units of 0.625 ms, for milliseconds.
_BUMBLES_SHARE: Final = 0.625


class WornBand:
    """One band in an ether. ``band`` is its firmware, ``server`` what it shows and does."""

    def __init__(self, name: str, band: Band, now_s: Callable[[], float] = time.monotonic) -> None:
        self.name: Final = name
        self.band: Final = band
        self.server: Final = BandServer(band, now_s)
        self._now_s = now_s
        self._device: Device | None = None
        self._chip: Controller | None = None
        self._looking: asyncio.Task[None] | None = None

    async def start(self, ether: Ether) -> None:
        """Switch it on: it advertises five times a second, and after each connection again."""
        device = self._device = await ether.device(self.name)
        self._chip = next(one for one in ether.controllers if one.name == self.name)
        self.server.serve(device)
        self._renew()
        interval_ms = ADVERTISED_EVERY_S * 1_000 * _BUMBLES_SHARE
        await device.start_advertising(
            auto_restart=True,
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
        )
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Switch it off."""
        if self._looking is not None and self._device is not None:
            self._looking.cancel()
            await self._device.stop_advertising()

    def press(self) -> None:
        """Press its button once; it is on the air at once, and told to who is connected."""
        self.band.press()
        self._renew()
        self.server.pressed()

    async def leave(self) -> None:
        """End all connections, as a band does that is carried out of reach."""
        if self._device is not None:
            for one in list(self._device.connections.values()):
                await one.disconnect()

    async def _look(self) -> None:
        while True:
            self._renew()
            await asyncio.sleep(_LOOKS_EVERY_S)

    def _renew(self) -> None:
        """Put address and data into the chip in one step: both change in the same packet."""
        device, chip = self._device, self._chip
        if device is None or chip is None or chip.le_connections:
            return
        advert = self.band.advert(self._now_s())
        address = Address(bytes(reversed(advert.address)), Address.RANDOM_DEVICE_ADDRESS)
        chip.random_address = device.random_address = address
        chip.le_legacy_advertiser.advertising_data = device.advertising_data = advert.payload
