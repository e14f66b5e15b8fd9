"""The eyes and the live view of whichever camera there is; made for the size of its pictures.

A camera that was pulled out may come back as another one. What was learnt through the old one is
wiped then, and nothing is looked at that the calibration is not of. Not for two threads at once.
"""

from store_devices.hardware import Pixels
from store_devices.mirror.eyes import Eyes
from store_devices.mirror.live import Live
from store_devices.mirror.straight import Calibration, known_or_guessed


class Looking:
    """Eyes and live view, once there was a picture; ``calibration`` None: it is guessed."""

    def __init__(self, calibration: Calibration | None) -> None:
        self._calibration = calibration
        self._size_px: tuple[int, int] | None = None
        self.eyes: Eyes | None = None
        self.live: Live | None = None

    def changes(self, pixels: Pixels) -> bool:
        """Say whether a picture is of another size than those before it."""
        return self._size_px not in (None, _size_px(pixels))

    def through(self, pixels: Pixels) -> tuple[Eyes, Live]:
        """Return what looks at pictures like this one: what did until now, or made anew.

        Raises:
            InvalidPayload: the calibration was taken at another size; there are no eyes then.
        """
        if self.eyes is None or self.live is None or self.changes(pixels):
            self.wipe()
            self.eyes = self.live = self._size_px = None
            known = known_or_guessed(self._calibration, pixels)
            self.eyes, self.live = Eyes(known), Live(known)
            self._size_px = _size_px(pixels)
        return self.eyes, self.live

    def wipe(self) -> None:
        """Overwrite and forget what is held of a recording and of the live view."""
        if self.eyes is not None:
            self.eyes.discard()
        if self.live is not None:
            self.live.wipe()

    def wipe_live(self) -> None:
        """Overwrite and forget the live view alone."""
        if self.live is not None:
            self.live.wipe()


def _size_px(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[0], pixels.shape[1]
