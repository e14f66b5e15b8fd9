"""Finds who stands before the mirror, against the room with nobody in it.

Owns the picture of the empty room, in memory alone, and what a silhouette tells: where her
feet are, how wide she is, whether somebody stands beside her. Whoever's feet are higher in the
picture is further away: a passer-by, not a second person. Must not estimate angles.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.hardware import Pixels

Mask = NDArray[np.uint8]
"""A silhouette: height x width, 255 where somebody is."""

LEARNT_AFTER_FRAMES: Final = 8
"""Half a second of an empty room: its noise is known well enough by then."""

DIFFERS_MIN: Final = 16.0
"""Grey levels that a pixel must differ by; sensor noise in a lit shop deviates by 2 to 4."""

DIFFERS_DEVIATIONS: Final = 4.5
SHADOW: Final = (0.68, 1.04)
"""A shadow leaves this share of the light, and the colour as it is."""

SHADOW_TINT: Final = 0.055
SHADOW_FROM: Final = 0.68
"""Shadows lie on the floor: below this share of the picture's height."""

PERSON_AREA_MIN: Final = 0.012
PERSON_HEIGHT_MIN: Final = 0.3
"""Shares of the picture: below them it is a bag, a hand, or noise."""

REACH: Final = 0.27
"""How far from her feet's middle she reaches to each side, of her height; arms hang inside."""

FEET_APART_MAX: Final = 0.315
"""Of her height: feet further apart than that on the same line belong to two people."""

CLOSE_PX: Final = 3
CROWDED_MIN: Final = 0.1
"""Of the rows from knee to neck: in so many somebody else is within her reach."""

NECK: Final = 0.06
"""Of her height: a throat is no longer than that."""

HEAD_AREA_MIN: Final = 0.001
"""Share of the picture: a head of somebody far from the glass has twice that."""

SAME_LINE: Final = 0.055
"""Of her height: feet that close to the lowest ones stand on the same line."""


@dataclass(frozen=True, slots=True)
class Body:
    """One silhouette in pixels of the straight picture.

    ``box`` is left, top, width, height; ``middle_px`` the x of her trunk; ``width_px`` the
    median width of the trunk's rows; ``others`` how many stand beside her; ``crowded``
    that somebody behind her may make her wider than she is.
    """

    box: tuple[int, int, int, int]
    middle_px: float
    width_px: float
    others: int
    crowded: bool

    @property
    def height_px(self) -> int:
        """From hair to shoes."""
        return self.box[3]


class EmptyRoom:
    """The room as it looks with nobody in it: mean and deviation of each pixel."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None
        self._deviation: NDArray[np.float32] | None = None
        self._frames = 0

    @property
    def known(self) -> bool:
        """Whether enough frames were learnt."""
        return self._frames >= LEARNT_AFTER_FRAMES

    def learn(self, straight: Pixels) -> None:
        """Take in one picture in which nobody is."""
        picture = straight.astype(np.float32)
        self._frames += 1
        if self._mean is None or self._deviation is None:
            self._mean, self._deviation = picture, np.full_like(picture, 3.0)
            return
        share = max(1 / self._frames, 0.02)
        apart = picture - self._mean
        self._mean += share * apart
        self._deviation += share * (np.abs(apart) * 1.25 - self._deviation)

    def silhouettes(self, straight: Pixels) -> Mask:
        """Return where somebody is; all empty as long as the room is not known."""
        mean, deviation = self._mean, self._deviation
        if mean is None or deviation is None or not self.known:
            return np.zeros(straight.shape[:2], dtype=np.uint8)
        picture = straight.astype(np.float32)
        # A camera that sets its exposure anew brightens or tints the whole picture alike.
        thin = (slice(None, None, 8), slice(None, None, 8))
        gain = np.median((picture[thin] + 1) / (mean[thin] + 1), axis=(0, 1), keepdims=True).astype(
            np.float32
        )
        room = mean * gain
        allowed = np.maximum(DIFFERS_DEVIATIONS * deviation, DIFFERS_MIN)
        over = cv2.split(cv2.subtract(cv2.absdiff(picture, room), allowed))
        most = cv2.max(cv2.max(over[0], over[1]), over[2])
        mask = np.where(most > 0, np.uint8(255), np.uint8(0))
        floor = slice(round(SHADOW_FROM * straight.shape[0]), None)
        mask[floor][_shadowed(picture[floor], room[floor])] = 0
        mask = np.asarray(cv2.medianBlur(mask, 5), dtype=np.uint8)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), dtype=np.uint8)


def _shadowed(picture: NDArray[np.float32], room: NDArray[np.float32]) -> NDArray[np.bool_]:
    shares = cv2.split((picture + 1) / (room + 1))
    least = cv2.min(cv2.min(shares[0], shares[1]), shares[2])
    most = cv2.max(cv2.max(shares[0], shares[1]), shares[2])
    noise = 3 / (room[..., 1] + 1)  # in the dark a grey level is a greater share
    shadowed: NDArray[np.bool_] = (
        (least > SHADOW[0]) & (most < SHADOW[1]) & (most - least < SHADOW_TINT + noise)
    )
    return shadowed


def nearest(mask: Mask) -> tuple[Body, Mask] | None:
    """Return whoever stands nearest, and her silhouette alone; ``None`` when nobody does."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    people = [
        number
        for number in range(1, count)
        if stats[number, cv2.CC_STAT_AREA] >= PERSON_AREA_MIN * mask.size
        and stats[number, cv2.CC_STAT_HEIGHT] >= PERSON_HEIGHT_MIN * mask.shape[0]
    ]
    if not people:
        return None

    def foot(number: int) -> int:
        return int(stats[number, cv2.CC_STAT_TOP] + stats[number, cv2.CC_STAT_HEIGHT])

    lowest = max(foot(number) for number in people)
    level = SAME_LINE * mask.shape[0]
    beside = [number for number in people if foot(number) >= lowest - level]
    middle = mask.shape[1] / 2

    def off(number: int) -> float:
        left, wide = stats[number, cv2.CC_STAT_LEFT], stats[number, cv2.CC_STAT_WIDTH]
        return float(abs(left + wide / 2 - middle))

    her = min(beside, key=off)
    alone = np.where(labels == her, np.uint8(255), np.uint8(0)).astype(np.uint8)
    alone[np.isin(labels, _heads(alone, np.asarray(stats), foot(her)))] = 255
    return _measured(alone, mask, foot(her), len(beside) - 1)


