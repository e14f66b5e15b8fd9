"""What a receiver makes of the packets of half a second."""

import pytest

from store_devices.ble.gathering import FRAMES_MAX, PACKETS_MAX, Gatherer, Level, level_of


@pytest.mark.parametrize(
    ("packets", "dbm"),
    [
        ([-60.0], -60.0),
        ([-60.0, -80.0], -60.0),
        ([-62.0, -60.0, -85.0], -61.0),
        ([-60.0, -61.0, -63.0, -90.0], -60.5),
    ],
)
def test_a_packet_that_met_its_reflection_does_not_count(packets: list[float], dbm: float) -> None:
    """The better half says how strong a band is."""
    assert level_of(packets) == dbm


def test_each_turn_tells_of_itself_alone() -> None:
    """What was told is forgotten; a turn in which nothing was heard tells of nothing."""
    gatherer = Gatherer()
    for frame, dbm in ((b"one", -60.0), (b"two", -70.0), (b"one", -62.0), (b"one", -90.0)):
        gatherer.hear(frame, dbm)
    assert gatherer.take() == [Level(b"one", -61.0, 3), Level(b"two", -70.0, 1)]
    assert gatherer.take() == []


def test_a_street_full_of_phones_fills_no_memory() -> None:
    """Beyond so many frames, or packets of one, nothing is kept; what was left out is counted."""
    gatherer = Gatherer()
    for number in range(FRAMES_MAX + 100):
        gatherer.hear(number.to_bytes(4, "big"), -60.0)
    for _ in range(2 * PACKETS_MAX):
        gatherer.hear(bytes(4), -60.0)
    taken = gatherer.take()
    assert len(taken) == FRAMES_MAX
    assert gatherer.crowded_out == 100
    assert max(level.packets for level in taken) == PACKETS_MAX
