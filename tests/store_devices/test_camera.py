"""The real camera on files: a picture, a film, and what is neither."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cart.kernel.errors import Unavailable
from store_devices.camera import PictureCamera, VideoCamera, open_camera
from store_devices.hardware import frames


def test_a_picture_is_shown_until_closed(tmp_path: Path) -> None:
    """A picture file is an endless film of itself, stamped by the clock passed in."""
    path = tmp_path / "shelf.png"
    cv2.imwrite(str(path), np.full((20, 30, 3), 7, dtype=np.uint8))
    waits: list[float] = []
    camera = PictureCamera(path, frame_gap_s=0.1, monotonic=lambda: 5.0, wait=waits.append)
    first, second = camera.read(), camera.read()
    assert first is not None
    assert second is not None
    assert (first.pixels.shape, first.at_s, waits) == ((20, 30, 3), 5.0, [0.1, 0.1])
    camera.close()
    camera.close()
    assert camera.read() is None


def test_a_film_ends(tmp_path: Path) -> None:
    """A film gives each of its frames once, then none."""
    path = tmp_path / "shelf.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for grey in (10, 100, 200):
        film.write(np.full((48, 64, 3), grey, dtype=np.uint8))
    film.release()
    camera = open_camera(str(path))
    assert isinstance(camera, VideoCamera)
    assert [round(float(frame.pixels.mean()), -1) for frame in frames(camera)] == [10, 100, 200]
    camera.close()
    assert camera.read() is None


def test_what_does_not_open_says_so(tmp_path: Path) -> None:
    """A missing file and a file of text are unavailable, by name."""
    text = tmp_path / "notes.avi"
    text.write_text("no film")
    for source in (tmp_path / "none.png", text):
        with pytest.raises(Unavailable) as refused:
            open_camera(str(source))
        assert refused.value.data["camera"] == str(source)
