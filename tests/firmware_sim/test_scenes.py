"""The drawn shop: scenes that can be drawn again, and a camera that shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest

from cart.kernel.errors import InvalidGtin, LimitExceeded
from cart.kernel.gtin import Gtin
from firmware_sim.camera import FRAMES_SHOWN_MIN, SceneCamera
from firmware_sim.scenes import FRAME_SIZE_PX, Look, empty_scene, look, scene
from store_devices.hardware import Camera, frames
from store_devices.vision.confirmation import Confirmation
from store_devices.vision.reading import LiveReader

TEA = Gtin("4006381333931")
MUG = Gtin("036000291452")


@contextmanager
def _camera() -> Iterator[SceneCamera]:
    camera = SceneCamera(Random(1), frames_per_s=200, gap_s=0.0, queue_max=2)
    try:
        yield camera
    finally:
        camera.close()


def test_a_scene_is_a_camera_frame() -> None:
    """Scenes have a 720p camera's shape and kind of pixels."""
    pixels = scene(TEA, Look(), Random(1))
    assert pixels.shape == (FRAME_SIZE_PX[1], FRAME_SIZE_PX[0], 3)
    assert pixels.dtype == np.uint8


def test_the_same_seed_draws_the_same_scene() -> None:
    """Everything random in a scene comes from the generator passed in."""
    first, again = (scene(TEA, look("glare", Random(5)), Random(6)) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(scene(TEA, Look(), Random(6)), scene(TEA, Look(), Random(7)))


def test_each_difficulty_is_what_it_says() -> None:
    """A dark scene is darker, a small one shows narrower bars, a turned one is turned."""
    rng = Random(3)
    plain = look("plain", rng)
    assert look("dark", rng).light < plain.light
    assert look("small", rng).module_px < plain.module_px
    assert abs(look("rotated", rng).turn_deg) > abs(plain.turn_deg)
    assert look("blurred", rng).blur_px > plain.blur_px
    assert look("glare", rng).glare > plain.glare
    assert empty_scene(Look(light=0.2), Random(1)).mean() < empty_scene(Look(), Random(1)).mean()


def test_the_number_of_a_case_has_no_bars() -> None:
    """A GTIN-14 is refused rather than printed as something else."""
    with pytest.raises(InvalidGtin):
        scene(Gtin("10614141000415"), Look(), Random(1))


def test_the_camera_shows_its_script_then_the_shelf() -> None:
    """Two products held up are scanned once each, in order, by the tablet's own reader."""
    with _camera() as camera:
        held: Camera = camera
        reader, confirmation, scanned = LiveReader(), Confirmation(), []
        camera.present(TEA, seconds=0.0)
        over = camera.present(MUG, seconds=0.0)
        for frame in frames(held):
            scanned += confirmation.observe(reader.read(frame.pixels), frame.at_s)
            if over.is_set():
                break
    assert [code.gtin for code in scanned] == [TEA, MUG]


def test_a_slow_reader_still_gets_its_looks() -> None:
    """A presentation that is over by the clock stays until it was looked at often enough."""
    with _camera() as camera:
        over = camera.present(TEA, seconds=0.0)
        for _ in range(FRAMES_SHOWN_MIN):
            camera.read()
            assert not over.is_set()
        camera.read()
        assert over.is_set()


def test_closed_it_lets_everyone_go() -> None:
    """After close there are no frames, and nobody waits for a presentation."""
    with _camera() as camera:
        over = camera.present(TEA)
        camera.close()
        assert over.is_set()
        assert camera.read() is None
        assert camera.present(TEA).is_set()


def test_the_script_is_bounded() -> None:
    """Past the limit a presentation is refused, and the camera goes on."""
    with _camera() as camera:
        camera.present(TEA)
        camera.present(MUG)
        with pytest.raises(LimitExceeded):
            camera.present(MUG)
        assert camera.read() is not None
