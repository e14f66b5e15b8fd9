"""What a simulated band can be asked over a connection: its end of ``gateway.wire.band_service``.

It keeps what it was told to do, so that a test or a picture of the band can show it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from bumble.att import ATT_Error
from bumble.core import UUID
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from firmware_sim.bands.firmware import Band
from gateway.wire import band_service as wire
from gateway.wire.band import SECRET_BYTES
from gateway.wire.band_service import Button, Setup, Shine, Vibration

VERSION: Final = "simulated-1"
DONE_MAX: Final = 100  # of each sort; a band itself keeps nothing
AS_MADE: Final = bytes(SECRET_BYTES)  # as it leaves the factory

_P = Characteristic.Properties
T = TypeVar("T")


class BandServer:
    """The services of one band. ``held``: whether somebody holds its button."""

    def __init__(self, band: Band, now_s: Callable[[], float]) -> None:
        self.held = False
        self.vibrations: list[Vibration] = []
        self.shone: list[Shine] = []
        self._band = band
        self._now_s = now_s
        self._device: Device | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._button = _readable(wire.BUTTON, self._presses, _P.READ | _P.NOTIFY)

    @property
    def is_set_up(self) -> bool:
        """Whether it has a secret."""
        return self._band.secret != AS_MADE

    def serve(self, device: Device) -> None:
        """Add the services to a device."""
        self._device = device
        own = [
            _writable(wire.SETUP, self._set_up),
            _writable(wire.VIBRATION, self._vibrate),
            _writable(wire.LIGHT, self._shine),
            self._button,
        ]
        battery = _readable(wire.BATTERY, self._battery, _P.READ)
        version = _readable(wire.FIRMWARE, VERSION.encode, _P.READ)
        device.add_services(
            [
                Service(wire.SERVICE, own),
                Service(UUID(wire.BATTERY_SERVICE), [battery]),
                Service(UUID(wire.INFORMATION_SERVICE), [version]),
            ]
        )

    def pressed(self) -> None:
        """Tell whoever is connected and wants to know."""
        if self._device is not None and self._device.connections:
            task = asyncio.create_task(
                self._device.notify_subscribers(self._button, self._presses())
            )
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _presses(self) -> bytes:
        return Button(self._band.state.presses, self.held).encoded()

    def _battery(self) -> bytes:
        percent = self._band.state.battery_percent
        return bytes([0 if percent is None else percent])

    def _set_up(self, written: bytes) -> None:
        told = _understood(Setup.decoded, written)
        if self.is_set_up and not self.held:
            raise ATT_Error(wire.NOT_NOW)
        self._band.set_up(told.secret, told.clock_s, self._now_s())

    def _vibrate(self, written: bytes) -> None:
        self.vibrations = [*self.vibrations, _understood(Vibration.decoded, written)][-DONE_MAX:]

    def _shine(self, written: bytes) -> None:
        self.shone = [*self.shone, _understood(Shine.decoded, written)][-DONE_MAX:]


def _understood(decoded: Callable[[bytes], T], written: bytes) -> T:
    try:
        return decoded(written)
    except ValueError as error:
        raise ATT_Error(wire.NOT_UNDERSTOOD) from error


def _writable(uuid: str, write: Callable[[bytes], None]) -> Characteristic[Any]:
    def take(_connection: object, value: bytes) -> None:
        write(bytes(value))

    return Characteristic(
        UUID(uuid), _P.WRITE, Characteristic.WRITEABLE, CharacteristicValue(write=take)
    )


def _readable(
    uuid: str, read: Callable[[], bytes], properties: Characteristic.Properties
) -> Characteristic[Any]:
    def give(_connection: object) -> bytes:
        return read()

    return Characteristic(
        UUID(uuid), properties, Characteristic.READABLE, CharacteristicValue(read=give)
    )
