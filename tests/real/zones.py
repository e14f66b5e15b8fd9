"""Shoppers with bands in the simulated air, and what the settling of zones makes of them.

Three zones of six by six metres in a row, four receivers in each: test bench and benchmark.
"""

from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Final

from firmware_sim.bands.air import (
    ADVERTISED_EVERY_S,
    USUAL,
    Air,
    Point,
    Receiver,
    Surroundings,
    standing,
    walking,
)
from gateway.presence.changes import Change
from gateway.presence.plan import Area, Plan
from gateway.presence.settling import WALKED_M, Settling
from store_devices.ble.gathering import GATHERED_EVERY_S, Gatherer

SIDE_M: Final = 6.0
ZONES: Final = ("lamps", "sofas", "rugs")
SPOTS: Final = ((1.5, 1.5), (4.5, 1.5), (1.5, 4.5), (4.5, 4.5))
RECEIVERS: Final = [
    Receiver(f"{zone}-{spot}", zone, (SIDE_M * place + x, y))
    for place, zone in enumerate(ZONES)
    for spot, (x, y) in enumerate(SPOTS)
]
PLAN: Final = Plan(
    {
        zone: (Area(SIDE_M * place, 0.0, SIDE_M * (place + 1), SIDE_M),)
        for place, zone in enumerate(ZONES)
    },
    {receiver.name: receiver.at for receiver in RECEIVERS},
)
BAND: Final = 1
NEAR_M: Final = 0.4  # from the boundary, inside
STANDS_S: Final = 900.0
WAITS_S: Final = 20.0
NEVER_S: Final = 99.0

Walk = Iterator[tuple[float, Point]]


def changes(
    walk: Walk, seed: int, settling: Settling, around: Surroundings = USUAL
) -> list[Change]:
    """Let somebody go about; return what is noticed, receivers reporting each half second."""
    gatherers = {receiver.name: Gatherer() for receiver in RECEIVERS}
    found: list[Change | None] = []
    turn_s = GATHERED_EVERY_S
    for packet in Air(RECEIVERS, seed, around).heard(walk):
        while packet.at_s >= turn_s:
            for name, gatherer in gatherers.items():
                found += [settling.hear(BAND, name, level.dbm, turn_s) for level in gatherer.take()]
            found += settling.tick(turn_s)
            turn_s += GATHERED_EVERY_S
        gatherers[packet.receiver.name].hear(b"frame", packet.dbm)
    return [change for change in found if change]


def wrong_per_hour(
    hours: float, walked_m: float = WALKED_M, *, around: Surroundings = USUAL
) -> float:
    """Return how often an hour somebody who stands beside a boundary is taken to be beyond it.

    She comes from the middle of her zone; another shopper, and place, each quarter of an hour.
    """
    wrong = 0
    for seed in range(int(hours * 3600 / STANDS_S)):
        at = (SIDE_M - NEAR_M, Random(seed).uniform(0.5, SIDE_M - 0.5))
        comes = list(walking((3.0, 3.0), at, seed))
        from_s = comes[-1][0] + ADVERTISED_EVERY_S
        walk = chain(comes, standing(at, STANDS_S, seed, from_s=from_s))
        found = changes(walk, seed, Settling(PLAN, walked_m=walked_m), around)
        wrong += sum(one.zone != ZONES[0] and one.at_s > from_s for one in found)
    return wrong / hours


def noticed_after_s(
    count: int,
    walked_m: float = WALKED_M,
    *,
    metres_per_s: float = 1.2,
    around: Surroundings = USUAL,
) -> list[float]:
    """Return, shortest first, how long after crossing the boundary each move was noticed.

    From the middle of one zone to the middle of the next; NEVER_S for one that was not, or that
    was taken back.
    """
    late = []
    for seed in range(1000, 1000 + count):
        down = Random(seed).uniform(0.5, SIDE_M - 0.5)
        waits = list(standing((3.0, down), WAITS_S, seed))
        from_s = waits[-1][0] + ADVERTISED_EVERY_S
        goes = list(
            walking((3.0, down), (9.0, down), seed, from_s=from_s, metres_per_s=metres_per_s)
        )
        stays_s = goes[-1][0] + ADVERTISED_EVERY_S
        stays = standing((9.0, down), 15.0, seed, from_s=stays_s)
        settling = Settling(PLAN, walked_m=walked_m)
        found = changes(chain(waits, goes, stays), seed, settling, around)
        arrived = [one.at_s for one in found if one.zone == ZONES[1] and one.at_s > from_s]
        crossed_s = from_s + 3.0 / metres_per_s
        there = settling.zone_of(BAND) == ZONES[1]
        late.append(arrived[-1] - crossed_s if there and arrived else NEVER_S)
    return sorted(late)
