"""Whatever a reader hears, its threshold stays in bounds, and arm's length is never near."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.events import Presented
from store_devices.ble.learning import NEAR_HIGHEST_DBM, NEAR_LOWEST_DBM, Learned
from store_devices.ble.presenting import Presenting

Levels = st.floats(-127, 20, allow_nan=False)
FRAMES = [bytes([1, number]) + bytes(15) for number in range(2)]


@given(
    start=Levels,
    approaches=st.lists(st.tuples(Levels, st.booleans(), st.integers(1, 60)), max_size=60),
)
def test_what_is_learnt_stays_within_bounds(
    start: float, approaches: list[tuple[float, bool, int]]
) -> None:
    """Whatever it begins with, and however people behave."""
    learned = Learned(start)
    for peak_dbm, presented, times in approaches:
        for _ in range(times):
            learned.approached(peak_dbm, presented=presented)
            assert NEAR_LOWEST_DBM <= learned.near_dbm <= NEAR_HIGHEST_DBM


@given(
    levels=st.lists(
        st.tuples(st.integers(0, 1), st.floats(-127, NEAR_LOWEST_DBM - 0.1), st.floats(0.01, 2)),
        max_size=200,
    ),
    taught=st.lists(st.tuples(Levels, st.booleans()), max_size=100),
)
def test_two_bands_at_arms_length_never_become_near(
    levels: list[tuple[int, float, float]], taught: list[tuple[float, bool]]
) -> None:
    """Nothing that is weaker than the lowest threshold is told, whatever was learnt before."""
    learned = Learned()
    for peak_dbm, presented in taught * 3:
        learned.approached(peak_dbm, presented=presented)
    presenting = Presenting(learned)
    now_s = 0.0
    for number, dbm, passed_s in levels:
        now_s += passed_s
        told = presenting.hear(FRAMES[number], dbm, now_s)
        assert told is None or told.by is not Presented.NEAR
