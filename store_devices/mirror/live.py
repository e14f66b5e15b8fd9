"""The live view of the glass, and the one that is five seconds late. One picture each, in memory.

Owns what is shown of the camera while she wants to see herself; wiped after that.
"""

from typing import Final

import cv2

from store_devices.hardware import Frame, Pixels
from store_devices.mirror.film import Delay
from store_devices.mirror.straight import Calibration, Straightener, whole_view

WIDTH_PX: Final = 540
QUALITY: Final = 80  # JPEG's; it is seen for a tenth of a second


class Live:
    """Views of one camera. Not for two threads at once, but ``newest`` may be read by any."""

    def __init__(self, calibration: Calibration) -> None:
        self._glass = Straightener(calibration, whole_view(calibration), WIDTH_PX)
        self._delay = Delay()
        self.newest: bytes | None = None

    def show(self, frame: Frame) -> None:
        """Show this frame."""
        self.newest = self._pressed(frame.pixels)

    def show_late(self, frame: Frame) -> None:
        """Show what was seen five seconds before this frame, once that is known."""
        self._delay.add(frame)
        late = self._delay.picture(frame.at_s)
        self.newest = None if late is None else self._pressed(late)

    def wipe(self) -> None:
        """Overwrite and forget all. May be called twice."""
        self._delay.wipe()
        self.newest = None

    def _pressed(self, pixels: Pixels) -> bytes:
        straight = self._glass.straight(pixels)
        _, data = cv2.imencode(".jpg", straight, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        return data.tobytes()
