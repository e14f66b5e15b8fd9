"""Two turns of a visit beside each other: stills of the eight sides, and a video. In memory.

The first turn leads: beside each of its frames stands the frame of the other that shows the same
view, whichever way round and however fast she turned. What is made of them is wiped as a whole.
"""

import io
from collections.abc import Iterator
from typing import Final, Literal, get_args

import av
import cv2
import numpy as np

from cart.kernel.errors import InvalidInput
from store_devices.hardware import Pixels
from store_devices.mirror.encoding import webm
from store_devices.mirror.held import HeldTurn
from store_devices.mirror.picking import VIEWS_DEG, in_step, off_deg

HALF_WIDTH_PX: Final = 400
"""Of one of the two: the glass is 1080 wide, and the other turn's frames wait in memory."""
QUALITY: Final = 85  # JPEG's; a still is looked at for longer than a frame of a video

Side = Literal[0, 1, 2, 3, 4, 5, 6, 7]
"""Which of ``VIEWS_DEG`` is shown: 0 her front, 4 her back."""
SIDES: Final[tuple[Side, ...]] = get_args(Side)


class Beside:
    """What was made of two turns, in bytes that can be overwritten. Not for two threads at once."""

    def __init__(self) -> None:
        self.stills: list[bytearray] = []
        self.video = bytearray()

    def part(self, name: str) -> bytes | None:
        """Return the ``video``, or the still of a side by its number; None: it is not there."""
        if name == "video":
            return bytes(self.video) or None
        if not name.isdecimal() or int(name) >= len(self.stills):
            return None
        return bytes(self.stills[int(name)])

    def wipe(self) -> None:
        """Overwrite and forget. May be called twice."""
        for data in (*self.stills, self.video):
            data[:] = bytes(len(data))
            data.clear()
        self.stills.clear()


def eight_sides(lead: HeldTurn, other: HeldTurn) -> list[bytearray]:
    """Return for each of ``SIDES`` a JPEG: ``lead`` on the left, ``other`` at the same view.

    Raises:
        InvalidInput: a turn has no picture (it was wiped meanwhile).
    """
    halves = [_at_views(turn) for turn in (lead, other)]
    return [_pressed(_joined(left, right)) for left, right in zip(*halves, strict=True)]


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


def _at_views(turn: HeldTurn) -> list[Pixels]:
    """Return the frames of a turn that are nearest to the eight views."""
    wanted = [int(off_deg(turn.views_deg, view).argmin()) for view in VIEWS_DEG]
    found: dict[int, Pixels] = {}
    try:
        for index, (_, pixels) in enumerate(_frames(bytes(turn.video))):
            if index in wanted:
                found[index] = pixels
        return [found[index] for index in wanted]
    except (av.FFmpegError, KeyError) as error:
        msg = "a turn is no video any more"
        raise InvalidInput(msg) from error


def _pressed(pixels: Pixels) -> bytearray:
    _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return bytearray(data.tobytes())


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
