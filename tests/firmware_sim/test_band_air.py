"""The simulated air is as its figures say: measured on what comes out of it."""

import math
from itertools import pairwise
from statistics import fmean, stdev

import pytest

from firmware_sim.bands.air import (
    ADVERTISED_EVERY_S,
    BODY_DB,
    DELAY_MAX_S,
    LOST_SHARE,
    PATH_EXPONENT,
    REFERENCE_DBM,
    SENSITIVITY_DBM,
    SHADOW_DB,
    Air,
    Packet,
    Point,
    Receiver,
    standing,
    walking,
)

HERE = Receiver("r1", "lamps", (0.0, 0.0))
SHOPPERS = 200


def heard(at: Point, seed: int, for_s: float = 20.0) -> list[Packet]:
    """Return what is heard of somebody who stands there."""
    return list(Air([HERE], seed).heard(standing(at, for_s, seed)))


def mean_of_many(at: Point) -> list[float]:
    """Return the mean level of each of many shoppers who stand there."""
    return [fmean(one.dbm for one in heard(at, seed)) for seed in range(SHOPPERS)]


def test_distance_takes_what_the_exponent_says() -> None:
    """Over many shoppers: twice the distance, 6.6 dB; half of the body on average."""
    near, far = (fmean(mean_of_many((metres, 0.0))) for metres in (1.0, 4.0))
    lost_db = 10 * PATH_EXPONENT * math.log10(4.0)
    assert near - far == pytest.approx(lost_db, abs=1.0)
    # The better packets are heard, the mean of a Rician channel in dB is a little below its power.
    assert near == pytest.approx(REFERENCE_DBM - BODY_DB / 2, abs=1.5)


def test_shelves_shadow_each_place_in_its_own_way() -> None:
    """Between shoppers levels differ as shadows and bodies do; for one who stands they stay."""
    between = stdev(mean_of_many((3.0, 0.0)))
    assert between == pytest.approx(math.hypot(SHADOW_DB, BODY_DB / math.sqrt(8)), rel=0.25)
    one = [fmean(packet.dbm for packet in heard((3.0, 0.0), 5, for_s)) for for_s in (9.0, 10.0)]
    assert abs(one[0] - one[1]) < 1.0


def test_packets_come_as_often_as_they_should() -> None:
    """Five a second less a fifth; with random delays, so that no two bands collide for ever."""
    packets = heard((2.0, 0.0), 1, 600.0)
    sent = 600.0 / (ADVERTISED_EVERY_S + DELAY_MAX_S / 2)
    assert len(packets) == pytest.approx(sent * (1 - LOST_SHARE), rel=0.05)
    gaps = {round(later.at_s - one.at_s, 6) for one, later in pairwise(packets)}
    assert len(gaps) > len(packets) / 2


def test_far_away_nothing_is_heard() -> None:
    """No packet below what a receiver can hear."""
    assert heard((500.0, 0.0), 1) == []
    assert min(packet.dbm for packet in heard((30.0, 0.0), 1, 120.0)) > SENSITIVITY_DBM


def test_who_walks_past_is_heard_rising_and_falling() -> None:
    """Straight past the receiver, at a walk; the strongest second is the one beside it."""
    rises = [0.0] * 20
    for seed in range(60):
        for packet in Air([HERE], seed).heard(walking((-12.0, 1.0), (12.0, 1.0), seed)):
            place = min(int(packet.at_s), 19)
            rises[place] += 10 ** (packet.dbm / 10)
    assert rises.index(max(rises)) in {9, 10}
    assert sum(rises[:5]) < sum(rises[5:10])
    assert sum(rises[10:15]) > sum(rises[15:])


def test_the_same_seed_is_the_same_air() -> None:
    """And another one is not."""
    assert heard((3.0, 0.0), 4) == heard((3.0, 0.0), 4)
    assert heard((3.0, 0.0), 4) != heard((3.0, 0.0), 5)
