"""Turns pictures into what a phone can show: a WebM video, a contact sheet. In memory.

Owns the codec (VP8 in WebM: every phone and browser of the last years plays it, and it is
free). Must not touch files: an unkept turn would leave bytes there.
"""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

import av
import cv2
import numpy as np

from cart.kernel.errors import InvalidInput
from store_devices.hardware import Pixels

BITS_PER_S: Final = 2_500_000
"""A turn of eight seconds is 2.5 MB: half a second on a phone's network."""

KEY_FRAMES: Final = 15
"""One whole picture at least in so many: a finger on the seek bar finds its place at once."""

_SPEED: Final = {
    "deadline": "realtime",
    "cpu-used": "8",  # the fastest; eight seconds must not take ten
    "lag-in-frames": "0",
    "error-resilient": "0",
}
SHEET_COLUMNS: Final = 4
SHEET_QUALITY: Final = 88
SHEET_GAP_PX: Final = 6


def webm(pictures: Iterable[tuple[float, Pixels]], *, threads: int = 1) -> bytes:
    """Return a WebM (VP8) of pictures (seconds from the first, BGR; all of one, even size).

    One thread by default: libvpx waits for its others in a loop, and a busy machine pays for that.

    Raises:
        InvalidInput: there is no picture.
    """
    target = io.BytesIO()
    stream = None
    with av.open(target, "w", format="webm") as container:
        last_ms = -1
        for at_s, pixels in pictures:
            if stream is None:
                stream = container.add_stream("libvpx", rate=30, options=_SPEED)
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.bit_rate = BITS_PER_S
                stream.codec_context.time_base = Fraction(1, 1000)
                stream.codec_context.gop_size = KEY_FRAMES
                stream.codec_context.thread_count = threads
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            last_ms = max(last_ms + 1, round(at_s * 1000))
            frame.pts = last_ms
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        if stream is None:
            msg = "a video needs a picture"
            raise InvalidInput(msg)
        container.mux(stream.encode(None))
    return target.getvalue()


def contact_sheet(pictures: Sequence[Pixels]) -> bytes:
    """Return a JPEG of pictures (all of one size) in rows of four.

    Raises:
        InvalidInput: there is no picture.
    """
    if not pictures:
        msg = "a contact sheet needs a picture"
        raise InvalidInput(msg)
    high, wide = pictures[0].shape[:2]
    rows = -(-len(pictures) // SHEET_COLUMNS)
    sheet = np.full(
        (
            rows * (high + SHEET_GAP_PX) + SHEET_GAP_PX,
            SHEET_COLUMNS * (wide + SHEET_GAP_PX) + SHEET_GAP_PX,
            3,
        ),
        255,
        dtype=np.uint8,
    )
    for number, picture in enumerate(pictures):
        row, column = divmod(number, SHEET_COLUMNS)
        top = SHEET_GAP_PX + row * (high + SHEET_GAP_PX)
        left = SHEET_GAP_PX + column * (wide + SHEET_GAP_PX)
        sheet[top : top + high, left : left + wide] = picture
    _, data = cv2.imencode(".jpg", sheet, (cv2.IMWRITE_JPEG_QUALITY, SHEET_QUALITY))
    return data.tobytes()
