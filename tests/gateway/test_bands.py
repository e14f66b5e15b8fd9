"""A wristband's frame, and the table that says whose it is."""

import random
from dataclasses import replace

import pytest

from firmware_sim.bands.firmware import Band
from gateway.presence.resolving import AHEAD_MIN_S, DROPPED_SPAN_S, PERIODS_MAX, Resolver
from gateway.wire.band import (
    FRAME_BYTES,
    IDENTIFIER_BYTES,
    PERIOD_S,
    BandKey,
    BandState,
    identifier_in,
)

SECRET = bytes(range(16))
DAY_S = 86_400.0
STATE = BandState(battery_percent=87, presses=3)
HEAD = 3 + 4  # flags, then length, type and company


def frame_of(band: Band, now_s: float) -> bytes:
    """Return what of an advertisement is the frame."""
    return band.advert(now_s).payload[HEAD:]


def bands(count: int, seed: int = 7) -> list[Band]:
    """Make bands that were set up at one moment, with clocks that drift."""
    rng = random.Random(seed)
    return [
        Band(rng.randbytes(16), clock_s=rng.uniform(0, 30 * DAY_S), drift=rng.uniform(-1, 1) * 2e-4)
        for _ in range(count)
    ]


def known(them: list[Band], now_s: float = 0.0) -> Resolver:
    """Return a table that knows them as the welcome desk does: to the second."""
    resolver = Resolver()
    for number, band in enumerate(them):
        resolver.add(number, BandKey(band.secret), now_s, clock_s=band.clock(now_s), off_s=1.0)
    return resolver


def test_the_layout_is_the_one_that_is_written_down() -> None:
    """For whoever makes a band: these bytes of docs/wristband.md, and no other."""
    key = BandKey(SECRET)
    frame = key.frame(300, 2, STATE)
    assert frame.hex() == "01d6a123e86559594302794f06fac18378"
    assert len(frame) == FRAME_BYTES
    assert identifier_in(frame) == key.identifier(300)
    assert key.opened(frame, 300) == STATE
    assert key.opened(key.frame(300, 0, BandState()), 300) == BandState()


def test_an_advertisement_fits_into_the_air() -> None:
    """31 bytes are all that a legacy advertisement has; the address is one of a private kind."""
    advert = Band(SECRET, state=STATE).advert(0.0)
    assert len(advert.payload) <= 31
    assert advert.payload[:HEAD].hex() == "02010614ffffff"
    assert len(advert.address) == 6
    assert advert.address[0] >> 6 == 0


