"""A turn's small picture, inside its contact sheet: sealed with it, opened with it, gone with it.

A JPEG comment that stands before all others, and so within the first chunk of the sealed file:
whoever opens that chunk has it. Pure; the other reader is ``mobile_api.looks.thumbnails``.
"""

from typing import Final

import cv2
import numpy as np

from store_devices.hardware import Pixels
from store_devices.mirror.track import commented

MARK: Final = b"carryover thumbnail 1\x00"
WIDTH_PX: Final = 240
"""A card is 175 CSS pixels wide on a phone of 390."""
BYTES_MAX: Final = 48 * 1024
"""With its mark it ends within the first 64 KiB. A picture of noise has half of it."""
QUALITIES: Final = (78, 50)
"""JPEG's. The second where the first makes too much."""


def thumbnailed(sheet: bytes, front: Pixels) -> bytes:
    """Return the sheet with a small JPEG of the front, WIDTH_PX wide, its sides as they were.

    One that is larger than BYTES_MAX is left out: the card then shows the sheet.

    Raises:
        InvalidInput: the sheet is no JPEG.
    """
    high, wide = front.shape[:2]
    size = (WIDTH_PX, max(1, round(WIDTH_PX * high / wide)))
    small = np.asarray(cv2.resize(front, size, interpolation=cv2.INTER_AREA))
    for quality in QUALITIES:
        _, data = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, quality))
        if data.size <= BYTES_MAX:
            return commented(sheet, MARK + data.tobytes())
    return sheet
