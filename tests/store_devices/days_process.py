"""Three days of a whole receiver in a process of its own: FOLDER. Prints what it held, as JSON.

It is the installed one, with its spool and without a network: what was held to it is kept, and
what is only heard is let go. Its radio and the time are the test's. Nothing else runs in the
process, so what grows there grew in the receiver.
"""

import asyncio
import gc
import json
import random
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Final

from bleak.backends.device import BLEDevice

from cart.kernel.ids import SeededIds
from gateway.wire.band import FRAME_BYTES, VERSION
from store_devices.ble.listening import Patience
from store_devices.ble.radio import Hear
from store_devices.ble.receiver import Receiver
from store_devices.ble.settings import ReceiverSettings
from tests.fakes.clock import FakeClock
from tests.fakes.radio_bench import identity_at

DAY_S: Final = 86_400.0
DAYS: Final = 3
PACKETS: Final = 4  # of one band while it is near, in one turn of the watch
LOOKS_EVERY_S: Final = 30.0  # the watch of the radio does, at an eighth of its patience
HEALTH_EVERY_S: Final = 3_600.0  # a disk's patience is not tested
FRAMES: Final = 4  # of what grew, to be told where
WORST: Final = 8  # places where most grew


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
        self.held_bytes: list[int] = []
        self._pictures: list[tracemalloc.Snapshot] = []
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
        if self.clock.monotonic() - self.began_s >= DAY_S * (len(self.held_bytes) + 1):
            gc.collect()
            self.held_bytes.append(tracemalloc.get_traced_memory()[0])
            if len(self.held_bytes) in (1, DAYS):
                self._pictures.append(tracemalloc.take_snapshot())
            if len(self.held_bytes) == DAYS:
                raise asyncio.CancelledError

    def grew(self) -> list[str]:
        """Say where most of what the last day ends with beyond the first was made."""
        first, last = self._pictures
        return [str(one) for one in last.compare_to(first, "traceback")[:WORST]]


def main(folder: Path) -> None:
    """Play it, and print what there was to see."""
    shop = Shop(folder)
    receiver = shop.receiver
    tracemalloc.start(FRAMES)
    with suppress(asyncio.CancelledError):
        asyncio.run(receiver.listening.run())
    tracemalloc.stop()
    health = receiver.health()
    seen = {
        "bands": shop.bands,
        "starts": shop.starts,
        "most": shop.most,
        "held_bytes": shop.held_bytes,
        "grew": shop.grew(),
        "spooled": health.spool_events,
        "dropped": health.spool_dropped,
        "telemetry": len(receiver.telemetry),
        "let_go": health.sightings_dropped,
    }
    receiver.spool.close()
    receiver.telemetry.close()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
