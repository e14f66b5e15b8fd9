"""Tells her from whoever walks by behind her while their silhouettes are one.

Her colours are learnt as she turns: the middle of her silhouette is always hers, she stands in
front; all of it is while nobody else is about. What has none of her colours is taken out of it.
Owns those colours, in memory, for one recording. Must not look for people (``silhouette.py``).
"""

from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.hardware import Pixels
from store_devices.mirror.silhouette import Body, Mask, remeasured

ZONES: Final = (0.0, 0.17, 0.5, 1.01)
"""Of her height from the top: head, trunk, legs. Hair's colour on a sleeve is not hers."""

BINS: Final = (16, 32, 32)
"""Of lightness and the two axes of colour (Lab): 16, 4 and 4 levels each, around grey."""

CORES: Final = (0.025, 0.05, 0.05)
"""Of her height to each side of her middle, by zone: hers for certain, also from the side."""

HERS_MIN: Final = 0.004
"""Of all that was learnt in a zone: a colour seen more rarely than that is a mixture or noise."""

ABOUT_S: Final = 3.0
"""Somebody who was seen apart from her may be behind her for so long: she walks on."""

FOREIGN_MIN: Final = 0.0015
"""Of the picture: what stands beside her and is smaller is a hand or noise."""

SPECK_PX: Final = 7
"""Foreign spots narrower than that are buttons, prints and edges of her own."""

TALLER_MAX: Final = 1.03
"""Of her usual height: what is above that is another's head."""


class Apart:
    """Takes the frames of one recording in order. Not for two threads at once."""

    def __init__(self) -> None:
        self._hers = [np.zeros(BINS, dtype=np.float32) for _ in ZONES[1:]]
        self._about_s = -np.inf
        self._heights: list[int] = []
        self._middle_px: float | None = None

    def own(
        self, straight: Pixels, everybody: Mask, alone: Mask, body: Body, at_s: float
    ) -> tuple[Body, Mask]:
        """Return her and her silhouette without what of it is somebody else's."""
        beside = int(cv2.countNonZero(everybody)) - int(cv2.countNonZero(alone))
        if body.crowded or body.others or beside > FOREIGN_MIN * alone.size:
            self._about_s = at_s
        bins = _binned(straight)
        if at_s - self._about_s > ABOUT_S:
            self._heights.append(body.height_px)
            self._middle_px = body.middle_px
            self._learn(bins, alone, body)
            return body, alone
        if not self._heights:
            self._heights.append(body.height_px)
        core = self._core(alone, body)
        self._learn(bins, core, body)
        own = self._cleaned(bins, alone, core, body)
        found = remeasured(body, own)
        self._middle_px = found.middle_px
        return found, own

    def _core(self, alone: Mask, body: Body) -> Mask:
        """Return what is hers for certain, about where her middle was in the frame before."""
        core = np.zeros_like(alone)
        middle = round(body.middle_px if self._middle_px is None else self._middle_px)
        for zone, share in zip(_zones(body), CORES, strict=True):
            reach = max(2, round(share * body.height_px))
            core[zone, max(0, middle - reach) : middle + reach + 1] = 255
        return np.asarray(core & alone, dtype=np.uint8)

    def _learn(self, bins: NDArray[np.intp], mask: Mask, body: Body) -> None:
        for hers, zone in zip(self._hers, _zones(body), strict=True):
            seen = bins[zone][mask[zone] > 0]
            np.add(hers, np.bincount(seen, minlength=hers.size).reshape(BINS), out=hers)

    def _cleaned(self, bins: NDArray[np.intp], alone: Mask, core: Mask, body: Body) -> Mask:
        foreign = np.zeros_like(alone)
        for hers, zone in zip(self._hers, _zones(body), strict=True):
            near = cv2.dilate(hers.reshape(BINS[0], -1), np.ones((3, 1), np.uint8))
            near = near.reshape(BINS)
            near = np.stack([cv2.dilate(plane, np.ones((3, 3), np.uint8)) for plane in near])
            known = near > HERS_MIN * max(float(hers.sum()), 1.0)
            foreign[zone] = np.where(known.reshape(-1)[bins[zone]], 0, 255)
        foreign &= alone & ~core
        speck = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (SPECK_PX, SPECK_PX))
        spots = cv2.dilate(cv2.morphologyEx(foreign, cv2.MORPH_OPEN, speck), speck)
        own = np.where((spots > 0) & (core == 0), 0, alone).astype(np.uint8)
        foot = body.box[1] + body.box[3]
        usual = float(np.median(self._heights))
        own[: max(0, round(foot - TALLER_MAX * usual))] = 0
        _, labels, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        joined = np.unique(labels[core > 0])
        joined = joined[joined > 0]
        if joined.size == 0:
            return alone
        most = stats[joined, cv2.CC_STAT_AREA].max()
        big = [number for number in joined if stats[number, cv2.CC_STAT_AREA] > 0.02 * most]
        return np.where(np.isin(labels, big), np.uint8(255), np.uint8(0)).astype(np.uint8)


def _binned(straight: Pixels) -> NDArray[np.intp]:
    """Return the number of each pixel's bin."""
    lab = cv2.cvtColor(cv2.blur(straight, (3, 3)), cv2.COLOR_BGR2LAB).astype(np.intp)
    light = lab[..., 0] >> 4
    first = np.clip((lab[..., 1] - 64) >> 2, 0, BINS[1] - 1)
    second = np.clip((lab[..., 2] - 64) >> 2, 0, BINS[2] - 1)
    return np.asarray((light * BINS[1] + first) * BINS[2] + second)


def _zones(body: Body) -> list[slice]:
    _, top, _, height = body.box
    rows = [max(0, round(top + share * height)) for share in ZONES]
    return [slice(first, last) for first, last in pairwise(rows)]
