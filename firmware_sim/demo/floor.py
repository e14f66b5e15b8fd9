"""Shoppers with wristbands on the floor of one shop: they walk from zone to zone, come and go.

The radios are simulated, receivers and server run their own code; the staff's page of the floor
shows what those make of it.
"""

import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from firmware_sim.bands.air import Point, Receiver
from firmware_sim.bands.ether import Walkers
from firmware_sim.bands.radios import Radios
from firmware_sim.bands.welcome import MadeBand, WelcomeDesk
from firmware_sim.shop import Shop
from store_devices.enrolling import enrol

SIDE_M: Final = 6.0
GAP_M: Final = 0.4
# Two rows of two: small enough that a demo's few shoppers make a difference, as many receivers as
# a laptop plays beside all else.
ZONES: Final = (("A", 0, 0), ("B", 1, 0), ("C", 0, 1), ("D", 1, 1))
SHOPPERS: Final = 6
WALKS_M_PER_S: Final = 1.2
STEP_S: Final = 0.2
STANDS_S: Final = (8.0, 25.0)
GREETINGS: Final = (("Dana", "en"), ("Noa", "he"), ("Ewa", "pl"), ("", "en"))
FOLLOWED: Final = 5  # one of them did not agree, and is not on the map
JOIN_S: Final = 10.0
FIRMWARE: Final = "demo"


class BandedShoppers:
    """Who walks about on the floor of ``location``. ``start``, then ``close``."""

    def __init__(self, shop: Shop, location: str, seed: int, stopping: threading.Event) -> None:
        self._shop, self._location, self._stopping = shop, location, stopping
        self._dice = Random(f"floor {seed}")  # noqa: S311 - repeatable on purpose
        self._radios: Radios | None = None
        self._thread: threading.Thread | None = None
        self._where: dict[str, Point] = {}

    def start(self, folder: Path, *, number: str, pin: str) -> None:
        """Hang up receivers, draw the floor, hand bands out as the colleague with this PIN.

        Raises:
            CarryoverError: something refuses; nobody walks then.
        """
        hung: list[Receiver] = []
        enrolled = []
        tokens = self._shop.tokens(self._location, "Receiver", "receiver", len(ZONES))
        for (zone, column, row), token in zip(ZONES, tokens, strict=True):
            identity = enrol(self._shop.url, token, FIRMWARE)
            enrolled.append(identity)
            middle = (_edge(column) + SIDE_M / 2, _edge(row) + SIDE_M / 2)
            hung.append(Receiver(identity.device_id, zone, middle))
        walkers = Walkers(hung, self._dice.getrandbits(32), time.monotonic)
        radios = self._radios = Radios(walkers)
        radios.start()
        for identity in enrolled:
            radios.receiver(identity, folder / identity.device_id)
        self._draw(folder / "floor.toml", hung)
        desk = WelcomeDesk(self._shop, self._location, number=number, pin=pin)
        try:
            bands = desk.make(SHOPPERS)
            for place, band in enumerate(bands):
                greeting, locale = GREETINGS[place % len(GREETINGS)]
                follow = place < FOLLOWED
                desk.hand_out(band.number, greeting=greeting, locale=locale, follow=follow)
        finally:
            desk.close()
        self._enter(walkers, radios, bands)
        self._thread = threading.Thread(
            target=self._walk, args=(walkers,), name="banded shoppers", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Let everybody stand still, and switch the radios off."""
        if self._thread is not None:
            self._thread.join(JOIN_S)
        if self._radios is not None:
            self._radios.stop()

    def _draw(self, file: Path, hung: Sequence[Receiver]) -> None:
        lines = []
        for zone, column, row in ZONES:
            left, top = _edge(column), _edge(row)
            area = [left, top, left + SIDE_M, top + SIDE_M]
            lines.append(f'[[zone]]\nid = "{zone}"\nareas = [{area}]\n')
        lines += [f'[[receiver]]\ndevice = "{one.name}"\nat = {list(one.at)}\n' for one in hung]
        file.write_text("".join(lines))
        self._shop.command("gateway.cli", "floor", "load", str(file), "--location", self._location)

    def _enter(self, walkers: Walkers, radios: Radios, bands: Sequence[MadeBand]) -> None:
        for band in bands:
            name = str(band.number)
            self._where[name] = self._spot()
            walkers.place(name, self._where[name])
            radios.band(name, band.secret, battery_percent=self._dice.randrange(20, 100))

    def _spot(self) -> Point:
        """Return a place at which somebody looks at something."""
        _, column, row = self._dice.choice(ZONES)
        at = self._dice.uniform
        return (_edge(column) + at(1, SIDE_M - 1), _edge(row) + at(1, SIDE_M - 1))

    def _walk(self, walkers: Walkers) -> None:
        goals = {name: self._spot() for name in self._where}
        until_s = dict.fromkeys(self._where, 0.0)
        while not self._stopping.wait(STEP_S):
            now_s = time.monotonic()
            for name, at in list(self._where.items()):
                if now_s < until_s[name]:
                    continue
                here = self._where[name] = _towards(at, goals[name], WALKS_M_PER_S * STEP_S)
                walkers.place(name, here)
                if here == goals[name]:
                    until_s[name] = now_s + self._dice.uniform(*STANDS_S)
                    goals[name] = self._spot()


def _edge(place: int) -> float:
    return place * (SIDE_M + GAP_M)


def _towards(at: Point, goal: Point, metres: float) -> Point:
    left_m = math.dist(at, goal)
    if left_m <= metres:
        return goal
    share = metres / left_m
    return (at[0] + share * (goal[0] - at[0]), at[1] + share * (goal[1] - at[1]))
