"""A receiver on a bench: its own code over bleak and Bumble, bands beside it, a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from firmware_sim.bands.bleak_backend import SimAdapter
from firmware_sim.bands.ether import USUAL_DBM, Ether, Levels
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import PERIOD_S, BandKey, identifier_in
from gateway.wire.topics import DeviceAddress
from store_devices.ble.listening import Patience
from store_devices.ble.radio import BleakRadio
from store_devices.ble.receiver import Receiver
from store_devices.ble.settings import ReceiverSettings
from store_devices.ble.touching import touched
from store_devices.enrolling import Enrolled

ADDRESS = DeviceAddress("p12", "harbour-street", "rcv-1")
WAIT_S = 20.0
LOOKS_EVERY_S = 0.02
ON_IT_DBM, AT_ARMS_LENGTH_DBM, ACROSS_THE_SHOP_DBM = -35.0, -54.0, -75.0
HURRY = Patience(silent_after_s=1.0, back_off_min_s=0.05)


def identity_at(mqtt_url: str) -> Enrolled:
    """Return a receiver's identity."""
    return Enrolled(
        device_id=ADDRESS.device_id,
        kind="receiver",
        location_id=ADDRESS.location_id,
        partition=ADDRESS.partition,
        credential="secret",
        mqtt_url=mqtt_url,
        public_url="https://shop.example",
        api_url="http://127.0.0.1:9",  # nobody is there
    )


def secret_of(number: int) -> bytes:
    """Return the secret of a band of the bench."""
    return bytes([number]) * 16


class Bench:
    """An ether with a receiver's adapter in it, and the bands that were put there."""

    def __init__(self, ether: Ether, levels: Levels, adapter: SimAdapter) -> None:
        self.ether = ether
        self.levels = levels
        self.adapter = adapter
        self.bands: list[WornBand] = []
        # A bench lasts some seconds: no period of a band's ends while it does.
        self.clock_s = -(asyncio.get_running_loop().time() % PERIOD_S)

    async def put(self, dbm: float | None = ACROSS_THE_SHOP_DBM) -> WornBand:
        """Switch on another band, which the receiver hears at this level."""
        name = f"band-{len(self.bands)}"
        self.levels.set(name, "receiver", dbm)
        band = WornBand(name, Band(secret_of(len(self.bands) + 1), clock_s=self.clock_s))
        self.bands.append(band)
        await band.start(self.ether)
        return band

    def move(self, band: WornBand, dbm: float | None) -> None:
        """Bring it nearer or farther."""
        self.levels.set(band.name, "receiver", dbm)

    def whose(self, frame: bytes) -> str:
        """Return the name of the band that sent it, as the gateway would resolve it."""
        for number, band in enumerate(self.bands, start=1):
            key = BandKey(secret_of(number))
            now = int(band.band.clock(asyncio.get_running_loop().time()) // 512)
            if identifier_in(frame) in {key.identifier(at) for at in (now - 1, now) if at >= 0}:
                return band.name
        return "nobody"


@asynccontextmanager
async def bench(usual_dbm: float | None = USUAL_DBM) -> AsyncIterator[Bench]:
    """Make one; its bands are switched off at the end. ``usual_dbm``: who hears whom otherwise."""
    levels = Levels(usual_dbm)
    ether = Ether(levels)
    made = Bench(ether, levels, SimAdapter(await ether.device("receiver")))
    yield made
    for band in made.bands:
        await band.stop()


@asynccontextmanager
async def receiving(
    at: Bench, mqtt_url: str, folder: Path, patience: Patience = HURRY
) -> AsyncIterator[Receiver]:
    """Run a receiver there until the block ends."""
    receiver = Receiver(
        ReceiverSettings(device_dir=folder, resend_after_s=0.5),
        identity_at(mqtt_url),
        BleakRadio(backend=at.adapter.scanner),
        clock=SystemClock(),
        ids=RandomIds(),
        patience=patience,
        touch=partial(touched, backend=at.adapter.client),
    )
    running = asyncio.create_task(receiver.run())
    try:
        yield receiver
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(what: Callable[[], object], wait_s: float = WAIT_S) -> None:
    """Wait for it."""
    async with asyncio.timeout(wait_s):
        while not what():  # noqa: ASYNC110 - of other threads, too, which set no event
            await asyncio.sleep(LOOKS_EVERY_S)
