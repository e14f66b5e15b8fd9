"""A mirror's camera that is another one when it comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cart.kernel.errors import InvalidPayload
from store_devices.hardware import Frame
from store_devices.mirror.studio import Studio
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror that nobody has taken up."""
    made = MirrorBench(tmp_path, clock)
    yield made
    made.switch_off()


def other_size(bench: MirrorBench) -> Frame:
    """Return the next picture as another camera takes it: of half the size."""
    frame = bench.camera.read()
    assert frame is not None
    return Frame(frame.pixels[::2, ::2].copy(), frame.at_s)


def test_a_camera_of_another_size_than_its_calibration_is_not_looked_at(
    bench: MirrorBench,
) -> None:
    """Also when it comes in the place of the right one: refused by name, asleep on the glass."""
    bench.begin()
    bench.mirror.record()
    bench.look_until(lambda seen: seen.phase == "recording")
    bench.look()
    for _again in range(2):
        with pytest.raises(InvalidPayload, match=r"270 x 480 .* gives 135 x 240"):
            bench.studio.take(other_size(bench), visited=True)
        seen = bench.studio.showing()
        assert (seen.phase, seen.reason, seen.ready) == ("refused", "camera_stopped", False)
        assert not bench.camera.lit
    bench.camera.leave()
    bench.look_until(lambda seen: seen.ready)  # the right one is there again


def test_without_a_calibration_another_camera_learns_the_room_anew(bench: MirrorBench) -> None:
    """What was learnt through the old one tells nothing of what the new one sees."""
    studio = Studio(light=bench.camera, ids=bench.ids, monotonic=bench.clock.monotonic)
    while not studio.showing().ready:
        frame = bench.camera.read()
        assert frame is not None
        studio.take(frame, visited=False)
    studio.take(other_size(bench), visited=False)
    assert not studio.showing().ready
    while not studio.showing().ready:
        studio.take(other_size(bench), visited=False)
