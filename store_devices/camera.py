"""The real camera: OpenCV's VideoCapture on a device, a film or a picture.

Owns the open device. It reads no codes and keeps no frame.
"""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

import cv2
import numpy as np

from cart.kernel.errors import Unavailable
from store_devices.hardware import Frame, Pixels

FRAME_WIDTH_PX: Final = 1280
FRAME_HEIGHT_PX: Final = 720
"""720p: a code at arm's length has three pixels per module, and a frame is read in 8 ms."""

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


class VideoCamera:
    """A camera by its index, or a film file; the film plays as fast as it is read."""

    def __init__(
        self, source: int | Path, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Open ``source``.

        Raises:
            Unavailable: there is no such camera, or the file is no film.
        """
        self._monotonic = monotonic
        self._lock = Lock()
        self._film = isinstance(source, Path)
        self._capture = (
            cv2.VideoCapture(source) if isinstance(source, int) else cv2.VideoCapture(str(source))
        )
        if not self._capture.isOpened():
            msg = f"the camera {source} does not open"
            raise Unavailable(msg, camera=str(source))
        if not self._film:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, FRAME_WIDTH_PX)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, FRAME_HEIGHT_PX)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not a queue of old

    def read(self) -> Frame | None:
        """Wait for the next frame; ``None`` when closed or the film is over.

        Raises:
            Unavailable: a camera that was open gives no picture (unplugged).
        """
        with self._lock:
            if not self._capture.isOpened():
                return None
            taken, pixels = self._capture.read()
        if taken:
            return Frame(np.asarray(pixels, dtype=np.uint8), self._monotonic())
        if self._film:
            return None
        msg = "the camera gives no picture any more"
        raise Unavailable(msg)

    def close(self) -> None:
        """Let go of the camera, after the frame that is being taken."""
        with self._lock:
            self._capture.release()


class PictureCamera:
    """Shows one picture file over and over, at a camera's pace."""

    def __init__(
        self,
        path: Path,
        *,
        frame_gap_s: float = 0.1,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Load ``path``.

        Raises:
            Unavailable: the file is no picture.
        """
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is None:
            msg = f"{path} is no picture"
            raise Unavailable(msg, camera=str(path))
        self._pixels: Pixels | None = np.asarray(pixels, dtype=np.uint8)
        self._frame_gap_s = frame_gap_s
        self._monotonic = monotonic
        self._wait = wait

    def read(self) -> Frame | None:
        """Return the picture after the frame gap; ``None`` when closed."""
        if self._pixels is None:
            return None
        self._wait(self._frame_gap_s)
        pixels = self._pixels
        return None if pixels is None else Frame(pixels, self._monotonic())

    def close(self) -> None:
        """End the show."""
        self._pixels = None


def open_camera(source: str) -> VideoCamera | PictureCamera:
    """Open what a setting names: a number is a camera, a file a picture or a film.

    Raises:
        Unavailable: it does not open.
    """
    if source.isdecimal():
        return VideoCamera(int(source))
    path = Path(source)
    return PictureCamera(path) if path.suffix.lower() in PICTURES else VideoCamera(path)


def name_of(source: str) -> str:
    """Return what the kernel calls a camera, empty where it does not say; of a file, its name."""
    if not source.isdecimal():
        return Path(source).name
    named = Path(f"/sys/class/video4linux/video{source}/name")
    return named.read_text(encoding="utf-8").strip() if named.is_file() else ""
