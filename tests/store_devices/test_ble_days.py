"""Three days of a receiver, thousands of bands coming and going: nothing of it grows."""

import asyncio
import gc
import random
import tracemalloc
from pathlib import Path
from typing import Final

import pytest

from gateway.wire.band import FRAME_BYTES, VERSION
from store_devices.ble.gathering import Gatherer
from store_devices.ble.learning import KEPT_MAX, Learned
from store_devices.ble.listening import RENEWED_EVERY_S, Listening, Patience
from store_devices.ble.presenting import EVENTS_MAX_PER_MINUTE, FOLLOWED_MAX, Presenting
from store_devices.ble.radio import Hear
from tests.fakes.clock import FakeClock

DAY_S: Final = 86_400.0
DAYS: Final = 3
BANDS_MIN: Final = 3_000  # that came, in all; each under another identifier every 512 s
PACKETS: Final = 4  # of one band while it is near, in one turn of the watch
KEPT_EVERY_S: Final = 3_600.0  # a receiver does so each minute; a disk's patience is not tested
GROWS_BYTES_MAX: Final = 32_768  # of a day: a frame that stayed of each band would be megabytes


class Shop:
    """A radio, its stack and its street: what advertises, and the addresses that bleak keeps."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.rng = FakeClock(), random.Random(4)
        self.folder = folder
        self.gatherer = Gatherer()
        self.presenting = Presenting(Learned.load(folder))
        self.listening = Listening(
            self, self.take_in, self.clock, patience=Patience(silent_after_s=240.0), wait=self.wait
        )
        self.began_s = self.kept_s = self.clock.monotonic()
        self.addresses: set[bytes] = set()
        self.most = {"addresses": 0, "frames": 0, "followed": 0}
        self.bands = self.told = self.starts = 0
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

    def take_in(self, frame: bytes | None, dbm: float, sender: object = None) -> None:
        """Do with a packet what a receiver does, whoever sent it."""
        del sender
        assert frame is not None
        self.gatherer.hear(frame, dbm)
        if self.presenting.hear(frame, dbm, self.clock.monotonic()) is not None:
            self.told += 1

    async def wait(self, seconds: float) -> None:
        """Let time pass, with whoever walks by in it; at the end of the last day, stop."""
        assert self._hear is not None
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            self.bands += 1
            frame = bytes([VERSION]) + self.rng.randbytes(FRAME_BYTES - 1)
            self.addresses.add(frame[:6])
            dbm = self.rng.choice((-38.0, -48.0, -65.0, -80.0))
            for _ in range(PACKETS):
                self._hear(frame, self.rng.gauss(dbm, 2.0))
                self.clock.advance(0.2)
        self._hear(bytes(FRAME_BYTES), -90.0)  # something always advertises
        self.clock.advance(seconds)
        seen = len(self.addresses), len(self.gatherer.take()), len(self.presenting)
        for name, size in zip(self.most, seen, strict=True):
            self.most[name] = max(self.most[name], size)
        self.presenting.forget(self.clock.monotonic())
        if self.clock.monotonic() - self.kept_s >= KEPT_EVERY_S:
            self.kept_s = self.clock.monotonic()
            self.presenting.learned.keep(self.folder)
        if self.clock.monotonic() - self.began_s >= DAY_S * (len(self.sizes) + 1):
            gc.collect()
            self.sizes.append(tracemalloc.get_traced_memory()[0])
            if len(self.sizes) == DAYS:
                raise asyncio.CancelledError


def test_three_days_of_comings_and_goings_leave_nothing_behind(tmp_path: Path) -> None:
    """What is held is bounded at any moment, and the third day ends with no more than the first."""
    shop = Shop(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(shop.listening.run())
    finally:
        tracemalloc.stop()
    assert shop.bands > BANDS_MIN
    assert shop.told > 300, "bands were held to it"
    assert shop.starts >= DAYS * DAY_S / RENEWED_EVERY_S - 3
    assert shop.most["addresses"] < 3_000, "an hour of them"
    assert shop.most["frames"] <= 3
    assert 0 < shop.most["followed"] <= FOLLOWED_MAX / 10
    assert len(shop.presenting) <= 1
    assert shop.presenting.refused <= EVENTS_MAX_PER_MINUTE
    assert (tmp_path / "reader.json").stat().st_size < 40 * KEPT_MAX
    first, _, third = shop.sizes
    assert third - first < GROWS_BYTES_MAX
