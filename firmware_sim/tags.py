"""An RFID reader over a fitting room, without hardware: hears what is in it, and some outside.

A field of tags: those in the room drop out now and then, one behind a body for some seconds;
rails outside and the room next door leak in weakly. Owns no rule of what is inside.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin

INSIDE_HEARD: Final = 0.95  # of rounds: a tag on a hanger, now and then behind a body
OUTSIDE_HEARD: Final = 0.3  # through a curtain, two metres off
HIDDEN_ROUNDS_MAX: Final = 12  # three seconds behind a body, as somebody dresses
ROUND_S: Final = 0.25


def instantly(_seconds: float) -> None:
    """Let no time pass."""


class SimulatedTagReader:
    """Implements ``store_devices.hardware.TagReader``; ``seed`` makes its rounds repeatable.

    ``hides``: the chance that a tag in the room is lost in a round for up to three seconds.
    ``wait``: how a round's time passes; by default none does.
    """

    def __init__(
        self, seed: int, *, hides: float = 0.0, wait: Callable[[float], object] = instantly
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self._hides = hides
        self._wait = wait
        self._lock = threading.Lock()
        self._hidden: dict[bytes, int] = {}
        self.inside: set[bytes] = set()
        self.outside: set[bytes] = set()
        self.works = True
        self._closed = False

    def plugged_in(self) -> "SimulatedTagReader":
        """Open it, again if it was closed."""
        self._closed = False
        return self

    def bring_in(self, gtin: Gtin, serial: int = 1) -> None:
        """Carry one piece into the room."""
        with self._lock:
            self.inside.add(epc_of(gtin, serial))

    def carry_out(self, gtin: Gtin, serial: int = 1) -> None:
        """Carry one piece out of the room, and away."""
        with self._lock:
            self.inside.discard(epc_of(gtin, serial))

    def read(self) -> Collection[bytes] | None:
        """Return the tags of the next round.

        Raises:
            Unavailable: it was said not to work.
        """
        self._wait(ROUND_S)
        if self._closed:
            return None
        if not self.works:
            msg = "the reader of tags is unplugged"
            raise Unavailable(msg)
        with self._lock:
            heard = [epc for epc in sorted(self.outside) if self._random.random() < OUTSIDE_HEARD]
            return heard + [epc for epc in sorted(self.inside) if self._hears(epc)]

    def _hears(self, epc: bytes) -> bool:
        if self._hidden.get(epc, 0) > 0:
            self._hidden[epc] -= 1
            return False
        if self._hides and self._random.random() < self._hides:
            self._hidden[epc] = self._random.randint(1, HIDDEN_ROUNDS_MAX)
            return False
        return self._random.random() < INSIDE_HEARD

    def close(self) -> None:
        """Hear nothing more."""
        self._closed = True


def opened() -> SimulatedTagReader:
    """Open a reader of one piece for a look: ``MIRROR_TAGS=firmware_sim.tags:opened``.

    ``SIM_TAGS`` names the pieces in the room by their codes, with commas between.
    """
    reader = SimulatedTagReader(1, hides=0.01, wait=time.sleep)
    for code in filter(None, os.environ.get("SIM_TAGS", "").split(",")):
        reader.bring_in(Gtin.parse(code))
    return reader


def epc_of(gtin: Gtin, serial: int) -> bytes:
    """Return an SGTIN-96 (12 bytes) of one piece, its company prefix taken to have 7 digits.

    ``serial``: below 2^38.
    """
    indicator, company, item = gtin[0], gtin[1:8], gtin[8:13]
    bits = 0x30
    for value, length in ((1, 3), (5, 3), (int(company), 24), (int(indicator + item), 20)):
        bits = bits << length | value
    return (bits << 38 | serial).to_bytes(12)
