"""Estimates how far a person has turned, frame by frame, from her body's own surface.

A trunk is nearly a cylinder with an oval section: what is painted on it moves across the
middle of the picture at s = r * omega, where r is how far the surface nearest to the lens is
from the axis. For an oval with half-widths a and b that is r = a b / w while the silhouette's
half-width is w; so omega = s w / (a b), and the angle is the sum of s w. The unknown a b falls
out once the turn has come round, when she looks as she did at its start. What is left of error
is periodic, and the silhouette's width, widest at 0 and 180 degrees, takes most of it away.

Owns the estimate; must not judge whether it was a turn (``verdict.py`` does).
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.hardware import Pixels
from store_devices.mirror.silhouette import Body, Mask

Doubles = NDArray[np.float64]
Grey = NDArray[np.float32]

FRAMES_MAX: Final = 1024
"""Of one recording: half a minute at 30 frames a second, three times the longest turn."""

TRUNK_TO: Final = 0.5
"""The part of her height, from the top, whose motion counts: head to hem."""

BAND: Final = 0.27
"""Of the silhouette's width, to each side of its middle: where the motion is nearly even."""

SEEK_BLUR: Final = 1.5
"""Deviation in pixels: more than the sensor's grain, less than a knit's."""

ROUNDS: Final = 3
"""Of fitting less than a pixel."""

SHADE_PX: Final = 4.0
"""Light and shade change over more than this; seams, buttons and knit over less."""

RIM_PX: Final = 3
"""A silhouette reaches that far into the room round it, whose edge stays while she turns."""

PLAIN_MAX: Final = 12.0
"""Of 100: a fold between arm and trunk differs by more; what counts more than a knit misleads."""

SHIFT_MAX_PX: Final = 12.0
"""More than a trunk's middle moves between two frames: a pirouette."""

HALF: Final = 127
"""A pixel of a shrunken silhouette that is hers by more than half."""

LOOK_SIZE: Final = (24, 48)
"""Width and height of what is kept of a frame to know it again."""

_RIM: Final = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """What is kept of one frame with a person in it.

    ``shift`` is how far the trunk's surface moved since the frame before, ``middle`` where the
    trunk is and ``width`` how wide its silhouette, all as shares of her height; ``look`` is a
    small picture of her (rows x columns x 4, the last is the silhouette), ``sharp`` how much fine
    detail the trunk shows (no unit: to compare frames of one recording), ``crowded`` that
    another may be in her silhouette.
    """

    at_s: float
    shift: float
    middle: float
    width: float
    look: Grey
    sharp: float
    crowded: bool


class Follower:
    """Takes the frames of one recording in order, and keeps a glimpse of each."""

    def __init__(self) -> None:
        self.glimpses: list[Glimpse] = []
        self._before: tuple[Grey, Mask] | None = None
        self._shift_px = 0.0
        self._heights: list[int] = []

    def add(self, straight: Pixels, mask: Mask, body: Body, at_s: float) -> None:
        """Take the next frame in which she is; frames past the limit are left out."""
        if len(self.glimpses) >= FRAMES_MAX:
            return
        grey = cv2.cvtColor(straight, cv2.COLOR_BGR2GRAY).astype(np.float32)
        self._heights.append(body.height_px)
        height = float(np.median(self._heights[-30:]))
        inner = np.asarray(cv2.erode(mask, _RIM), dtype=np.uint8)
        flat = _flat(grey, inner)
        if self._before is not None:
            self._shift_px = self._shifted(self._before, (flat, inner), body, height)
        self._before = (flat, inner)
        self.glimpses.append(
            Glimpse(
                at_s,
                self._shift_px / height,
                body.middle_px / height,
                body.width_px / height,
                _look(straight, mask, body, height),
                float(cv2.Laplacian(grey, cv2.CV_32F)[mask > 0].var()),
                body.crowded,
            )
        )

    def lost(self) -> None:
        """Say that she was not seen in a frame: the next one has none before it."""
        self._before = None
        self._shift_px = 0.0

    def _shifted(
        self, before: tuple[Grey, Mask], now: tuple[Grey, Mask], body: Body, height: float
    ) -> float:
        """Return how far the middle of the trunk moved to the right, in pixels."""
        reach = max(4.0, BAND * body.width_px)
        margin = 16
        top = max(0, body.box[1] - 2)
        bottom = min(now[0].shape[0], round(top + TRUNK_TO * height))
        left = max(0, round(body.middle_px - reach) - margin)
        right = min(now[0].shape[1], round(body.middle_px + reach) + margin)
        window = (slice(top, bottom), slice(left, right))
        columns = np.arange(left, right, dtype=np.float32)
        near = np.abs(columns - body.middle_px) < reach
        inside = (cv2.erode(now[1][window], np.ones((5, 5), np.uint8)) > 0) & near[None]
        start = _sought(before[0][window], now[0][window], inside)
        return _fitted(before[0][window], now[0][window], inside, start)


