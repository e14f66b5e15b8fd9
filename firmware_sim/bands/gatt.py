"""What a simulated band can be asked over a connection: its end of ``gateway.wire.band_service``.

It keeps what it was told to do, so that a test or a picture of the band can show it.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeVar

from bumble.att import ATT_Error
from bumble.core import UUID
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from firmware_sim.bands.firmware import Band
from gateway.wire import band_service as wire
from gateway.wire.band_exchange import KEY_BYTES, KeyPair
from gateway.wire.band_service import Button, Setup, Shine, Vibration

VERSION: Final = "simulated-1"
DONE_MAX: Final = 100  # of each sort; a band itself keeps nothing

_P = Characteristic.Properties
T = TypeVar("T")


class BandServer:
    """The services of one band. ``held``: whether somebody holds its button."""

    def __init__(
        self,
        band: Band,
        now_s: Callable[[], float],
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.held = False
        self.vibrations: list[Vibration] = []
        self.shone: list[Shine] = []
        self._band = band
        self._now_s = now_s
        self._device: Device | None = None
        self._draw = draw
        # Of the connection over which it was read: the band's half of the exchange.
        self._offer: tuple[object, KeyPair] | None = None
        self._agreed: tuple[object, bytes] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._button = _readable(wire.BUTTON, self._presses, _P.READ | _P.NOTIFY)

    @property
    def is_set_up(self) -> bool:
        """Whether it has a secret."""
        return not self._band.is_fresh

    def serve(self, device: Device) -> None:
        """Add the services to a device."""
        self._device = device
        own = [
            _answering(wire.EXCHANGE, self._exchange),
            _writing(wire.SETUP, self._set_up),
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

    def _exchange(self, connection: object) -> bytes:
        """Offer a fresh key; after a setup say with which one it was, and what is sent now."""
        if self._agreed is not None and self._agreed[0] is connection:
            return self._agreed[1]
        pair = KeyPair(self._draw(KEY_BYTES))
        self._offer = (connection, pair)
        return pair.public

    def _set_up(self, connection: object, written: bytes) -> None:
        told = _understood(Setup.decoded, written)
        offer, self._offer = self._offer, None  # it is good once
        if offer is None or offer[0] is not connection or (self.is_set_up and not self.held):
            raise ATT_Error(wire.NOT_NOW)
        secret = _understood(offer[1].secret_with_shop, told.key)
        now_s = self._now_s()
        self._band.set_up(secret, told.clock_s, now_s)
        self._agreed = (connection, offer[1].public + self._band.advert(now_s).frame)

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
    return _writing(uuid, lambda _, value: write(value))


def _writing(uuid: str, write: Callable[[object, bytes], None]) -> Characteristic[Any]:
    def take(connection: object, value: bytes) -> None:
        write(connection, bytes(value))

    return Characteristic(
        UUID(uuid), _P.WRITE, Characteristic.WRITEABLE, CharacteristicValue(write=take)
    )


def _readable(
    uuid: str, read: Callable[[], bytes], properties: Characteristic.Properties
) -> Characteristic[Any]:
    return _answering(uuid, lambda _: read(), properties)


def _answering(
    uuid: str,
    read: Callable[[object], bytes],
    properties: Characteristic.Properties = _P.READ,
) -> Characteristic[Any]:
    return Characteristic(
        UUID(uuid), properties, Characteristic.READABLE, CharacteristicValue(read=read)
    )
