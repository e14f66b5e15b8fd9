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

ROUNDS: Final = ((2.5, 3), (1.0, 3))
"""Deviation of the blur in pixels and rounds of fitting with it: first coarse, then fine."""

SHADE_PX: Final = 4.0
"""Light and shade change over more than this; seams, buttons and knit over less."""

SHIFT_MAX_PX: Final = 12.0
"""More than a trunk's middle moves between two frames: a pirouette."""

HALF: Final = 127
"""A pixel of a shrunken silhouette that is hers by more than half."""

LOOK_SIZE: Final = (24, 48)
"""Width and height of what is kept of a frame to know it again."""


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
        flat = _flat(grey, mask)
        if self._before is not None:
            self._shift_px = self._shifted(self._before, (flat, mask), body, height)
        self._before = (flat, mask)
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
        starts = (0.0, self._shift_px) if abs(self._shift_px) > 1 else (0.0,)
        tried = [_fitted(before[0][window], now[0][window], inside, start) for start in starts]
        return min(tried, key=lambda fit: fit[1])[0]


def _fitted(
    before: Grey, now: Grey, inside: NDArray[np.bool_], start: float
) -> tuple[float, float]:
    """Fit one shift (x and y) to a window by least squares; return that of x, and the error."""
    x, y, error = start, 0.0, np.inf
    size = (before.shape[1], before.shape[0])
    for blur, rounds in ROUNDS:
        first = cv2.GaussianBlur(before, (0, 0), blur)
        second = cv2.GaussianBlur(now, (0, 0), blur)
        slope_x = cv2.Sobel(second, cv2.CV_32F, 1, 0, scale=1 / 8)[inside]
        slope_y = cv2.Sobel(second, cv2.CV_32F, 0, 1, scale=1 / 8)[inside]
        for _ in range(rounds):
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
            x = float(np.clip(x + (yy * bx - xy * by) / determinant, -SHIFT_MAX_PX, SHIFT_MAX_PX))
            y = float(np.clip(y + (xx * by - xy * bx) / determinant, -3, 3))
            error = float(np.minimum(np.abs(apart), 30).mean()) if apart.size else np.inf
    return x, error


def _flat(grey: Grey, mask: Mask) -> Grey:
    """Take light and shade away, which stay while she turns: leave what is on the cloth."""
    inside = (mask > 0).astype(np.float32)
    share = cv2.GaussianBlur(inside, (0, 0), SHADE_PX) + 1e-3
    shade = cv2.GaussianBlur(grey * inside, (0, 0), SHADE_PX) / share
    flat: Grey = (100 * inside * (grey - shade) / (shade + 8)).astype(np.float32)
    return flat


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
