"""Moments are aware and in UTC; microseconds since 1970 are exact."""

from datetime import UTC, datetime, timedelta, timezone

from cart.kernel.clock import SystemClock, from_us, to_us
from tests.fakes.clock import FakeClock


def test_the_systems_moment_is_aware_and_its_seconds_only_grow() -> None:
    """UTC at rest, monotonic for durations."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_microseconds_go_there_and_back_exactly() -> None:
    """Also far from now, where a float would lose the last digits."""
    for moment in (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 2, 9, 0, 0, 123_457, tzinfo=UTC),
        datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    ):
        assert from_us(to_us(moment)) == moment


def test_a_zone_is_accounted_for() -> None:
    """Two o'clock in Jerusalem is noon in UTC."""
    there = datetime(2026, 3, 2, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_us(there) == to_us(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def test_the_fake_clock_moves_when_told_and_jumps_like_a_time_server() -> None:
    """A jump changes the date but no duration."""
    clock = FakeClock()
    before, ticks = clock.now(), clock.monotonic()
    clock.advance(1.5)
    assert (clock.now() - before, clock.monotonic() - ticks) == (timedelta(seconds=1.5), 1.5)
    clock.jump(-3600)
    assert (clock.now() - before).total_seconds() == 1.5 - 3600
    assert clock.monotonic() - ticks == 1.5
