"""Wearers in the simulated air, honest and not, and what is made of whether a band is two.

A hall of 40 by 20 m with eight receivers, 10 m apart. Test bench and benchmark.
"""

from itertools import chain
from random import Random
from typing import Final

from firmware_sim.bands.air import Air, Receiver, Surroundings, standing, walking
from firmware_sim.bands.battery import Battery
from firmware_sim.bands.crowd import Crowd, Sender, still
from firmware_sim.bands.firmware import Band
from gateway.presence.doubting import Doubt, Doubting
from gateway.wire.band import BandState
from store_devices.ble.gathering import GATHERED_EVERY_S, Gatherer

HERE: Final = "mill-lane"
# What the thresholds do not expect: levels fall slowly, and shadows are deep.
HARDER: Final = Surroundings(path_exponent=1.8, shadow_db=5.0, body_db=9.0)
RECEIVERS: Final = [
    Receiver(f"rcv-{x}-{y}", "", (5.0 + 10.0 * x, 5.0 + 10.0 * y))
    for x in range(4)
    for y in range(2)
]
WATCHED_S: Final = 120.0
NEVER_S: Final = 999.0


def watching() -> Doubting:
    """Return one that knows the hall."""
    made = Doubting()
    made.hang({(HERE, each.name): each.at for each in RECEIVERS})
    return made


def wearer(seed: int, minutes: float, around: Surroundings) -> list[Doubt]:
    """Let somebody walk about a hall with a band, pressing its button; receivers in a grid."""
    rng = Random(seed)
    one = watching()
    band, gatherers = Band(b"sixteen bytes it", 1e5), {each.name: Gatherer() for each in RECEIVERS}
    at, walk, now_s = (1.0, 1.0), [], 0.0
    while now_s < minutes * 60:
        to = rng.choice([each.at for each in RECEIVERS])
        goes = list(walking(at, to, seed, from_s=now_s, metres_per_s=rng.uniform(0.7, 3.0)))
        from_s = goes[-1][0] if goes else now_s
        stays = list(standing(to, rng.uniform(1.0, 20.0), seed, from_s=from_s + 0.2))
        walk.append(chain(goes, stays))
        at, now_s = to, stays[-1][0] + 0.2
    found, turn_s, pressed_s = [], GATHERED_EVERY_S, 0.0
    for packet in Air(RECEIVERS, seed, around).heard(chain.from_iterable(walk)):
        while packet.at_s >= turn_s:
            for name, gatherer in gatherers.items():
                late_s = turn_s + rng.uniform(0.0, 0.3)
                found += [one.hear(1, level.frame, (HERE, name), level.dbm, late_s)
                          for level in gatherer.take()]  # fmt: skip
            turn_s += GATHERED_EVERY_S
        if packet.at_s - pressed_s > 15.0:
            band.press()
            band.state = BandState(80, band.state.presses)
            pressed_s = packet.at_s
        gatherers[packet.receiver.name].hear(band.advert(packet.at_s).payload, packet.dbm)
    return [doubt for doubt in found if doubt]


def doubted_after_s(count: int, *, replayed: bool) -> list[float]:
    """Return, shortest first, how long it takes until a band that is two is doubted.

    One is held half a metre from a receiver, the other from one 20 m away; or, ``replayed``, both
    are at the same one, and one of them says for ever what the other said at the beginning.
    """
    took = []
    for seed in range(count):
        crowd, one = Crowd(RECEIVERS, seed), watching()
        band = Band(Random(seed).randbytes(16), 1e5)
        near, far = (RECEIVERS[at].at for at in (0, 4))
        battery = Battery(90.0, lasts_s=1_000.0)  # it says something new each ten seconds
        crowd.add(Sender(band, still((near[0] + 0.5, near[1])), battery))
        if replayed:
            crowd.add(Sender(band, still(near), battery, records=True))
        else:
            there = still((far[0] - 0.5, far[1]))
            crowd.add(Sender(Band(band.secret, band.clock_s), there, battery))
        found = (
            report.at_s
            for report in crowd.reports(WATCHED_S)
            for level in report.levels
            if one.hear(1, level.frame, (HERE, report.receiver), level.dbm, report.at_s)
        )
        took.append(next(found, NEVER_S))
    return sorted(took)
