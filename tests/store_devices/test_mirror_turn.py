"""The mirror's eyes on drawn films: what is a turn, at which angle, and what is kept of it."""

import io
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from cart.kernel.errors import Conflict, LimitExceeded
from cart.kernel.sealed_file import CHUNK_BYTES
from firmware_sim.mirror.scripts import Scene
from mobile_api.looks.thumbnails import in_head
from store_devices.hardware import Frame
from store_devices.mirror.eyes import Eyes, Judgement
from store_devices.mirror.picking import VIEWS_DEG, off_deg
from store_devices.mirror.track import track_of
from store_devices.mirror.verdict import Reason
from tests.fakes.mirror_films import SMALL, SmallFilm, film, watched


@pytest.fixture(scope="module")
def turn() -> tuple[SmallFilm, Eyes, Judgement]:
    """A steady turn, watched and judged once for this module."""
    shown = film("steady", 1)
    return shown, *watched(shown)


def test_a_turn_is_seen_at_its_angles(turn: tuple[SmallFilm, Eyes, Judgement]) -> None:
    """Half of the frames are within 8 degrees of the truth, nearly all within 20."""
    shown, _, judgement = turn
    assert judgement.reason is None
    assert judgement.course is not None
    true = {truth.at_s: truth.angle_deg for truth in shown.truths}
    off = np.abs(
        judgement.course.angle_deg - np.array([true[at_s] for at_s in judgement.course.at_s])
    )
    assert np.median(off) < 8
    assert np.percentile(off, 95) < 20


def test_a_turn_becomes_a_video_and_eight_views(turn: tuple[SmallFilm, Eyes, Judgement]) -> None:
    """The video has every frame and the film's length; the views are where they are said to be."""
    shown, eyes, _ = turn
    made = eyes.finish()
    with av.open(io.BytesIO(made.video), "r") as container:
        frames = list(container.decode(video=0))
        assert container.streams.video[0].codec_context.name == "vp8"
    assert len(frames) == len(shown.frames)
    assert frames[-1].time == pytest.approx(shown.frames[-1].at_s - shown.frames[0].at_s, abs=0.01)
    assert frames[0].height == pytest.approx(frames[0].width * 16 / 9, abs=2)
    true = {truth.at_s: truth.angle_deg for truth in shown.truths}
    off = [
        float(off_deg(true[shown.frames[index].at_s], view))
        for view, index in zip(VIEWS_DEG, made.eight, strict=True)
    ]
    assert max(off) < 25
    sheet = cv2.imdecode(np.frombuffer(made.sheet, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None
    assert sheet.shape[1] > sheet.shape[0]
    small = in_head(made.sheet[:CHUNK_BYTES])
    assert small is not None
    assert 1_000 < len(small) < len(made.sheet) / 8
    track = track_of(made.sheet)
    assert track is not None
    assert track.at_ms == [round(1000 * second) for second in made.at_s]
    assert float(off_deg(np.array(track.view_deg), made.views_deg).max()) <= 0.5  # whole degrees


def test_her_body_fills_the_glass(turn: tuple[SmallFilm, Eyes, Judgement]) -> None:
    """From hair to shoes she takes 80 to 98 of 100 rows of the picture."""
    _, eyes, _ = turn
    with av.open(io.BytesIO(eyes.finish().video), "r") as container:
        first = next(container.decode(video=0)).to_ndarray(format="bgr24")
    # Drawn again by hand: her shoes are dark, her head is at the top of her column.
    height = first.shape[0]
    middle = first[:, first.shape[1] // 3 : -(first.shape[1] // 3)].astype(int)
    side = first[:, : first.shape[1] // 12].astype(int).mean(axis=1, keepdims=True)
    differs = np.flatnonzero((np.abs(middle - side).max(axis=2) > 60).sum(axis=1) > 6)
    assert 0.8 < (differs[-1] - differs[0]) / height < 0.98


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        ("half", "not_turned"),
        ("there_and_back", "not_turned"),
        ("stands", "not_turned"),
        ("leaves", "left"),
        ("second_person", "two_people"),
        ("nobody", "nobody"),
        ("dark", "too_dark"),
        ("stops", "camera_stopped"),
        ("freezes", "camera_stopped"),
    ],
)
def test_what_is_no_turn_is_refused_and_gone(scene: Scene, reason: Reason) -> None:
    """It is refused by name, no byte of it is held, and nothing can be finished."""
    eyes, judgement = watched(film(scene, 1, seconds=4.0, frames_per_s=6.0))
    assert judgement.reason == reason
    assert eyes.held_bytes == 0
    with pytest.raises(Conflict):
        eyes.finish()


def test_nothing_is_recorded_before_the_room_is_known() -> None:
    """Eyes that never saw the room empty refuse to begin."""
    eyes = Eyes(SMALL.calibration)
    with pytest.raises(Conflict):
        eyes.begin()
    assert eyes.held_bytes == 0


def _record(eyes: Eyes, frames: list[Frame]) -> None:
    for frame in frames:
        eyes.record(frame)


def test_looking_on_holds_no_frame_and_a_full_film_takes_no_more() -> None:
    """Outside a recording no picture is kept; inside, never more than the limit."""
    shown = film("stands", 1, seconds=1.0)
    eyes = Eyes(SMALL.calibration, film_bytes_max=20_000)
    for frame in shown.empty:
        eyes.idle(frame)
    assert eyes.held_bytes == 0
    eyes.begin()
    with pytest.raises(LimitExceeded):
        _record(eyes, shown.frames * 3)
    assert 0 < eyes.held_bytes <= 20_000
    eyes.discard()
    assert eyes.held_bytes == 0


_ON_DISK = """
import sys
opened = []
def hook(name, args):
    if name == "open" and isinstance(args[0], str) and isinstance(args[2], int) and args[2] & 3:
        opened.append(args[0])
from tests.fakes.mirror_films import film, watched
shown = film("steady", 1, frames_per_s=6.0)
sys.addaudithook(hook)
eyes, judgement = watched(shown)
assert judgement.reason is None, judgement.reason
assert eyes.held_bytes > 0
print(len(eyes.finish().video) > 1000)
eyes.discard()
print(eyes.held_bytes, [path for path in opened if path != "/dev/null"])
"""


def test_a_turn_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    """Recorded, encoded and discarded in a folder of its own, with it as the temporary one, too."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _ON_DISK],
        cwd=tmp_path,
        env={
            "TMPDIR": str(tmp_path),
            "HOME": str(tmp_path),
            "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.split("\n") == ["True", "0 []", ""], done.stderr
    assert list(tmp_path.iterdir()) == []
