"""What was heard of each frame in half a second, as one figure. Pure.

A band is heard a few times a second on three channels. A single packet says little: it may
have met its own reflection and lost 20 dB. So a receiver passes on, each half second and for
each frame, how strong the better half of its packets was, and how many there were.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

GATHERED_EVERY_S: Final = 0.5
# Of frames nobody knows: a street of phones outside the window must not fill the memory.
FRAMES_MAX: Final = 2_000
PACKETS_MAX: Final = 64  # of one frame in one turn; a band sends five a second


@dataclass(frozen=True, slots=True)
class Level:
    """How a frame was heard in one turn: ``dbm`` of the better half of ``packets``."""

    frame: bytes
    dbm: float
    packets: int


class Gatherer:
    """Collects what one receiver hears, turn by turn. For one thread."""

    def __init__(self) -> None:
        self._heard: dict[bytes, list[float]] = defaultdict(list)
        self.crowded_out = 0  # packets of frames beyond FRAMES_MAX

    def hear(self, frame: bytes, dbm: float) -> None:
        """Take in a packet."""
        if frame not in self._heard and len(self._heard) >= FRAMES_MAX:
            self.crowded_out += 1
            return
        packets = self._heard[frame]
        if len(packets) < PACKETS_MAX:
            packets.append(dbm)

    def take(self) -> list[Level]:
        """Return what this turn has brought, and begin the next."""
        heard, self._heard = self._heard, defaultdict(list)
        return [Level(frame, level_of(packets), len(packets)) for frame, packets in heard.items()]


def level_of(packets: list[float]) -> float:
    """Return the mean of the better half of what was heard, in dBm.

    Fading is lopsided: reflections rarely add 3 dB and easily take 20. The plain mean of a few
    packets is drawn down by one of them; the strongest alone jumps about.
    """
    better = sorted(packets, reverse=True)[: (len(packets) + 1) // 2]
    return sum(better) / len(better)
