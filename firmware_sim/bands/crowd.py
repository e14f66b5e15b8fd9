"""Hundreds of bands on one floor, in one process and in simulated time: also broken and bad ones.

What each receiver makes of its packets is the receivers' own code. Nothing waits: an hour goes by
as fast as the machine works.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from firmware_sim.bands.air import DELAY_MAX_S, SENSITIVITY_DBM, USUAL, Air, Point, Receiver
from firmware_sim.bands.air import Surroundings as Around
from firmware_sim.bands.battery import Battery
from firmware_sim.bands.firmware import Band
from gateway.wire.band import FRAME_BYTES, BandState
from store_devices.ble.gathering import GATHERED_EVERY_S, Gatherer, Level

Where = Callable[[float], Point]
"""Where somebody is at a moment, in seconds."""

WALKS_M_PER_S: Final = (0.5, 1.5)
STAYS_S: Final = (2.0, 30.0)


@dataclass(frozen=True, slots=True)
class Report:
    """What one receiver passes on after a turn."""

    at_s: float
    receiver: str
    levels: list[Level]


@dataclass
class Sender:
    """Something that advertises: a band, or what pretends to be one.

    ``records``: it says over and over what the band said when it began, as a recorder does.
    """

    band: Band
    where: Where
    battery: Battery = field(default_factory=Battery)
    records: bool = False
    kept: bytes = b""

    def frame(self, now_s: float) -> bytes:
        """Return what it says now."""
        if self.kept:
            return self.kept
        left, state = self.battery.left_percent(now_s), self.band.state
        if left != state.battery_percent:
            self.band.state = BandState(left, state.presses, state.worn)
        frame = self.band.advert(now_s).payload[-FRAME_BYTES:]
        if self.records:
            self.kept = frame
        return frame


class Crowd:
    """Everybody on a floor. For one thread."""

    def __init__(self, receivers: Sequence[Receiver], seed: int, around: Around = USUAL) -> None:
        self._receivers, self._around = receivers, around
        self._random = Random(seed)  # noqa: S311 - a simulation that can be repeated
        self._gatherers = {one.name: Gatherer() for one in receivers}
        self._senders: list[tuple[Sender, Air]] = []
        self._due: list[tuple[float, int]] = []
        self._turn_s = GATHERED_EVERY_S

    def add(self, sender: Sender) -> None:
        """Let it begin to advertise."""
        air = Air(self._receivers, self._random.getrandbits(32), self._around)
        heapq.heappush(self._due, (self._random.uniform(0.0, 0.2), len(self._senders)))
        self._senders.append((sender, air))

    def reports(self, until_s: float) -> Iterator[Report]:
        """Let time go by; yield what the receivers report, in order."""
        while self._turn_s <= until_s:
            while self._due and self._due[0][0] < self._turn_s:
                self._send(*heapq.heappop(self._due))
            for name, gatherer in self._gatherers.items():
                yield Report(self._turn_s, name, gatherer.take())
            self._turn_s += GATHERED_EVERY_S

    def _send(self, now_s: float, number: int) -> None:
        sender, air = self._senders[number]
        every_s = sender.battery.every_s(now_s)
        if every_s is None:
            return  # dead, and never again
        frame, weaker_db = sender.frame(now_s), sender.battery.weaker_db(now_s)
        for packet in air.sent(now_s, sender.where(now_s)):
            if packet.dbm - weaker_db > SENSITIVITY_DBM:
                self._gatherers[packet.receiver.name].hear(frame, packet.dbm - weaker_db)
        next_s = now_s + every_s + self._random.uniform(0.0, DELAY_MAX_S)
        heapq.heappush(self._due, (next_s, number))


def still(at: Point) -> Where:
    """Return the way of somebody who stands there."""
    return lambda _: at


def strolling(width_m: float, depth_m: float, seed: int) -> Where:
    """Return the way of somebody who goes from place to place, and stays a while at each."""
    rng = Random(seed)  # noqa: S311 - a simulation that can be repeated

    def place() -> Point:
        return rng.uniform(0.0, width_m), rng.uniform(0.0, depth_m)

    legs = [(0.0, 0.0, place())]  # it leaves then, arrives then, there

    def where(now_s: float) -> Point:
        while legs[-1][1] <= now_s:
            leaves_s = legs[-1][1] + rng.uniform(*STAYS_S)
            to, before = place(), legs[-1][2]
            way_m = ((to[0] - before[0]) ** 2 + (to[1] - before[1]) ** 2) ** 0.5
            legs.append((leaves_s, leaves_s + way_m / rng.uniform(*WALKS_M_PER_S), to))
            del legs[:-2]
        (_, _, before), (leaves_s, arrives_s, to) = legs[-2], legs[-1]
        share = min(1.0, max(0.0, (now_s - leaves_s) / (arrives_s - leaves_s)))
        return before[0] + share * (to[0] - before[0]), before[1] + share * (to[1] - before[1])

    return where
