"""The printed board that a mirror's camera is calibrated with: its sheet, and finding it.

A ChArUco board: a chessboard with a marker in each white field, so that a part of it is enough,
and no corner is taken for another. Owns its measures. Must not decide which views are needed.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.hardware import Pixels

COLUMNS: Final = 5
ROWS: Final = 7
SQUARE_MM: Final = 55.0
"""As large as an A3 sheet takes: on the floor, two metres and a half from the lens, a marker's
field is still two pixels wide at 720 x 1280."""
MARKER_MM: Final = 41.0
MARKER_FIELDS: Final = 6
"""Of a marker's width, its black rim included."""
SHEET_MM: Final = (297.0, 420.0)
CORNERS_MIN: Final = 8
"""Of 24: fewer say little of where the board is."""

_WORDS: Final = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
_BOARD: Final = cv2.aruco.CharucoBoard((COLUMNS, ROWS), SQUARE_MM / 1000, MARKER_MM / 1000, _WORDS)

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Inner corners of the board in one picture.

    ``numbers`` (n) says which they are, ``places_px`` (n x 2) where they are seen, ``places_m``
    (n x 3) where they are on the board.
    """

    numbers: NDArray[np.int32]
    places_px: Points
    places_m: Points


class Finder:
    """Finds the board. Not for two threads at once."""

    def __init__(self) -> None:
        self._detector = cv2.aruco.CharucoDetector(_BOARD)

    def find(self, pixels: Pixels, *, far: bool = False) -> Found | None:
        """Return the corners that are seen; None: too few are, or they are all in one line.

        ``far``: the board is small in the picture, and worth four times the work.
        """
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        if far:
            grey = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        places, numbers, _, _ = self._detector.detectBoard(grey)
        if numbers is None or len(numbers) < CORNERS_MIN:
            return None
        known = np.asarray(numbers, dtype=np.int32).reshape(-1)
        if len(set(known % (COLUMNS - 1))) == 1 or len(set(known // (COLUMNS - 1))) == 1:
            return None
        at_m = np.asarray(_BOARD.getChessboardCorners(), dtype=np.float32)[known]
        seen = np.asarray(places, dtype=np.float32).reshape(-1, 2)
        # The middle of a pixel is half a pixel from its edge, in both pictures.
        if far:
            seen = (seen - np.float32(0.5)) / np.float32(2)
        return Found(known, seen.astype(np.float32), at_m)


def picture(field_px: int) -> Pixels:
    """Return the board alone, its squares ``field_px`` wide."""
    grey = _BOARD.generateImage((COLUMNS * field_px, ROWS * field_px))
    return np.repeat(np.asarray(grey, dtype=np.uint8)[:, :, None], 3, axis=2)


def sheet() -> str:
    """Return the sheet to print, at its true size (SVG, A3 upright)."""
    wide, high = SHEET_MM
    left, top = (wide - COLUMNS * SQUARE_MM) / 2, (high - ROWS * SQUARE_MM) / 2
    drawn = [
        f"M{left + column * SQUARE_MM:g} {top + row * SQUARE_MM:g}h{SQUARE_MM:g}v{SQUARE_MM:g}"
        f"h-{SQUARE_MM:g}z"
        for row in range(ROWS)
        for column in range(COLUMNS)
        if (row + column) % 2 == 0
    ]
    field = MARKER_MM / MARKER_FIELDS
    for number, corners in zip(_BOARD.getIds(), _BOARD.getObjPoints(), strict=True):
        word = _WORDS.generateImageMarker(int(np.ravel(number)[0]), MARKER_FIELDS)
        x, y = np.asarray(corners)[0, :2] * 1000
        for row, column in np.argwhere(np.asarray(word) == 0):
            at_x, at_y = left + x + column * field, top + y + row * field
            drawn.append(f"M{at_x:.3f} {at_y:.3f}h{field:.3f}v{field:.3f}h-{field:.3f}z")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}mm" height="{high:g}mm"'
        f' viewBox="0 0 {wide:g} {high:g}"><path d="M0 0h{wide:g}v{high:g}H0z" fill="#fff"/>'
        f'<path d="{"".join(drawn)}" shape-rendering="crispEdges"/></svg>\n'
    )
