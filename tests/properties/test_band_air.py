"""Somebody who only listens cannot tell which band of this period was which of the last one.

A thousand bands, two periods, and a listener who knows the layout and has a computer. Beside
each check stands a careless band that it catches: a check that could not fail shows nothing.
"""

import random
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

from firmware_sim.bands.firmware import Band
from gateway.wire.band import PERIOD_S, BandState

BANDS: Final = 1_000
# Of a thousand guesses one is right by chance; eleven in one of ten million tries (Poisson).
GUESSED_BY_CHANCE: Final = 11
# An address' first byte has 6 bits that are drawn, so it is the same again in one of 64: 15.6 of
# a thousand; 42 or more in one of ten million (binomial).
SAME_BY_CHANCE: Final = 42
# What a listener compares: address, identifier, salt with state and tag, and the whole.
FIELDS: Final = (slice(0, 48), slice(112, 176), slice(176, 240), slice(0, 240))
# Of 34,000 correlations of a thousand pairs one beyond this in a thousand tries (normal).
SIGMAS: Final = 5.8
# 255 degrees of freedom: one in a million tries is beyond (chi squared).
CHI_SQUARED_MAX: Final = 373.0

Bits = np.ndarray[Any, np.dtype[np.uint8]]
Careless = Callable[[int, int, bytes], bytes]


def heard(period: int, careless: Careless | None = None) -> Bits:
    """Return what each band says in a period, address and payload, a row of bits for each."""
    rng = random.Random(11)
    rows = []
    for number in range(BANDS):
        state = BandState(rng.randrange(101), rng.randrange(256))
        band = Band(rng.randbytes(16), clock_s=rng.uniform(0, 1e7), state=state)
        start_s = band.clock_s - band.clock_s % PERIOD_S  # all change at once: no time tells
        advert = Band(band.secret, clock_s=start_s, state=state).advert(period * PERIOD_S)
        said = advert.address + advert.payload
        rows.append(careless(number, period, said) if careless else said)
    return np.unpackbits(np.array([list(row) for row in rows], dtype=np.uint8), axis=1)


def keeps_its_address(number: int, _period: int, said: bytes) -> bytes:
    """The identifier changes, the address does not."""
    return bytes([number >> 8, number & 255, 0, 7, 7, 7]) + said[6:]


def tells_its_battery(number: int, _period: int, said: bytes) -> bytes:
    """One byte in clear is enough to tell a hundred bands apart."""
    return said[:-1] + bytes([number % 101])


def counts_on(number: int, period: int, said: bytes) -> bytes:
    """The identifier is a number that goes on by one."""
    return said[:14] + (number * 7_919 + period).to_bytes(8, "big") + said[22:]


def mirrors_itself(number: int, period: int, said: bytes) -> bytes:
    """Every bit is another one the next time, so nothing is ever the same."""
    if period % 2:
        first = heard_alone(number)
        return said[:14] + bytes(byte ^ 255 for byte in first[14:22]) + said[22:]
    return said


def heard_alone(number: int) -> bytes:
    """Return what a band says in period 0."""
    return np.packbits(PERIOD_0[number]).tobytes()


PERIOD_0: Final = heard(0)


def guessed(before: Bits, after: Bits) -> int:
    """Return how many bands a listener finds again who takes the most alike for the same.

    By the field that serves him best.
    """
    found = []
    for field in FIELDS:
        one, other = before[:, field].astype(np.int32), after[:, field].astype(np.int32)
        apart = one.sum(1)[:, None] + other.sum(1)[None, :] - 2 * one @ other.T
        found.append(int((apart.argmin(axis=0) == np.arange(len(before))).sum()))
    return max(found)


def staying(before: Bits, after: Bits) -> int:
    """Return how many bands have the same byte again, where that is most; not what all have."""
    one, other = np.packbits(before, axis=1), np.packbits(after, axis=1)
    tells = [place for place in range(one.shape[1]) if len({*one[:, place], *other[:, place]}) > 1]
    return max(int((one[:, place] == other[:, place]).sum()) for place in tells)


def tied(before: Bits, after: Bits) -> float:
    """Return the largest correlation of a bit with one of the next period, in sigmas."""
    moving = (before.std(0) > 0) & (after.std(0) > 0)
    one, other = before[:, moving].astype(float), after[:, moving].astype(float)
    one, other = (one - one.mean(0)) / one.std(0), (other - other.mean(0)) / other.std(0)
    return float(np.abs(one.T @ other).max() / np.sqrt(len(before)))


def test_a_listener_does_no_better_than_chance() -> None:
    """Whether he looks for what is alike, for what stays, or for what goes together."""
    before, after = heard(1), heard(2)
    assert guessed(before, after) < GUESSED_BY_CHANCE
    assert staying(before, after) < SAME_BY_CHANCE
    assert tied(before, after) < SIGMAS


@pytest.mark.parametrize("careless", [keeps_its_address, counts_on])
def test_he_finds_a_band_that_keeps_something_of_its_own(careless: Careless) -> None:
    """By what is alike."""
    assert guessed(heard(1, careless), heard(2, careless)) > BANDS / 2


@pytest.mark.parametrize("careless", [keeps_its_address, tells_its_battery, counts_on])
def test_he_finds_a_byte_that_stays(careless: Careless) -> None:
    """Even if many bands have the same."""
    assert staying(heard(1, careless), heard(2, careless)) > BANDS / 2


def test_he_finds_a_band_whose_bits_go_together() -> None:
    """Where nothing stays the same, what always changes tells as much."""
    assert tied(PERIOD_0, heard(1, mirrors_itself)) > SIGMAS


def test_what_looks_random_is_spread_like_it() -> None:
    """Identifier, state and tag of 40 periods: each byte as often as any other."""
    said = np.packbits(np.concatenate([heard(period) for period in range(8)]), axis=1)
    for from_, to in ((14, 22), (23, 30)):
        counts = np.bincount(said[:, from_:to].ravel(), minlength=256)
        expected = counts.sum() / 256
        assert float(((counts - expected) ** 2 / expected).sum()) < CHI_SQUARED_MAX


def test_the_rest_is_the_same_for_every_band() -> None:
    """Flags, company, version and the first salt of a period: nothing to tell bands apart by."""
    said = np.packbits(np.concatenate([heard(3), heard(4)]), axis=1)
    for place in (*range(6, 14), 22):
        assert len(set(said[:, place])) == 1, place
