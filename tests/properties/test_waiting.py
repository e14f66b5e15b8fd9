"""Waiting times grow with those ahead, shrink with places, and are never told too short."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.floor.model import GROUP_MIN
from gateway.floor.waiting import (
    COARSE_STEP_MINUTES,
    MEASURED_MIN,
    STAY_MAX_S,
    STAY_MIN_S,
    TOLD_MAX_MINUTES,
    WORTH_A_WALK_MINUTES,
    Wait,
    believed,
    better,
    service,
    told,
    wait_s,
)

AHEAD = st.integers(0, 200)
PLACES = st.integers(1, 100)
SECONDS = st.floats(STAY_MIN_S, STAY_MAX_S)


@given(AHEAD, PLACES, SECONDS)
def test_nobody_waits_for_a_free_place_and_everybody_else_does(
    ahead: int, places: int, service_s: float
) -> None:
    """Zero exactly while a place is free; then at least the time until the next is."""
    seconds = wait_s(ahead, places, service_s)
    assert (seconds == 0) is (ahead < places)
    if ahead >= places:
        assert seconds >= service_s / places * 0.999_999


@given(AHEAD, PLACES, SECONDS, st.integers(1, 20))
def test_more_ahead_is_longer_and_more_places_are_shorter(
    ahead: int, places: int, service_s: float, more: int
) -> None:
    """Monotone in each of the three."""
    seconds = wait_s(ahead, places, service_s)
    assert wait_s(ahead + more, places, service_s) >= seconds
    assert wait_s(ahead, places + more, service_s) <= seconds
    assert wait_s(ahead, places, service_s * 2) >= seconds


def test_ten_before_four_places_of_eight_minutes() -> None:
    """Four are served; six wait, and she: seven times two minutes."""
    assert wait_s(10, 4, 480) == 7 * 120
    for ahead, places in ((-1, 4), (3, 0)):
        with pytest.raises(ValueError, match="places"):
            wait_s(ahead, places, 480)


@given(seconds=st.floats(0, 100_000, allow_subnormal=False), measured=st.booleans())
def test_a_time_is_never_told_shorter_than_it_is(seconds: float, *, measured: bool) -> None:
    """Rounded up, by less than a step; nothing to the minute; an hour is the most."""
    wait = told(seconds, measured=measured)
    assert wait.minutes == TOLD_MAX_MINUTES or wait.minutes * 60 >= seconds
    assert wait.minutes <= max(0, seconds / 60 + COARSE_STEP_MINUTES)
    assert (wait.minutes == 0) is (seconds == 0)
    if not measured:
        assert wait.minutes % COARSE_STEP_MINUTES == 0


@given(st.lists(st.integers(0, 20_000), max_size=30), st.integers(1, 120))
def test_too_few_stays_are_not_believed(stays_s: list[int], minutes: int) -> None:
    """Below five real ones the operator's word holds; above, it lies among them."""
    usual = [one for one in stays_s if STAY_MIN_S <= one <= STAY_MAX_S]
    took = service(stays_s, minutes)
    assert took.measured is (len(usual) >= MEASURED_MIN)
    if took.measured:
        assert min(usual) <= took.seconds <= max(usual)
    else:
        assert took.seconds == minutes * 60


@given(st.integers(0, 50))
def test_a_time_does_not_tell_how_few_a_few_are(people: int) -> None:
    """One and two are reckoned alike, and no more people than there are from three on."""
    assert believed(people) >= people
    assert believed(people) == (people if people == 0 or people >= GROUP_MIN else GROUP_MIN - 1)


@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=5))
def test_only_a_place_that_saves_her_something_is_named(here: int, others: list[int]) -> None:
    """The shortest of them, and only if the walk is worth it."""
    waits = [(str(place), Wait(minutes, measured=True)) for place, minutes in enumerate(others)]
    found = better(Wait(here, measured=True), waits)
    least = min(others, default=here)
    assert (found is not None) is (here - least >= WORTH_A_WALK_MINUTES)
    if found is not None:
        assert others[int(found)] == least
