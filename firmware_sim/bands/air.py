"""How a shop's air carries what bands say: distance, things, bodies, reflections, loss. Seeded.

The model is the usual one for 2.4 GHz indoors, with figures from the literature:

- path loss: PATH_EXPONENT decades, from REFERENCE_DBM at a metre (ITU-R P.1238-11, retail);
- shadowing by shelves and walls: normal in dB, the same for as long as somebody stands, and
  changing over SHADOW_DISTANCE_M as she walks (Gudmundson, Electronics Letters 27, 1991);
- her own body: up to BODY_DB when it is in between, and she turns now and then;
- reflections: Rician, another draw for each packet and channel;
- loss: of each packet by other traffic, and of all that is below SENSITIVITY_DBM.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

REFERENCE_DBM: Final = -59.0  # at one metre, as beacons are calibrated
PATH_EXPONENT: Final = 2.2
SHADOW_DB: Final = 3.0
SHADOW_DISTANCE_M: Final = 1.5
BODY_DB: Final = 6.0
TURNS_EVERY_S: Final = 60.0  # on average, anywhere
RICIAN_K: Final = 4.0  # the direct path has four times the power of all others: 6 dB
SENSITIVITY_DBM: Final = -94.0
LOST_SHARE: Final = 0.2
ADVERTISED_EVERY_S: Final = 0.2
DELAY_MAX_S: Final = (
    0.01  # random, of each advertisement (Core Specification, vol. 6, part B, 4.4.2)
)
NEAREST_M: Final = 0.1

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs from shop to shop."""

    path_exponent: float = PATH_EXPONENT
    shadow_db: float = SHADOW_DB
    body_db: float = BODY_DB
    # Who walks faces where she goes, until she turns: what is behind her has her body in between.
    faces_ahead: bool = False


USUAL: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver: whose zone it speaks for, and where it hangs, in metres."""

    name: str
    zone: str
    at: Point


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that a receiver has heard."""

    at_s: float
    receiver: Receiver
    dbm: float


class Air:
    """What the receivers hear of one band as its wearer goes about."""

    def __init__(
        self, receivers: Sequence[Receiver], seed: int, around: Surroundings = USUAL
    ) -> None:
        self._receivers, self._around = receivers, around
        self._random = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
        self._shadow = [self._random.gauss(0.0, around.shadow_db) for _ in receivers]
        self._at: Point | None = None
        self._before_s = 0.0
        self._faces = self._random.uniform(-math.pi, math.pi)

    def heard(self, walk: Iterator[tuple[float, Point]]) -> Iterator[Packet]:
        """Yield the packets heard along a walk: (seconds, where) of each advertisement."""
        self._before_s = 0.0
        for at_s, at in walk:
            yield from self.sent(at_s, at)

    def sent(self, at_s: float, at: Point) -> Iterator[Packet]:
        """Yield who hears the one advertisement that is sent there and then."""
        self._move(at, at_s - self._before_s)
        self._before_s = at_s
        for receiver, shadow_db in zip(self._receivers, self._shadow, strict=True):
            dbm = self._level(receiver, at) + shadow_db + self._fade_db()
            if dbm > SENSITIVITY_DBM and self._random.random() > LOST_SHARE:
                yield Packet(at_s, receiver, dbm)

    def _move(self, at: Point, passed_s: float) -> None:
        walked_m = math.dist(at, self._at) if self._at else 0.0
        if self._at and walked_m and self._around.faces_ahead:
            self._faces = math.atan2(at[1] - self._at[1], at[0] - self._at[0])
        self._at = at
        if walked_m:
            keeps = math.exp(-walked_m / SHADOW_DISTANCE_M)
            fresh = self._around.shadow_db * math.sqrt(1.0 - keeps * keeps)
            self._shadow = [keeps * one + self._random.gauss(0.0, fresh) for one in self._shadow]
        if self._random.random() < passed_s / TURNS_EVERY_S:
            self._faces = self._random.uniform(-math.pi, math.pi)

    def _level(self, receiver: Receiver, at: Point) -> float:
        away_m = max(math.dist(receiver.at, at), NEAREST_M)
        where = math.atan2(receiver.at[1] - at[1], receiver.at[0] - at[0])
        # Nothing of her is in the way where she faces; all of her where her back is.
        body_db = self._around.body_db * (1.0 - math.cos(where - self._faces)) / 2.0
        lost_db = 10.0 * self._around.path_exponent * math.log10(away_m)
        return REFERENCE_DBM - lost_db - body_db

    def _fade_db(self) -> float:
        direct = math.sqrt(RICIAN_K / (RICIAN_K + 1.0))
        scattered = math.sqrt(0.5 / (RICIAN_K + 1.0))
        real = direct + self._random.gauss(0.0, scattered)
        imaginary = self._random.gauss(0.0, scattered)
        return 10.0 * math.log10(max(real * real + imaginary * imaginary, 1e-4))


def standing(
    at: Point, for_s: float, seed: int, *, from_s: float = 0.0
) -> Iterator[tuple[float, Point]]:
    """Yield when a band advertises while its wearer stands there."""
    rng = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
    now_s = from_s
    while now_s < from_s + for_s:
        yield now_s, at
        now_s += ADVERTISED_EVERY_S + rng.uniform(0.0, DELAY_MAX_S)


def walking(
    from_: Point, to: Point, seed: int, *, from_s: float = 0.0, metres_per_s: float = 1.2
) -> Iterator[tuple[float, Point]]:
    """Yield when a band advertises, and where, while its wearer walks straight on."""
    rng = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
    for_s = math.dist(from_, to) / metres_per_s
    now_s = from_s
    while now_s < from_s + for_s:
        share = (now_s - from_s) / for_s
        yield now_s, (from_[0] + share * (to[0] - from_[0]), from_[1] + share * (to[1] - from_[1]))
        now_s += ADVERTISED_EVERY_S + rng.uniform(0.0, DELAY_MAX_S)