def _heads(alone: Mask, stats: NDArray[np.integer], foot: int) -> list[int]:
    """Return the pieces right above her: a throat in the wall's colour parts a head from her."""
    top = int(np.flatnonzero(alone.any(axis=1))[0])
    height = foot - top
    throat = np.flatnonzero(alone[top : top + max(2, round(NECK * height))].any(axis=0))
    middle = (throat[0] + throat[-1]) / 2
    return [
        number
        for number, (left, high, wide, tall, area) in enumerate(stats.tolist())
        if number > 0
        and abs(high + tall - top) < NECK * height
        and abs(left + wide / 2 - middle) < 2 * NECK * height
        and area >= HEAD_AREA_MIN * alone.size
    ]


def _measured(alone: Mask, everybody: Mask, foot: int, others: int) -> tuple[Body, Mask] | None:
    rows = np.flatnonzero(alone.any(axis=1))
    height = int(foot - rows[0])
    line = alone[max(0, round(foot - SAME_LINE * height)) : foot]
    feet = np.flatnonzero(line.any(axis=0))
    if feet.size == 0:
        return None
    if feet[-1] - feet[0] > FEET_APART_MAX * height:
        others += 1
    middle = (feet[0] + feet[-1]) / 2
    # A passer-by behind her is cut off where she cannot reach.
    left = max(0, round(middle - REACH * height))
    right = min(alone.shape[1], round(middle + REACH * height) + 1)
    high = slice(max(0, round(foot - 0.9 * height)), round(foot - 0.3 * height))
    reach = slice(max(0, left - CLOSE_PX), right + CLOSE_PX)
    further = (everybody[high, reach] > 0) & (alone[high, reach] == 0)
    cut = alone[high, :left].any() or alone[high, right:].any()
    crowded = bool(cut or further.any(axis=1).mean() > CROWDED_MIN)
    alone[:, :left] = 0
    alone[:, right:] = 0
    rows = np.flatnonzero(alone.any(axis=1))
    body = Body((0, int(rows[0]), 0, int(foot - rows[0])), middle, 0.0, others, crowded)
    found = _of(alone, body)
    return None if found is None else (found, alone)


def remeasured(body: Body, own: Mask) -> Body:
    """Return her measures by a silhouette from which others were taken out."""
    return _of(own, body) or body


def _of(alone: Mask, body: Body) -> Body | None:
    foot = body.box[1] + body.box[3]
    rows = np.flatnonzero(alone.any(axis=1))
    if rows.size == 0:
        return None
    top, height = int(rows[0]), int(foot - rows[0])
    trunk = alone[round(top + 0.2 * height) : round(top + 0.48 * height)] > 0
    trunk = trunk[trunk.any(axis=1)]
    if len(trunk) == 0:
        return None
    first = trunk.argmax(axis=1)
    last = trunk.shape[1] - 1 - trunk[:, ::-1].argmax(axis=1)
    columns = np.flatnonzero(alone.any(axis=0))
    box = (int(columns[0]), top, int(columns[-1] - columns[0] + 1), height)
    middle_px, width_px = float(np.median(first + last)) / 2, float(np.median(last - first))
    return Body(box, middle_px, width_px, body.others, body.crowded)
