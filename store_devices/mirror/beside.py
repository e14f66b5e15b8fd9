"""Two turns of a visit beside each other in one video, in step by angle. In memory.

The first turn leads: its frames keep their times, and beside each stands the frame of the other
that shows the same view, whichever way round and however fast she turned.
"""

import io
from collections.abc import Iterator
from typing import Final

import av
import numpy as np

from cart.kernel.errors import InvalidInput
from store_devices.hardware import Pixels
from store_devices.mirror.encoding import webm
from store_devices.mirror.held import HeldTurn
from store_devices.mirror.picking import in_step

HALF_WIDTH_PX: Final = 400
"""Of one of the two: the glass is 1080 wide, and the other turn's frames wait in memory."""


def side_by_side(lead: HeldTurn, other: HeldTurn) -> bytes:
    """Return a WebM: ``lead`` on the left, and ``other`` in step with it.

    Raises:
        InvalidInput: a turn has no picture (it was wiped meanwhile).
    """
    try:
        beside = [pixels for _, pixels in _frames(bytes(other.video))]
        if not beside:
            return webm([])
        order = in_step(lead.views_deg, other.views_deg[: len(beside)])
        pairs = zip(_frames(bytes(lead.video)), order, strict=False)
        return webm((at_s, _joined(pixels, beside[index])) for (at_s, pixels), index in pairs)
    except av.FFmpegError as error:
        msg = "a turn is no video any more"
        raise InvalidInput(msg) from error


def _frames(video: bytes) -> Iterator[tuple[float, Pixels]]:
    """Yield seconds and picture (BGR) of each frame, in half the glass's width."""
    if not video:
        return
    with av.open(io.BytesIO(video), "r") as container:
        for frame in container.decode(video=0):
            height = round(frame.height * HALF_WIDTH_PX / frame.width / 2) * 2
            small = frame.reformat(width=HALF_WIDTH_PX, height=height, format="bgr24")
            yield frame.time or 0.0, np.asarray(small.to_ndarray(), dtype=np.uint8)


def _joined(left: Pixels, right: Pixels) -> Pixels:
    """Return both in one picture, with their feet on one line."""
    height = max(left.shape[0], right.shape[0])
    joined = np.zeros((height, left.shape[1] + right.shape[1], 3), dtype=np.uint8)
    joined[height - left.shape[0] :, : left.shape[1]] = left
    joined[height - right.shape[0] :, left.shape[1] :] = right
    return joined
