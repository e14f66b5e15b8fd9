"""An RFID reader over a fitting room, without hardware: hears what is in it, and some outside."""

import random
from collections.abc import Collection
from typing import Final

from cart.kernel.gtin import Gtin

INSIDE_HEARD: Final = 0.95  # of rounds: a tag on a hanger, now and then behind a body
OUTSIDE_HEARD: Final = 0.3  # through a curtain, two metres off


class SimulatedTagReader:
    """Implements ``store_devices.hardware.TagReader``; ``seed`` makes its rounds repeatable."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a simulation
        self.inside: set[bytes] = set()
        self.outside: set[bytes] = set()
        self._closed = False

    def read(self) -> Collection[bytes] | None:
        """Return the tags of the next round, at once."""
        if self._closed:
            return None
        chance = {**dict.fromkeys(self.outside, OUTSIDE_HEARD)}
        chance |= dict.fromkeys(self.inside, INSIDE_HEARD)
        return [epc for epc in sorted(chance) if self._random.random() < chance[epc]]

    def close(self) -> None:
        """Hear nothing more."""
        self._closed = True


def epc_of(gtin: Gtin, serial: int) -> bytes:
    """Return an SGTIN-96 (12 bytes) of one piece, its company prefix taken to have 7 digits.

    ``serial``: below 2^38.
    """
    indicator, company, item = gtin[0], gtin[1:8], gtin[8:13]
    bits = 0x30
    for value, length in ((1, 3), (5, 3), (int(company), 24), (int(indicator + item), 20)):
        bits = bits << length | value
    return (bits << 38 | serial).to_bytes(12)