def _sought(before: Grey, now: Grey, inside: NDArray[np.bool_]) -> float:
    """Return the whole number of pixels by which a window fits best: a knit has many fits."""
    first = cv2.GaussianBlur(before, (0, 0), SEEK_BLUR)
    second = cv2.GaussianBlur(now, (0, 0), SEEK_BLUR)
    reach = round(SHIFT_MAX_PX)
    shifts = range(-reach, reach + 1)
    wide = cv2.copyMakeBorder(first, 0, 0, reach, reach, cv2.BORDER_CONSTANT)
    columns = before.shape[1]
    costs = [
        float(cv2.mean(cv2.absdiff(second, wide[:, reach - x : reach - x + columns]), mask)[0])
        for mask in (inside.astype(np.uint8),)
        for x in shifts
    ]
    return float(shifts[int(np.argmin(costs))])


def _fitted(before: Grey, now: Grey, inside: NDArray[np.bool_], start: float) -> float:
    """Fit one shift (x and y) to a window by least squares, from ``start``; return that of x."""
    x, y = start, 0.0
    size = (before.shape[1], before.shape[0])
    first = cv2.GaussianBlur(before, (0, 0), SEEK_BLUR)
    second = cv2.GaussianBlur(now, (0, 0), SEEK_BLUR)
    slope_x = cv2.Sobel(second, cv2.CV_32F, 1, 0, scale=1 / 8)[inside]
    slope_y = cv2.Sobel(second, cv2.CV_32F, 0, 1, scale=1 / 8)[inside]
    for _ in range(ROUNDS):
        move = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
        moved = cv2.warpAffine(first, move, size, borderMode=cv2.BORDER_REPLICATE)
        apart = (second - moved)[inside]
        weight = 1 / np.maximum(np.abs(apart), 4.0)
        xx = float((weight * slope_x * slope_x).sum()) + 1e-3
        xy = float((weight * slope_x * slope_y).sum())
        yy = float((weight * slope_y * slope_y).sum()) + 1e-3
        bx = -float((weight * slope_x * apart).sum())
        by = -float((weight * slope_y * apart).sum())
        determinant = xx * yy - xy * xy
        if determinant <= 0:
            break
        x = float(np.clip(x + (yy * bx - xy * by) / determinant, start - 1, start + 1))
        y = float(np.clip(y + (xx * by - xy * bx) / determinant, -3, 3))
    return x


def _flat(grey: Grey, mask: Mask) -> Grey:
    """Take light and shade away, which stay while she turns: leave what is on the cloth."""
    inside = (mask > 0).astype(np.float32)
    share = cv2.GaussianBlur(inside, (0, 0), SHADE_PX) + 1e-3
    shade = cv2.GaussianBlur(grey * inside, (0, 0), SHADE_PX) / share
    flat = np.clip(100 * (grey - shade) / (shade + 8), -PLAIN_MAX, PLAIN_MAX)
    return np.asarray(inside * flat, dtype=np.float32)


def _look(straight: Pixels, mask: Mask, body: Body, height: float) -> Grey:
    """Return her, small, in Lab and with her silhouette; rows x columns x 4."""
    wide, high = LOOK_SIZE
    scale = high / height
    cut = np.array(
        [[scale, 0, wide / 2 - body.middle_px * scale], [0, scale, -body.box[1] * scale]],
        dtype=np.float32,
    )
    soft = cv2.blur(straight, (5, 5))
    small = cv2.warpAffine(soft, cut, LOOK_SIZE, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(mask, cut, LOOK_SIZE, flags=cv2.INTER_LINEAR)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32)
    lab *= inside[..., None] > HALF
    return np.dstack((lab, inside.astype(np.float32) * 0.5)).astype(np.float32)
