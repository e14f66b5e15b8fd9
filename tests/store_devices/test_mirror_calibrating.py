"""A camera is calibrated from a printed board: drawn through a known lens, and found again."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from cart.kernel.errors import InvalidInput, InvalidPayload, Unavailable
from cart.kernel.ids import SeededIds
from firmware_sim.mirror.board import LYING, BoardCamera, Pose, held
from firmware_sim.mirror.optics import Lens
from store_devices.hardware import Frame, Pixels
from store_devices.light import NoLight
from store_devices.mirror import board, calibrate
from store_devices.mirror.calibrating import Views
from store_devices.mirror.straight import Calibration, Straightener, guessed, whole_view
from store_devices.mirror.studio import Studio
from tests.benchmarks.lenses import undone_px
from tests.fakes.mirror_films import FilmClock

LENS = Lens(width_px=432, height_px=768)
POSES = 20  # more than are needed, so that what is asked for is there
GOOD_PX = 6.0  # of 768: most of it a third of a degree of tilt, which moves the picture as a whole


def camera(poses: list[Pose], *, bent_m: float = 0.0, lies: bool = True) -> BoardCamera:
    """Return a camera before which the board is held, in time that costs nothing."""
    clock = FilmClock()
    return BoardCamera(
        LENS,
        poses,
        lying=LYING if lies else None,
        bent_m=bent_m,
        monotonic=clock.now,
        wait=clock.wait,
    )


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What was said to who held the board, once it was."""
    return []


@pytest.fixture(scope="module")
def found(said: list[str]) -> Calibration:
    """What one run finds, once for this module."""
    return calibrate.calibrated(
        camera(held(LENS, Random(3), POSES)), said.append, name="Drawn 720p"
    )


def test_the_lens_is_found_that_drew_the_board(found: Calibration, said: list[str]) -> None:
    """It undoes the true distortion to some pixels everywhere; a guess is far off."""
    true = LENS.calibration
    off = undone_px(found, true)
    assert off.max() < GOOD_PX
    assert np.median(undone_px(guessed(LENS.width_px, LENS.height_px), true)) > 5 * off.max()
    assert found.focal_px == pytest.approx(true.focal_px, rel=0.01)
    assert found.tilt_rad == pytest.approx(true.tilt_rad, abs=0.01)
    assert (found.camera, found.width_px, found.height_px) == ("Drawn 720p", 432, 768)
    assert found.error_px is not None
    assert 0 < found.error_px < 0.3
    assert said[-1].endswith(calibrate.ASKED["floor"])
    assert any("hold it lower left" in one for one in said)
    shares = [int(re.findall(r"\d+", one)[0]) for one in said]
    assert shares == sorted(shares)


def test_upright_things_stand_upright_whichever_way_the_camera_rolls(found: Calibration) -> None:
    """A roll is undone: a picture turned about its middle is straightened as one that is not."""
    flat = found.model_copy(update={"k1": 0.0, "k2": 0.0, "tilt_rad": 0.0, "roll_rad": 0.0})
    rolled = flat.model_copy(update={"roll_rad": 0.1})
    rows, columns = np.mgrid[0 : LENS.height_px, 0 : LENS.width_px]
    right, down = columns - flat.middle_x_px, rows - flat.middle_y_px

    def drawn(roll_rad: float) -> Pixels:
        across = right * np.cos(roll_rad) + down * np.sin(roll_rad)
        grey = (128 + 100 * np.sin(across / 9)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)

    window = whole_view(flat)

    def straight(lens: Calibration, roll_rad: float) -> Pixels:
        shown = Straightener(lens, window, 200).straight(drawn(roll_rad))
        return np.asarray(shown[80:200, 60:140].astype(int))

    upright = straight(flat, 0.0)
    assert np.abs(upright - straight(rolled, 0.1)).mean() < 3
    assert np.abs(upright - straight(flat, 0.1)).mean() > 20


def test_a_bent_board_is_refused() -> None:
    """The corners are where no lens would put them: it is said by how much, and nothing is kept."""
    bent = camera(held(LENS, Random(3), POSES), bent_m=0.12)
    with pytest.raises(InvalidInput, match=r"\d\.\d\d px off where they should be"):
        calibrate.calibrated(bent, lambda _: None)


def test_without_enough_views_there_is_none() -> None:
    """It says what it asked for last; a board held in one place is one view, however long."""
    one = held(LENS, Random(1), 5)[4]
    with pytest.raises(Unavailable, match="last asked for: hold it upper right"):
        calibrate.calibrated(camera([one], lies=False), lambda _: None)
    views, finder = Views(LENS.width_px, LENS.height_px), board.Finder()
    shown = camera([one] * 3, lies=False)
    while (frame := shown.read()) is not None:
        views.see(finder.find(frame.pixels))
    assert views.count == 1


def test_the_printed_sheet_is_the_board_that_is_looked_for() -> None:
    """Drawn from its SVG at two pixels a millimetre, all 24 corners are found where they belong."""
    wide, high = (round(2 * one) for one in board.SHEET_MM)
    picture = np.full((high, wide, 3), 255, dtype=np.uint8)
    text = board.sheet()
    assert f'width="{board.SHEET_MM[0]:g}mm"' in text
    ink = text.split('<path d="')[2]
    for x, y, w, h in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", ink):
        left, top = round(2 * float(x)), round(2 * float(y))
        right, bottom = round(2 * (float(x) + float(w))), round(2 * (float(y) + float(h)))
        picture[top:bottom, left:right] = 0
    seen = board.Finder().find(picture)
    assert seen is not None
    assert len(seen.numbers) == (board.COLUMNS - 1) * (board.ROWS - 1)
    apart = np.diff(seen.places_px[:2], axis=0)[0]
    assert apart == pytest.approx((2 * board.SQUARE_MM, 0), abs=0.7)


@pytest.mark.parametrize(
    ("mend", "words"),
    [
        (lambda text: text, ""),
        (lambda text: text.replace("Drawn", "Other"), "of the camera Other 720p"),
        (lambda text: text[:40], "is no calibration"),
    ],
)
def test_a_kept_calibration_is_read_again_or_refused(
    found: Calibration, tmp_path: Path, mend: Callable[[str], str], words: str
) -> None:
    """Whole, of this camera: taken; cut off or another camera's: an error that says so."""
    path = tmp_path / "mirror" / calibrate.FILE
    calibrate.keep(path, found)
    path.write_text(mend(path.read_text()))
    assert [one.name for one in path.parent.iterdir()] == [calibrate.FILE]
    if words:
        with pytest.raises(InvalidPayload, match=words):
            calibrate.load(path, "Drawn 720p")
    else:
        assert calibrate.load(path, "Drawn 720p") == found
        assert calibrate.load(path) == found


def test_a_calibration_of_another_size_is_refused(found: Calibration) -> None:
    """The studio takes no frame of a camera that gives other pictures; without one, any."""
    other = replace(LENS, width_px=216, height_px=384)
    frame = Frame(np.zeros((other.height_px, other.width_px, 3), dtype=np.uint8), 0.0)
    clock = FilmClock()
    for known in (found, None):
        studio = Studio(light=NoLight(), ids=SeededIds(1), monotonic=clock.now, calibration=known)
        if known is None:
            assert studio.take(frame, visited=False)
            continue
        with pytest.raises(InvalidPayload, match="432 x 768 pixels, but the camera gives 216"):
            studio.take(frame, visited=False)
