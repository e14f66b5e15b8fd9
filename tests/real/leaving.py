"""Shoppers at a tablet in the simulated air, and what is made of whether they have left.

The tablet's receiver is in the tablet. She stands half a metre from it, now and then with the band
smothered: her arm under a coat, her body pressed against it. Test bench and benchmark.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Final

from firmware_sim.bands.air import (
    ADVERTISED_EVERY_S,
    SENSITIVITY_DBM,
    Air,
    Point,
    Receiver,
    Surroundings,
    standing,
    walking,
)
from gateway.presence.leaving import Leaving, Watch
from gateway.presence.service import TURN_S
from store_devices.ble.gathering import GATHERED_EVERY_S, Gatherer

# Who leaves turns her back; what the other figures of the air do without.
USUAL: Final = Surroundings(faces_ahead=True)
HARDER: Final = Surroundings(path_exponent=2.6, shadow_db=4.0, body_db=9.0, faces_ahead=True)
OWN: Final = Receiver("tablet", "", (0.0, 0.0))
WATCH: Final = Watch(1, OWN.name, "tab-1")
STANDS_S: Final = 900.0
NEAREST_M, FARTHEST_M = 0.35, 0.8  # where people stand who use a tablet on a table
OUT_OF_REACH_M: Final = 1.5  # an arm and a step: from here on she does not use it any more
WALKS_TO_M: Final = 14.0
# She has just held her band to it: so strong is one that lies on the reader.
TAPS_S: Final = 2.0
TAPS_DBM: Final = -33.0
SMOTHERED_PER_HOUR: Final = 12.0
SMOTHERED_DB: Final = 25.0  # a band between two bodies, or under a wet coat
SMOTHERED_MAX_S: Final = 2.5
NEVER_S: Final = 99.0

Walk = Iterator[tuple[float, Point]]


@dataclass(frozen=True, slots=True)
class Told:
    """When screens were veiled and unveiled, and when the visit was over."""

    veils: tuple[tuple[float, bool], ...]
    gone_s: float | None


def told(
    walk: Walk,
    seed: int,
    around: Surroundings = USUAL,
    smothered: tuple[tuple[float, float], ...] = (),
) -> Told:
    """Let somebody hold her band there, and go about; return what is made of it.

    The receiver reports each half second.
    """
    rng = Random(seed)
    leaving, gatherer = Leaving(), Gatherer()
    leaving.watch({WATCH}, 0.0)
    turn_s, report_s = 0.0, rng.uniform(0.0, GATHERED_EVERY_S)
    veils: list[tuple[float, bool]] = []
    air = Air([OWN], seed, around)
    waits = list(smothered)
    for at_s, at in walk:
        while turn_s + TURN_S <= at_s:
            turn_s += TURN_S
            if turn_s >= report_s:
                for level in gatherer.take():
                    leaving.hear(WATCH.band, WATCH.receiver, level.dbm, turn_s)
                report_s += GATHERED_EVERY_S
            veils += [(turn_s, one.drawn) for one in leaving.veils(turn_s)]
            if leaving.gone(turn_s):
                return Told(tuple(veils), turn_s)
        while waits and at_s > waits[0][1]:
            waits.pop(0)
        less_db = SMOTHERED_DB if waits and at_s >= waits[0][0] else 0.0
        for packet in air.sent(at_s, at):
            dbm = TAPS_DBM if at_s < TAPS_S else packet.dbm - less_db
            if dbm > SENSITIVITY_DBM:
                gatherer.hear(b"frame", dbm)
    return Told(tuple(veils), None)


def standing_at_it(
    hours: float, around: Surroundings = USUAL, per_hour: float = SMOTHERED_PER_HOUR
) -> tuple[float, float, float]:
    """Return of people at their tablet: veils, longest veil in s, and visits ended, an hour."""
    veils, longest_s, ended = 0, 0.0, 0
    visits = int(hours * 3600 / STANDS_S)
    for seed in range(visits):
        rng = Random(seed)
        at = (rng.uniform(NEAREST_M, FARTHEST_M), 0.0)
        begins = sorted(
            rng.uniform(0.0, STANDS_S) for _ in range(round(per_hour * STANDS_S / 3600))
        )
        smothered = tuple((one, one + rng.uniform(0.5, SMOTHERED_MAX_S)) for one in begins)
        found = told(standing(at, STANDS_S, seed), seed, around, smothered)
        ended += found.gone_s is not None
        began_s = 0.0
        for at_s, veiled in found.veils:
            veils += veiled
            if veiled:
                began_s = at_s
            else:
                longest_s = max(longest_s, at_s - began_s)
    return veils / hours, longest_s, ended / hours


def hidden_after_s(
    count: int, *, metres_per_s: float = 1.2, around: Surroundings = USUAL
) -> tuple[list[float], list[float]]:
    """Return, shortest first, how long after she was out of reach nothing of her was shown.

    And how long after it her visit was over. NEVER_S for one that was not.
    """
    hidden, over = [], []
    for seed in range(1000, 1000 + count):
        rng = Random(seed)
        at = (rng.uniform(NEAREST_M, FARTHEST_M), 0.0)
        waits = list(standing(at, rng.uniform(20.0, 40.0), seed))
        from_s = waits[-1][0] + ADVERTISED_EVERY_S
        goes = list(walking(at, (WALKS_TO_M, 0.0), seed, from_s=from_s, metres_per_s=metres_per_s))
        stays = standing((WALKS_TO_M, 0.0), 15.0, seed, from_s=goes[-1][0] + ADVERTISED_EVERY_S)
        found = told(chain(waits, goes, stays), seed, around)
        out_s = from_s + (OUT_OF_REACH_M - at[0]) / metres_per_s
        shown = [one for one in found.veils if one[0] >= from_s]
        gone_s = found.gone_s or NEVER_S + out_s
        for_good = shown[-1][0] if shown and shown[-1][1] else gone_s
        hidden.append(for_good - out_s)
        over.append(gone_s - out_s)
    return sorted(hidden), sorted(over)
