"""Pictures as the readers want them: grey, of a bearable size.

Owns the conversions; a view of a picture knows the way back to its pixels.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.vision.model import Polygon

Grey = NDArray[np.uint8]
"""A picture: height x width, brightness of 255."""

Affine = NDArray[np.float64]
"""2 x 3: from a view's pixels to the picture's."""

_COLOUR_DIMENSIONS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture changed for a reader, and the affine way back."""

    grey: Grey
    back: Affine

    def home(self, polygon: Polygon) -> Polygon:
        """Return ``polygon`` of this view in pixels of the picture."""
        points = np.array(polygon) @ self.back[:, :2].T + self.back[:, 2]
        return tuple((float(x), float(y)) for x, y in points)


def grey_of(pixels: NDArray[np.uint8]) -> Grey:
    """Return the brightness of a BGR or grey picture."""
    if pixels.ndim == _COLOUR_DIMENSIONS:
        return as_grey(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
    return pixels


def as_grey(pixels: object) -> Grey:
    """Return OpenCV's answer as the array that it is."""
    return np.asarray(pixels, dtype=np.uint8)


def unchanged(grey: Grey) -> View:
    """Return the picture itself as a view."""
    return View(grey, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))


def scaled(grey: Grey, factor: float) -> View:
    """Return the picture enlarged (cubic) or shrunk (area mean) by ``factor``."""
    height, width = grey.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    back = np.array([[width / size[0], 0.0, 0.0], [0.0, height / size[1], 0.0]])
    return View(as_grey(cv2.resize(grey, size, interpolation=how)), back)


def turned(grey: Grey, degrees: float) -> View:
    """Return the picture turned counter-clockwise on a larger white sheet."""
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(height * sin + width * cos), int(height * cos + width * sin))
    turn[0, 2] += size[0] / 2 - width / 2
    turn[1, 2] += size[1] / 2 - height / 2
    back = np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64)
    return View(as_grey(cv2.warpAffine(grey, turn, size, borderValue=(255.0,))), back)


def softened(grey: Grey, radius_px: float) -> View:
    """Return the picture blurred: grain goes, wide bars stay."""
    return unchanged(as_grey(cv2.GaussianBlur(grey, (0, 0), radius_px)))


def sharpened(view: View, radius_px: float, amount: float) -> View:
    """Return the view with its edges lifted (unsharp mask)."""
    soft = cv2.GaussianBlur(view.grey, (0, 0), radius_px)
    edges = cv2.addWeighted(view.grey, 1 + amount, soft, -amount, 0)
    return View(as_grey(edges), view.back)


def thickened(view: View, along_px: int) -> View:
    """Return the view closed along the upright: specks inside bars and spaces go."""
    brush = np.ones((along_px, 1), np.uint8)
    return View(as_grey(cv2.morphologyEx(view.grey, cv2.MORPH_CLOSE, brush)), view.back)


def cut_out(grey: Grey, corners: Polygon, *, factor: float) -> View:
    """Return the area of four ``corners`` set upright, with margins, enlarged by ``factor``.

    The margins are half a side each way: detectors cut into the first bars, and
    a reader needs the light around them.
    """
    centre, (wide, high), degrees = cv2.minAreaRect(np.array(corners, dtype=np.float32))
    size = (round(2 * wide * factor) + 2, round(2 * high * factor) + 2)
    turn = cv2.getRotationMatrix2D(centre, degrees, factor)
    turn[0, 2] += size[0] / 2 - centre[0]
    turn[1, 2] += size[1] / 2 - centre[1]
    back = np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64)
    cut = cv2.warpAffine(grey, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return View(as_grey(cut), back)
