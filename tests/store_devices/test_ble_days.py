"""Three days of a whole receiver, thousands of bands coming and going: nothing of it grows.

It is the installed one, with its spool and without a network: what was held to it is kept, and
what is only heard is let go. Its radio and the time are the test's.
"""

import asyncio
import gc
import random
import tracemalloc
from pathlib import Path
from typing import Final

import pytest
from bleak.backends.device import BLEDevice

import store_devices
from cart.kernel.ids import SeededIds
from gateway.wire.band import FRAME_BYTES, VERSION
from store_devices.ble.learning import KEPT_MAX
from store_devices.ble.listening import RENEWED_EVERY_S, Patience
from store_devices.ble.radio import Hear
from store_devices.ble.receiver import Receiver
from store_devices.ble.settings import ReceiverSettings
from store_devices.spool import TELEMETRY_EVENTS_MAX
from tests.fakes.clock import FakeClock
from tests.fakes.radio_bench import identity_at

DAY_S: Final = 86_400.0
DAYS: Final = 3
BANDS_MIN: Final = 3_000  # that came, in all; each under another identifier every 512 s
PACKETS: Final = 4  # of one band while it is near, in one turn of the watch
LOOKS_EVERY_S: Final = 30.0  # the watch of the radio does, at an eighth of its patience
HEALTH_EVERY_S: Final = 3_600.0  # a disk's patience is not tested
OURS: Final = (__file__, f"{Path(store_devices.__file__).parent}/*")
FRAMES: Final = 4  # from where something is made up to a line of ours
GROWS_BYTES_MAX: Final = 32_768  # of a day: a frame that stayed of each band would be megabytes


class Shop:
    """A street of bands, and the radio that hears it with the addresses that bleak keeps."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.rng = FakeClock(), random.Random(4)
        self.receiver = Receiver(
            ReceiverSettings(device_dir=folder, health_every_s=HEALTH_EVERY_S),
            identity_at("mqtt://127.0.0.1:9"),  # nobody is there
            self,
            clock=self.clock,
            ids=SeededIds(4),
            patience=Patience(silent_after_s=8 * LOOKS_EVERY_S),
            wait=self.wait,
        )
        self.began_s = self.clock.monotonic()
        self.addresses: set[str] = set()
        self.most = 0  # addresses at one moment
        self.bands = self.starts = 0
        self.sizes: list[int] = []
        self._hear: Hear | None = None

    async def start(self, hear: Hear) -> None:
        """Begin to hear."""
        self._hear = hear
        self.starts += 1

    async def stop(self) -> None:
        """Hear no more; bleak's list of addresses is empty then."""
        self._hear = None
        self.addresses.clear()

    async def wait(self, seconds: float) -> None:
        """Let time pass, with whoever walks by in it; at the end of the last day, stop."""
        assert self._hear is not None
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            self.bands += 1
            frame = bytes([VERSION]) + self.rng.randbytes(FRAME_BYTES - 1)
            sender = BLEDevice(frame[1:7].hex(":"), None, None)
            self.addresses.add(sender.address)
            dbm = self.rng.choice((-38.0, -48.0, -65.0, -80.0))
            for _ in range(PACKETS):
                self._hear(frame, self.rng.gauss(dbm, 2.0), sender)
                self.clock.advance(0.2)
        self._hear(None, -90.0)  # something always advertises
        self.clock.advance(seconds)
        self.receiver.turn()
        self.most = max(self.most, len(self.addresses))
        if self.clock.monotonic() - self.began_s >= DAY_S * (len(self.sizes) + 1):
            gc.collect()
            self.sizes.append(_held_bytes())
            if len(self.sizes) == DAYS:
                raise asyncio.CancelledError


def _held_bytes() -> int:
    """Return what the receiver holds that began here: other tests' threads may still be at work."""
    ours = [
        tracemalloc.Filter(inclusive=True, filename_pattern=one, all_frames=True) for one in OURS
    ]
    return sum(one.size for one in tracemalloc.take_snapshot().filter_traces(ours).traces)


def test_three_days_of_comings_and_goings_leave_nothing_behind(tmp_path: Path) -> None:
    """What is held is bounded at any moment, and the third day ends with no more than the first."""
    shop = Shop(tmp_path)
    receiver = shop.receiver
    tracemalloc.start(FRAMES)
    try:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(receiver.listening.run())
    finally:
        tracemalloc.stop()
    assert shop.bands > BANDS_MIN
    health = receiver.health()
    assert health.spool_events > 300, "bands were held to it, and are kept for the gateway"
    assert health.spool_dropped == 0
    assert 0 < len(receiver.telemetry) <= TELEMETRY_EVENTS_MAX
    assert (health.sightings_dropped or 0) > BANDS_MIN / 2, "nobody is there to hear of them"
    assert shop.starts >= DAYS * DAY_S / RENEWED_EVERY_S - 3
    assert shop.most < 3_000, "an hour of them"
    assert (tmp_path / "reader.json").stat().st_size < 40 * KEPT_MAX
    receiver.spool.close()
    receiver.telemetry.close()
    first, _, third = shop.sizes
    assert first > 0
    assert third - first < GROWS_BYTES_MAX
