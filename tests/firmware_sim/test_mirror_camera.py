"""The simulated mirror camera: seeded, knows its truth, stops and freezes as the script says."""

from random import Random
from typing import get_args

import numpy as np
import pytest

from cart.kernel.errors import Unavailable
from firmware_sim.mirror.drawing import Light, Room
from firmware_sim.mirror.figure import Part, Person, Pose
from firmware_sim.mirror.scripts import TURNS, Scene, drawn_script
from store_devices.hardware import frames
from tests.fakes.mirror_films import SMALL, camera, film


def test_the_same_seed_draws_the_same_film() -> None:
    """Two cameras of one seed show the same pictures; another seed shows others."""
    first, again, other = (film("steady", seed, seconds=0.5) for seed in (1, 1, 2))
    assert len(first.frames) == 4
    for one, two in zip(first.frames, again.frames, strict=True):
        assert np.array_equal(one.pixels, two.pixels)
    assert not np.array_equal(first.frames[0].pixels, other.frames[0].pixels)


@pytest.mark.parametrize("scene", get_args(Scene))
def test_only_turns_go_once_around(scene: Scene) -> None:
    """A scene counts as a turn exactly if its script ends 350 to 370 degrees from its start."""
    for seed in range(5):
        script = drawn_script(scene, Random(seed))
        turned = abs(script.angle_deg(script.seconds) - script.angle_deg(0.0))
        if scene in TURNS:
            assert 349 <= turned <= 371
        elif scene in ("half", "there_and_back", "wiggle", "stands", "nobody"):
            assert turned < 290


def test_front_and_back_are_told_apart() -> None:
    """The face is seen from the front alone, and her left side goes to the right of the picture."""
    room = Room(SMALL, Light(noise=0.0))
    person = Person(long_hair=False)
    front, left, back = (
        room.picture([(person, Pose(turn_rad=angle))]) for angle in (0.0, np.pi / 2, np.pi)
    )
    heads = [picture.pixels[picture.parts == Part.HEAD].mean() for picture in (front, back)]
    assert heads[0] > heads[1] + 20  # skin, and dark hair
    columns = np.flatnonzero((left.parts == Part.SHOE).any(axis=0))
    torso = np.flatnonzero((left.parts == Part.GARMENT).any(axis=0))
    assert columns.max() - torso.mean() > torso.mean() - columns.min()  # toes point to the right


def test_a_camera_that_stops_raises() -> None:
    """It shows frames up to that second, and then is unavailable."""
    shown = camera("stops", 1, seconds=2.0)
    with pytest.raises(Unavailable):
        list(frames(shown))
    assert 0.5 < len([truth for truth in shown.truths if truth.at_s > 1.5]) / 8 < 1.7


def test_a_frozen_camera_shows_one_picture() -> None:
    """After the freeze every frame is the same, though time goes on."""
    shown = film("freezes", 1, seconds=2.0)
    assert np.array_equal(shown.frames[-1].pixels, shown.frames[-2].pixels)
    assert shown.frames[-1].at_s > shown.frames[-2].at_s


def test_a_closed_camera_gives_nothing() -> None:
    """Closing may come twice."""
    shown = camera("steady", 1)
    shown.close()
    shown.close()
    assert shown.read() is None
