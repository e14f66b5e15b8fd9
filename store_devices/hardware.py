"""What the shop's hardware looks like to the code that runs on it.

Protocols only: the real parts stand in ``camera.py`` and ``scanner.py``, the simulated ones
in ``firmware_sim``; of radio, which needs no pictures, in ``ble``. Nothing here may open a device.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: height x width x 3, blue-green-red, as OpenCV keeps it."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a camera and when it was taken, in monotonic seconds."""

    pixels: Pixels
    at_s: float


class Camera(Protocol):
    """Gives frames until it is closed."""

    def read(self) -> Frame | None:
        """Wait for the next frame; ``None`` once the camera is closed or its film is over.

        Raises:
            Unavailable: the device does not answer any more.
        """
        ...

    def close(self) -> None:
        """Let go of the device; a waiting ``read`` returns ``None``. May be called twice."""
        ...


class Scanner(Protocol):
    """A hand scanner that types what it reads."""

    def lines(self) -> Iterator[str]:
        """Yield one text per trigger pull, cleaned of what the scanner adds, until closed."""
        ...

    def close(self) -> None:
        """Let go of the device. May be called twice."""
        ...


class TagReader(Protocol):
    """An RFID reader (EPC Gen2) over a room."""

    def read(self) -> Collection[bytes] | None:
        """Wait for the next round, a quarter second or so; return the EPCs that were heard.

        12 bytes each, or 26. ``None`` once the reader is closed.

        Raises:
            Unavailable: the device does not answer any more.
        """
        ...

    def close(self) -> None:
        """Let go of the device; a waiting ``read`` returns ``None``. May be called twice."""
        ...


class Display(Protocol):
    """A touch screen with a browser on it."""

    def show(self, address: str) -> None:
        """Open ``address`` (an http URL on loopback) full screen."""
        ...

    def switch(self, *, on: bool) -> None:
        """Turn the backlight on or off."""
        ...


class Light(Protocol):
    """A lamp beside a camera that says that it records."""

    def switch(self, *, on: bool) -> None:
        """Turn it on or off.

        Raises:
            Unavailable: it does not obey; then nothing may be recorded.
        """
        ...


def frames(camera: Camera) -> Iterator[Frame]:
    """Yield the camera's frames until it ends; the camera stays open for its owner to close."""
    while (frame := camera.read()) is not None:
        yield frame
