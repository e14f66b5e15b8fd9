"""Keeps pictures in memory, pressed as JPEG, within a limit of bytes; and lets them go.

Owns the bytes of a recording until it is kept or discarded. Letting go overwrites them: nothing
of a discarded turn is left in this process's buffers. Writes no file.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from cart.kernel.errors import LimitExceeded
from store_devices.hardware import Frame, Pixels

FILM_BYTES_MAX: Final = 96 * 1024 * 1024
"""Eight seconds at 30 frames of 400 kB each: a sharp 1080p picture."""

DELAY_BYTES_MAX: Final = 64 * 1024 * 1024
DELAY_S: Final = 5.0
"""Time to turn round and look over the shoulder at one's own back."""

QUALITY: Final = 92
"""JPEG's; the video's own loss is greater."""


@dataclass(slots=True)
class _Pressed:
    at_s: float
    data: bytearray

    def picture(self) -> Pixels:
        read = cv2.imdecode(np.frombuffer(self.data, dtype=np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(read, dtype=np.uint8)

    def wipe(self) -> None:
        self.data[:] = bytes(len(self.data))


def _pressed(frame: Frame) -> _Pressed:
    _, data = cv2.imencode(".jpg", frame.pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    pressed = _Pressed(frame.at_s, bytearray(data))
    data[:] = 0
    return pressed


class Film:
    """The frames of one recording, in order."""

    def __init__(self, bytes_max: int = FILM_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._frames: list[_Pressed] = []
        self.size_bytes = 0

    def __len__(self) -> int:
        """How many frames it holds."""
        return len(self._frames)

    def add(self, frame: Frame) -> None:
        """Take the next frame.

        Raises:
            LimitExceeded: the film is full; nothing was added.
        """
        pressed = _pressed(frame)
        if self.size_bytes + len(pressed.data) > self._bytes_max:
            pressed.wipe()
            msg = f"the film holds {self._bytes_max} bytes"
            raise LimitExceeded(msg, limit=self._bytes_max)
        self.size_bytes += len(pressed.data)
        self._frames.append(pressed)

    def at_s(self, index: int) -> float:
        """Return when a frame was taken."""
        return self._frames[index].at_s

    def picture(self, index: int) -> Pixels:
        """Return a frame's picture."""
        return self._frames[index].picture()

    def wipe(self) -> None:
        """Overwrite and forget every frame. May be called twice."""
        for frame in self._frames:
            frame.wipe()
        self._frames.clear()
        self.size_bytes = 0


class Delay:
    """Shows what was seen some seconds ago; what is older is overwritten."""

    def __init__(self, delay_s: float = DELAY_S, bytes_max: int = DELAY_BYTES_MAX) -> None:
        self._delay_s = delay_s
        self._bytes_max = bytes_max
        self._frames: deque[_Pressed] = deque()
        self.size_bytes = 0

    def add(self, frame: Frame) -> None:
        """Take the newest frame; where bytes run short the oldest go, and the delay shrinks."""
        pressed = _pressed(frame)
        self._frames.append(pressed)
        self.size_bytes += len(pressed.data)
        old = frame.at_s - self._delay_s
        while len(self._frames) > 1 and (
            self._frames[1].at_s <= old or self.size_bytes > self._bytes_max
        ):
            gone = self._frames.popleft()
            self.size_bytes -= len(gone.data)
            gone.wipe()

    def picture(self, now_s: float) -> Pixels | None:
        """Return the newest picture that is old enough; ``None`` before there is one."""
        shown = None
        for frame in self._frames:
            if frame.at_s > now_s - self._delay_s:
                break
            shown = frame
        return shown.picture() if shown is not None else None

    def wipe(self) -> None:
        """Overwrite and forget everything. May be called twice."""
        for frame in self._frames:
            frame.wipe()
        self._frames.clear()
        self.size_bytes = 0
