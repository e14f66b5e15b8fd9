"""Touches the first band that it hears over BlueZ, and says what came of it, line by line.

A process of its own: bleak takes the bus that the environment names, and keeps it.
"""

import asyncio

from bleak import BleakScanner

from cart.kernel.errors import Refused, Unavailable
from gateway.wire.band_service import Button, Light
from store_devices.ble.touching import TouchedBand, touched

WAIT_S = 30.0


def say(words: str) -> None:
    """Say it to whoever started this."""
    print(words, flush=True)  # noqa: T201 - a program's output


async def main() -> None:
    """Do it all."""
    found = await BleakScanner.find_device_by_filter(
        lambda _device, data: bool(data.manufacturer_data), timeout=WAIT_S
    )
    assert found is not None
    say(f"found {found.address}")
    await asyncio.sleep(0.5)  # its services are put there now
    async with touched(found) as band:
        await asked(band)


async def asked(band: TouchedBand) -> None:
    """Ask it everything, until it is gone."""
    told: asyncio.Queue[Button] = asyncio.Queue()
    said = f"{await band.battery_percent()} {await band.firmware()}"
    await band.shine(Light.GREEN, 2)
    await band.vibrate(2, 4)
    say(said)
    try:
        await band.set_up(bytes(range(32)), 0)
    except Refused:
        say("refused")
    await band.on_button(told.put_nowait)
    button = await asyncio.wait_for(told.get(), WAIT_S)
    say(f"button {button.presses} {button.held}")
    say("waits")
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await band.battery_percent()
            except Unavailable:
                say("out of reach")
                return
            await asyncio.sleep(0.05)


asyncio.run(main())