def test_nothing_in_a_frame_can_be_changed() -> None:
    """Each bit of it is under the tag, and so are band and period."""
    key = BandKey(SECRET)
    frame = key.frame(300, 2, STATE)
    for bit in range(8 * IDENTIFIER_BYTES, 8 * FRAME_BYTES):
        forged = bytearray(frame)
        forged[bit // 8] ^= 1 << bit % 8
        assert key.opened(bytes(forged), 300) is None
    assert key.opened(frame, 301) is None
    assert BandKey(bytes(16)).opened(frame, 300) is None


@pytest.mark.parametrize("junk", [b"", b"\x01", bytes(FRAME_BYTES), bytes(FRAME_BYTES + 1)])
def test_what_is_no_frame_is_nobodys(junk: bytes) -> None:
    """Whatever else uses the company's number."""
    assert known(bands(3)).resolve(junk, 0.0) is None


def test_a_secret_of_another_length_is_refused() -> None:
    """Before a band is given out with it."""
    with pytest.raises(ValueError, match="16 bytes, not 15"):
        BandKey(bytes(15))


def test_each_band_is_known_through_weeks_of_drift() -> None:
    """Heard all day long, a clock that is off by 200 in a million is followed for 60 days."""
    them = bands(20)
    resolver = known(them)
    for step in range(60 * 24):
        now_s = step * 3_600.0 + 7.0
        resolver.advance(now_s)
        for number, band in enumerate(them):
            found = resolver.resolve(frame_of(band, now_s), now_s)
            assert found is not None, (number, step)
            assert found.band == number
    assert resolver.identifiers <= 3 * len(them)
    for number, band in enumerate(them):
        low_s, high_s = resolver.clock_of(number, now_s)
        assert low_s <= band.clock(now_s) <= high_s


def test_a_band_that_lay_in_a_drawer_is_known_when_it_comes_back() -> None:
    """For as many days as the periods that are looked for are good; then it is set up anew."""
    fast, slow = (Band(bytes([one] * 16), clock_s=9e6, drift=2e-4) for one in (2, 1))
    slow.drift = -2e-4
    resolver = known([fast, slow])
    for day in range(40):
        for second in range(0, int(DAY_S), 200):
            resolver.advance(day * DAY_S + second)
    now_s = 40 * DAY_S
    resolver.advance(now_s)
    assert [resolver.resolve(frame_of(one, now_s), now_s) is not None for one in (fast, slow)] == [
        True,
        True,
    ]
    assert resolver.identifiers <= 2 * PERIODS_MAX


def test_around_the_change_of_periods_no_frame_is_lost() -> None:
    """The next identifier is in the table before it is heard, each second of three periods."""
    them = bands(50)
    resolver = known(them)
    for now_s in range(3 * PERIOD_S):
        resolver.advance(now_s)
        assert all(resolver.resolve(frame_of(band, now_s), now_s) for band in them)


def test_the_work_is_spread() -> None:
    """Bands that change together are looked at at moments of their own."""
    them = [Band(random.Random(one).randbytes(16)) for one in range(720)]
    resolver = known(them)
    busiest = max(resolver.advance(second) for second in range(1, 3 * PERIOD_S))
    assert busiest <= 2 * len(them) / DROPPED_SPAN_S


def test_a_press_is_news_once() -> None:
    """The same frame again is not; a press that nobody heard is in the next count."""
    band = bands(1)[0]
    resolver = known([band])
    first = resolver.resolve(frame_of(band, 1.0), 1.0)
    again = resolver.resolve(frame_of(band, 2.0), 2.0)
    assert first is not None
    assert again is not None
    assert (first.fresh, again.fresh) == (True, False)
    for _ in range(3):
        band.press()
        band.advert(3.0)
    heard = resolver.resolve(frame_of(band, 4.0), 4.0)
    assert heard is not None
    assert (heard.fresh, heard.state.presses) == (True, 3)


def test_a_forged_state_is_refused_and_counted() -> None:
    """Somebody heard the identifier, and has not the key."""
    band = bands(1)[0]
    resolver = known([band])
    frame = bytearray(frame_of(band, 1.0))
    frame[-1] ^= 1
    assert resolver.resolve(bytes(frame), 1.0) is None
    assert resolver.forged == 1


def test_a_frame_of_yesterday_is_nobodys() -> None:
    """Kept and sent again it says nothing; within its period it says nothing new."""
    band = bands(1)[0]
    resolver = known([band])
    kept = frame_of(band, 1.0)
    band.press()
    assert resolver.resolve(frame_of(band, 2.0), 2.0)
    for now_s in range(3, int(DAY_S), 60):
        resolver.advance(now_s)
        resolver.resolve(frame_of(band, now_s), now_s)
    assert resolver.resolve(kept, DAY_S) is None


def test_frames_that_are_sent_again_late_do_not_lose_a_band() -> None:
    """Somebody replays what he heard, for hours: the band itself stays known, but for seconds."""
    band = bands(1)[0]
    resolver = known([band])
    late_s, unknown = 200, 0
    heard: list[bytes] = []
    for now_s in range(12 * 3_600):
        resolver.advance(now_s)
        heard.append(frame_of(band, now_s))
        if now_s > late_s:
            resolver.resolve(heard[now_s - late_s], now_s)
        unknown += resolver.resolve(heard[now_s], now_s) is None
    periods = 12 * 3_600 / PERIOD_S
    assert unknown <= periods * max(0.0, late_s - AHEAD_MIN_S)
    low_s, _ = resolver.clock_of(0, now_s)
    assert low_s <= band.clock(now_s)
    settled = 0
    for now_s in range(12 * 3_600, 13 * 3_600):
        resolver.advance(now_s)
        settled += resolver.resolve(frame_of(band, now_s), now_s) is None
    assert settled == 0


def test_a_band_that_is_handed_back_is_nobodys_at_once() -> None:
    """And when it is given out again it is known from then on, once."""
    them = bands(2)
    resolver = known(them)
    resolver.remove(0)
    resolver.remove(0)
    assert resolver.resolve(frame_of(them[0], 1.0), 1.0) is None
    assert resolver.resolve(frame_of(them[1], 1.0), 1.0)
    for _ in range(3):
        resolver.add(0, BandKey(them[0].secret), 1.0, clock_s=them[0].clock(1.0), off_s=1.0)
    assert resolver.resolve(frame_of(them[0], 1.0), 1.0)
    looked = sum(resolver.advance(float(second)) for second in range(2, 20 * PERIOD_S))
    assert looked <= 2 * 20 * 3
    assert len(resolver) == 2


def test_a_salt_is_never_used_twice_in_a_period() -> None:
    """After 255 presses in eight minutes the band says what it said, until the next period."""
    band = Band(SECRET)
    said = set()
    for _ in range(300):
        band.press()
        said.add(frame_of(band, 1.0))
    assert len({frame[1 + IDENTIFIER_BYTES] for frame in said}) == len(said) == 256
    key = BandKey(SECRET)
    newest = key.opened(frame_of(band, float(PERIOD_S)), 1)
    assert newest == replace(band.state, presses=300 % 256)
