"""Straightens what the mirror's camera sees, and lets the body fill the glass.

The camera hangs above the glass, tilted down, behind a wide lens. Here its picture is mapped
to that of a camera without distortion that looks level: upright things stand upright, and a
body keeps its proportions from shoes to hair. Owns the calibration and the maps; must not look
for people (``silhouette.py`` does).

Lens model: radial distortion as in OpenCV's calibration, x_d = x (1 + k1 r^2 + k2 r^4).
``calibrating.py`` finds its figures.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cart.kernel.errors import InvalidPayload
from store_devices.hardware import Pixels

SEES_UP: Final = 0.3
SEES_DOWN: Final = 1.0
"""The straight picture's upper and lower rim, as tangents from the level of the lens."""

FILLS: Final = 0.92
"""Of the glass's height that a body fills: hair and shoes do not touch the rim."""


ROLL_MAX_RAD: Final = 0.15
"""Nine degrees: by more a camera hangs crooked, and is better straightened by hand."""

Floats = NDArray[np.float64]


class Calibration(BaseModel):
    """What a calibration found of one mirror's camera: pixels, radians.

    ``tilt_rad`` is positive downwards, ``roll_rad`` where the room stands clockwise in the picture.
    ``camera`` and ``error_px`` say of which camera it is and how well it went, where that is known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    width_px: int = Field(ge=64, le=8192)
    height_px: int = Field(ge=64, le=8192)
    focal_px: float = Field(gt=0)
    middle_x_px: float
    middle_y_px: float
    k1: float = Field(default=0.0, ge=-1, le=1)
    k2: float = Field(default=0.0, ge=-1, le=1)
    tilt_rad: float = Field(default=0.0, ge=-1, le=1)
    roll_rad: float = Field(default=0.0, ge=-ROLL_MAX_RAD, le=ROLL_MAX_RAD)
    camera: str = Field(default="", max_length=256)
    error_px: float | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the level view, as tangents: left, top (up is negative), width and height."""

    left: float
    top: float
    width: float
    height: float


class Straightener:
    """Maps camera pictures of one calibration to one window at one size."""

    def __init__(self, calibration: Calibration, window: Window, width_px: int) -> None:
        """Make the map; ``width_px`` is that of the result, the height follows the window."""
        self.width_px = width_px
        self.height_px = max(2, round(width_px * window.height / window.width / 2) * 2)
        self.window = window
        across, down = np.meshgrid(
            window.left + (np.arange(self.width_px) + 0.5) / self.width_px * window.width,
            window.top + (np.arange(self.height_px) + 0.5) / self.height_px * window.height,
        )
        x, y = seen_at(calibration, across, down)
        self._from: tuple[NDArray[np.int16], NDArray[np.uint16]] = cv2.convertMaps(  # type: ignore[assignment]  # its stub says any number
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.CV_16SC2,
        )

    def straight(self, pixels: Pixels) -> Pixels:
        """Return the straightened picture, height_px x width_px x 3."""
        mapped = cv2.remap(pixels, *self._from, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(mapped, dtype=np.uint8)


def seen_at(calibration: Calibration, across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Return where in the camera's picture (x, y; pixels) a level direction is seen.

    ``across`` and ``down`` are tangents from the level of the lens, of any one shape.
    """
    sine, cosine = math.sin(calibration.tilt_rad), math.cos(calibration.tilt_rad)
    depth = np.maximum(down * sine + cosine, 1e-3)
    level_x, level_y = across / depth, (down * cosine - sine) / depth
    sine, cosine = math.sin(calibration.roll_rad), math.cos(calibration.roll_rad)
    x, y = level_x * cosine - level_y * sine, level_x * sine + level_y * cosine
    squared = x**2 + y**2
    stretch = (1 + calibration.k1 * squared + calibration.k2 * squared**2) * calibration.focal_px
    return x * stretch + calibration.middle_x_px, y * stretch + calibration.middle_y_px


GUESSED_FOCAL: Final = 0.86
"""Of the picture's height: a usual wide lens, sixty degrees from top to bottom."""


def guessed(width_px: int, height_px: int) -> Calibration:
    """Return what a camera of this size is taken for that nobody has calibrated."""
    return Calibration(
        width_px=width_px,
        height_px=height_px,
        focal_px=GUESSED_FOCAL * height_px,
        middle_x_px=(width_px - 1) / 2,
        middle_y_px=(height_px - 1) / 2,
    )


def known_or_guessed(calibration: Calibration | None, pixels: Pixels) -> Calibration:
    """Return the calibration of a camera that gives such pictures.

    Raises:
        InvalidPayload: it was taken at another size; what it would straighten is not this.
    """
    height_px, width_px = pixels.shape[:2]
    if calibration is None:
        return guessed(width_px, height_px)
    if (calibration.width_px, calibration.height_px) != (width_px, height_px):
        msg = (
            f"the calibration is of {calibration.width_px} x {calibration.height_px} pixels, but"
            f" the camera gives {width_px} x {height_px}: take it again with"
            " `store_devices mirror calibrate`, or take MIRROR_CALIBRATION away"
        )
        raise InvalidPayload(msg)
    return calibration


def whole_view(calibration: Calibration) -> Window:
    """Return the window of all that can be seen of a standing person."""
    half = calibration.width_px / 2 / calibration.focal_px
    return Window(-half, -SEES_UP, 2 * half, SEES_UP + SEES_DOWN)


def filling(whole: Straightener, box: tuple[int, int, int, int], aspect: float = 9 / 16) -> Window:
    """Return the window in which a body fills a glass of ``aspect`` (width to height).

    ``box`` is left, top, width, height of her silhouette in ``whole``'s picture; of a turn, of
    all its silhouettes, so that the picture stands still.
    """
    left, top, width, height = box
    tangent = whole.window.width / whole.width_px
    high = max(height / FILLS, width / FILLS / aspect) * tangent
    wide = high * aspect
    middle_x = whole.window.left + (left + width / 2) * tangent
    middle_y = whole.window.top + (top + height / 2) * tangent
    return Window(middle_x - wide / 2, middle_y - high / 2, wide, high)
