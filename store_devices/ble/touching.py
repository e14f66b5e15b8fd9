"""What a device of the shop does with one band over a connection: set it up, make it shine.

Through bleak's client, on whatever adapter. It keeps nothing, and has no secret.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from cart.kernel.errors import InvalidPayload, Refused, Unavailable
from gateway.wire import band_service as wire
from gateway.wire.band import FRAME_BYTES
from gateway.wire.band_exchange import KEY_BYTES
from gateway.wire.band_service import Button, Light, Setup, Shine, Vibration

CONNECT_MAX_S: Final = 10.0  # a band in reach answers within a second; people wait before the desk
ASK_MAX_S: Final = 5.0
BATTERY_MAX_PERCENT: Final = 100


class TouchedBand:
    """A band that is connected. Every method waits for the band's answer."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client

    async def set_up(self, key: bytes, clock_s: int) -> tuple[bytes, bytes]:
        """Have it make its secret with this public key, and set its clock: it is another band then.

        Return its own public key and the frame that it sends from now on. The secret follows
        from both keys, and is here at no time.

        Raises:
            Refused: it has a secret already and nobody holds its button.
            Unavailable: it is out of reach.
            InvalidPayload: what it says is no key, or no frame.
            ValueError: a key of another length, or a clock out of range.
        """
        setup = Setup(key, clock_s)
        offered = await self._read(wire.EXCHANGE)
        await self._write(wire.SETUP, setup.encoded())
        said = await self._read(wire.EXCHANGE)
        if len(said) != KEY_BYTES + FRAME_BYTES or said[:KEY_BYTES] != offered:
            msg = "the band does not say what it agreed to"
            raise InvalidPayload(msg)
        return offered, said[KEY_BYTES:]

    async def vibrate(self, times: int = 1, tenths: int = 3) -> None:
        """Vibrate so many times, each for so many tenths of a second.

        Raises:
            Refused: it does not.
            Unavailable: it is out of reach.
            ValueError: more than a band does.
        """
        await self._write(wire.VIBRATION, Vibration(times, tenths).encoded())

    async def shine(self, light: Light, seconds: int = 3) -> None:
        """Shine for so many seconds.

        Raises:
            Refused: it does not.
            Unavailable: it is out of reach.
            ValueError: longer than a band does.
        """
        await self._write(wire.LIGHT, Shine(light, seconds).encoded())

    async def battery_percent(self) -> int:
        """Return how full its battery is.

        Raises:
            Unavailable: it is out of reach.
            InvalidPayload: it says something else.
        """
        said = await self._read(wire.BATTERY)
        if len(said) != 1 or said[0] > BATTERY_MAX_PERCENT:
            msg = "the band says no percentage of its battery"
            raise InvalidPayload(msg)
        return said[0]

    async def firmware(self) -> str:
        """Return the version of what runs in it.

        Raises:
            Unavailable: it is out of reach.
            InvalidPayload: it says no text.
        """
        said = await self._read(wire.FIRMWARE)
        try:
            return said[: wire.FIRMWARE_MAX_BYTES].decode()
        except UnicodeDecodeError as error:
            msg = "the band's version is no text"
            raise InvalidPayload(msg) from error

    async def on_button(self, told: Callable[[Button], None]) -> None:
        """Have ``told`` called with each press from now on, until the connection ends.

        Raises:
            Unavailable: it is out of reach.
        """

        def heard(_sender: BleakGATTCharacteristic, value: bytearray) -> None:
            try:
                button = Button.decoded(bytes(value))
            except ValueError:
                return  # no band of ours says that
            told(button)

        await _within(self._client.start_notify(wire.BUTTON, heard))

    async def _write(self, uuid: str, value: bytes) -> None:
        await _within(self._client.write_gatt_char(uuid, value, response=True), self._client)

    async def _read(self, uuid: str) -> bytes:
        return bytes(await _within(self._client.read_gatt_char(uuid)))


@asynccontextmanager
async def touched(
    band: BLEDevice | str, *, backend: type[BaseBleakClient] | None = None
) -> AsyncIterator[TouchedBand]:
    """Connect to a band that was heard, for as long as the block runs.

    ``band``: what a scan has found, or its address of this period.

    Raises:
        Unavailable: it is out of reach, or the adapter is.
    """
    more: dict[str, Any] = {} if backend is None else {"backend": backend}
    client = BleakClient(band, timeout=CONNECT_MAX_S, **more)
    try:
        await client.connect()
    except (BleakError, OSError, EOFError, TimeoutError) as error:
        msg = f"the band is out of reach: {error or type(error).__name__}"
        raise Unavailable(msg) from error
    try:
        yield TouchedBand(client)
    finally:
        try:
            async with asyncio.timeout(ASK_MAX_S):
                await client.disconnect()
        except (BleakError, OSError, EOFError, TimeoutError):
            pass  # it has gone already


async def _within(question: Any, client: BleakClient | None = None) -> Any:  # noqa: ANN401 - bleak's awaitable, and its answer
    """Return the answer.

    Raises:
        Refused: still connected: so it is the band that says no to what was written.
        Unavailable: it has gone, or does not answer in time.
    """
    try:
        async with asyncio.timeout(ASK_MAX_S):
            return await question
    except BleakError as error:
        if client is not None and client.is_connected:
            msg = f"the band does not do that now: {error}"
            raise Refused(msg) from error
        msg = f"the band is out of reach: {error}"
        raise Unavailable(msg) from error
    except (OSError, EOFError, TimeoutError) as error:
        msg = f"the band does not answer: {error or type(error).__name__}"
        raise Unavailable(msg) from error
