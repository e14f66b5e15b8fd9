"""The Bluetooth radio as a receiver uses it, and the real one: bleak's scanner.

It passes on frames of ours and drops everybody else's advertisements, of which it says only that
they came: an air with nothing in it at all is a broken radio. It keeps nothing.
"""

import asyncio
from typing import Any, Final, Literal, Protocol

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from cart.kernel.errors import Unavailable
from gateway.wire.band import COMPANY_FOR_TRYING, identifier_in
from gateway.wire.events import DBM_MAX, DBM_MIN


class Hear(Protocol):
    """Whoever listens."""

    def __call__(self, frame: bytes | None, dbm: float, sender: BLEDevice | None = None) -> None:
        """Take in a frame and its level; None: an advertisement that is no frame of ours.

        ``sender``: to whom a connection can be made, as long as it has this address.
        """
        ...


START_MAX_S: Final = 10.0  # BlueZ answers within milliseconds; a stuck one is given up and retried
_LIFE: Final = (b"\x06", b"\x1a")
"""Flags of nearly all that advertises: without them an air with no band in it would seem dead."""


class Radio(Protocol):
    """A radio that hears advertisements between :meth:`start` and :meth:`stop`."""

    async def start(self, hear: Hear) -> None:
        """Begin; ``hear`` is called in the event loop for each advertisement.

        Raises:
            Unavailable: there is no adapter, or it does not do it.
        """
        ...

    async def stop(self) -> None:
        """End; never raises, and may be called when nothing was begun."""
        ...


class BleakRadio:
    """bleak's scanner: on Linux that of BlueZ, or of ``backend``."""

    def __init__(
        self,
        *,
        company: int = COMPANY_FOR_TRYING,
        scanning: Literal["active", "passive"] = "active",
        adapter: str = "",
        backend: type[BaseBleakScanner] | None = None,
    ) -> None:
        """``company``: whose manufacturer data is ours. ``adapter``: such as hci1; empty: any.

        ``scanning``: passive asks nothing of anybody and saves the air, and BlueZ has it only
        from 5.56 on and with its experimental part switched on; active works everywhere.
        """
        self._company = company
        self._scanning = scanning
        self._adapter = adapter
        self._backend = backend
        self._scanner: BleakScanner | None = None

    async def start(self, hear: Hear) -> None:
        """Begin; see :class:`Radio`.

        Raises:
            Unavailable: there is no adapter, or it does not do it.
        """

        def heard(device: BLEDevice, data: AdvertisementData) -> None:
            frame = data.manufacturer_data.get(self._company)
            dbm = float(data.rssi)
            known = DBM_MIN < dbm <= DBM_MAX  # 127 and -127 are "not known"
            ours = known and frame is not None and identifier_in(frame) is not None
            hear(frame if ours else None, dbm, device if ours else None)

        more: dict[str, Any] = {} if self._backend is None else {"backend": self._backend}
        try:
            async with asyncio.timeout(START_MAX_S):
                self._scanner = BleakScanner(
                    heard, scanning_mode=self._scanning, bluez=self._bluez(), **more
                )
                await self._scanner.start()
        except Exception as error:  # bleak's, D-Bus's, the system's: a radio is tried for ever
            await self.stop()
            msg = f"the Bluetooth adapter does not scan: {error or type(error).__name__}"
            raise Unavailable(msg) from error

    async def stop(self) -> None:
        """End; an adapter that is gone has ended already."""
        scanner, self._scanner = self._scanner, None
        if scanner is None:
            return
        try:
            async with asyncio.timeout(START_MAX_S):
                await scanner.stop()
        except Exception:  # noqa: BLE001 - as above; what is gone has stopped
            return

    def _bluez(self) -> BlueZScannerArgs:
        # BlueZ tells of the same data again only when asked to, and its level along with it.
        asked: BlueZScannerArgs = {"filters": {"DuplicateData": True}}
        if self._adapter:
            asked["adapter"] = self._adapter
        if self._scanning == "passive":
            company = self._company.to_bytes(2, "little")
            ours = OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, company)
            others = [OrPattern(0, AdvertisementDataType.FLAGS, one) for one in _LIFE]
            asked["or_patterns"] = [ours, *others]
        return asked
