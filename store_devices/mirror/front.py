"""A turn's picture from the front, and the garment on it: what another colour is tried on.

Pure but for the bytes it holds, which can be overwritten. Must not know the catalogue.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from store_devices.hardware import Pixels
from store_devices.mirror.recolour import (
    DARK,
    LUMINANCE,
    Colour,
    Garment,
    Linear,
    linear,
    recoloured,
)
from store_devices.mirror.silhouette import Body, Mask
from store_devices.mirror.straight import Straightener

QUALITY: Final = 88  # JPEG's; it fills the glass
HALF_COVERED: Final = 128  # of 255: a pixel at the rim of a silhouette that was enlarged
ALIKE_MAX: Final = 0.34
"""How far the logarithms of the channels' shares may be off the swatch's. Drawn cloth under three
lamps was off its own by 0.27 at most, and off any other but greys by 0.4 at least."""
LIGHT: Final = (0.18, 3.0)
"""Of the swatch's light, what the camera may see of it: greys differ in nothing else."""
GUESS_BELOW: Final = 5 * DARK
"""Linear light of a swatch under which its folds are noise: from black it is a guess."""


@dataclass(slots=True, eq=False)
class Front:
    """The picture (BGR) and the upper garment on it; None: none was found."""

    pixels: Pixels
    garment: Garment | None

    def wipe(self) -> None:
        """Overwrite. May be called twice."""
        self.pixels[:] = 0
        if self.garment is not None:
            self.garment.mask[:] = 0

    def off(self, was: Colour) -> float | None:
        """Return how far the garment is off a swatch; None: it is none of this colour at all."""
        if self.garment is None:
            return None
        seen, told = self.garment.colour, linear(was)
        light = (float(seen @ LUMINANCE) + DARK) / (float(told @ LUMINANCE) + DARK)
        off = float(np.abs(_tint(seen) - _tint(told)).max())
        return off if off <= ALIKE_MAX and LIGHT[0] <= light <= LIGHT[1] else None

    def painted(self, was: Colour, wanted: Colour) -> bytes | None:
        """Return a JPEG with the garment, whose swatch ``was`` is known, in ``wanted``."""
        if self.garment is None:
            return None
        fresh = recoloured(self.pixels, self.garment, was, wanted)
        _, data = cv2.imencode(".jpg", fresh, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        return data.tobytes()


def is_guess(was: Colour) -> bool:
    """Say whether a garment of this swatch is too dark to be repainted well."""
    return float(linear(was) @ LUMINANCE) < GUESS_BELOW


def moved(sight: Straightener, glass: Straightener, mask: Mask, body: Body) -> tuple[Mask, Body]:
    """Return a silhouette of one straight view as it stands in another of the same camera."""
    scale = (sight.window.width / sight.width_px) / (glass.window.width / glass.width_px)
    left = (sight.window.left - glass.window.left) / glass.window.width * glass.width_px
    top = (sight.window.top - glass.window.top) / glass.window.height * glass.height_px
    across = np.array([[scale, 0, left], [0, scale, top]])
    larger = cv2.warpAffine(mask, across, (glass.width_px, glass.height_px))
    x, y, width, height = body.box
    box = (
        round(x * scale + left),
        round(y * scale + top),
        round(width * scale),
        round(height * scale),
    )
    there = Body(
        box, body.middle_px * scale + left, body.width_px * scale, body.others, body.crowded
    )
    return np.where(larger >= HALF_COVERED, 255, 0).astype(np.uint8), there


def _tint(colour: Linear) -> Linear:
    share = np.log(colour + DARK)
    return np.asarray(share - share.mean(), dtype=np.float32)
