"""Does a code explain the pixels? Lays its ideal bars over the picture and compares.

A check digit lets one wrong read in ten through, and what is misread is
mostly two digits out of twelve: the whole looks right, two digits do not.
So the measure is the weakest digit. Owns that measure; decides nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from store_devices.vision.bars import modules
from store_devices.vision.grey import Grey
from store_devices.vision.model import Code, Reader

Line = NDArray[np.float64]
Point = NDArray[np.float64]

PER_MODULE: Final = 6  # samples; the finest step of the search is a sixth of a module
QUIET_MODULES: Final = 4  # of the light margin compared; the standard asks for 7 to 11
MARGIN_MODULES: Final = 14  # sampled beyond both ends, for the search to move in
DENSITY: Final = 8  # samples per module of the line as taken
BLURS_MODULES: Final = (0.25, 0.5, 0.8, 1.1)  # sharp, hand-held, soft, nearly lost
KNOTS: Final = 5
"""The line may stretch and shrink between five knots: packages are round and creased. Two
digits and more lie between neighbours, so a wrong digit cannot be bent into a right one."""

_KNOT_STEPS: Final = (0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1)
_WINDOW: Final = 14 * PER_MODULE | 1  # brightness is evened out over two digits
_MODULE_MIN_PX: Final = 0.6  # below that there is nothing left to compare

DIGITS_AT: Final = {
    95: [3 + 7 * index for index in range(6)] + [50 + 7 * index for index in range(6)],
    67: [3 + 7 * index for index in range(4)] + [36 + 7 * index for index in range(4)],
    51: [3 + 7 * index for index in range(6)],
}
"""Where the digits begin, by the number of modules: EAN-13 and UPC-A, EAN-8, UPC-E."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Correlations, 1 at best: of the whole, of the worst digit, and of the worse end."""

    whole: float
    weakest_digit: float
    weakest_end: float


NO_FIT: Final = Fit(0.0, 0.0, 0.0)


def fit(grey: Grey, code: Code, *, shift_modules: float = 0.0) -> Fit:
    """Compare an EAN/UPC ``code`` with ``grey`` along the line it was read on.

    ``shift_modules`` moves that line sideways, along the bars.
    """
    pattern = modules(code)
    corners = np.array(code.polygon, dtype=np.float64)
    across = ((corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2)
    if code.reader is not Reader.OPENCV:
        return _fit_line(grey, pattern, across, shift_modules, roughly=False)
    # OpenCV's rectangle does not say which way the code runs, nor exactly where it ends.
    along = ((corners[0] + corners[1]) / 2, (corners[3] + corners[2]) / 2)
    ways = (across, across[::-1], along, along[::-1])
    return max(
        (_fit_line(grey, pattern, way, shift_modules, roughly=True) for way in ways),
        key=lambda found: found.whole,
    )


def _fit_line(
    grey: Grey, pattern: str, ends: tuple[Point, ...], shift_modules: float, *, roughly: bool
) -> Fit:
    count = len(pattern)
    step = (ends[1] - ends[0]) / count
    if float(np.hypot(*step)) < _MODULE_MIN_PX:
        return NO_FIT
    line = _sampled(grey, ends[0], step, count, shift_modules)
    return _laid(line, pattern, roughly=roughly)


def fit_line(line: Line, code: Code) -> Fit:
    """Compare a ``code`` with brightness sampled ``DENSITY`` times a module along its line.

    The line begins ``MARGIN_MODULES`` before the code and ends as many after it.
    """
    return _laid(line, modules(code), roughly=False)


def _laid(line: Line, pattern: str, *, roughly: bool) -> Fit:
    """Search for the placement and blur in which ``pattern`` fits best."""
    count = len(pattern)
    ideals = _ideals(pattern)
    targets = unit(_evened(ideals))
    best, place, blur = -1.0, np.zeros(KNOTS), 0
    for moves in _searches(count, roughly=roughly):
        tried = place + moves
        scores = unit(_evened(placed(line, tried, count))) @ targets.T
        at = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[at] > best:
            best, place, blur = float(scores[at]), tried[at[0]], int(at[1])
    seen = placed(line, place[None], count)[0]
    return Fit(best, *weakest(seen, ideals[blur], count))


def _sampled(grey: Grey, start: Point, step: Point, count: int, shift_modules: float) -> Line:
    """Return the brightness along the line, the mean of three neighbouring parallels."""
    at = np.arange(-MARGIN_MODULES, count + MARGIN_MODULES, 1 / DENSITY)
    beside = np.array([-step[1], step[0]])
    one_px = beside / np.hypot(*beside)
    total = np.zeros(len(at))
    for offset_px in (-1.0, 0.0, 1.0):
        origin = start + shift_modules * beside + offset_px * one_px
        points = (origin + at[:, None] * step).astype(np.float32)
        taken = cv2.remap(
            grey,
            points[None, :, 0],
            points[None, :, 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        total += np.asarray(taken, dtype=np.float64)[0]
    return total / 3


def _searches(count: int, *, roughly: bool) -> list[Line]:
    """Return rounds of moves of the knots, in modules, each finer than the one before."""
    if roughly:
        first = grid(np.arange(-9, 9.1, 0.5), np.array([0.0]))
    else:
        first = grid(np.arange(-2, 2.1, 0.5), np.array([-0.025, 0, 0.025]) * count)
    return [first, *(single_moves(step) for step in _KNOT_STEPS)]


def grid(ends: Line, bows: Line) -> Line:
    """Return every move of both ends and the bow between them, at the knots: n x 5 modules."""
    start, end, bow = (axis.reshape(-1, 1) for axis in np.meshgrid(ends, ends, bows, indexing="ij"))
    part = np.linspace(0, 1, KNOTS)
    return np.asarray(start * (1 - part) + end * part + 4 * bow * part * (1 - part))


def single_moves(step: float) -> Line:
    """Return no move, and a move of each knot alone by ``step`` modules either way."""
    each = np.eye(KNOTS) * step
    return np.concatenate([np.zeros((1, KNOTS)), each, -each])


def placed(line: Line, places: Line, count: int) -> Line:
    """Return the line's samples per module, for each placement of the knots (n x 5 modules)."""
    module = (np.arange((count + 2 * QUIET_MODULES) * PER_MODULE) + 0.5) / PER_MODULE
    module -= QUIET_MODULES
    at = module + places @ _between_knots(count)
    index = (at + MARGIN_MODULES) * DENSITY
    np.clip(index, 0, len(line) - 1.001, out=index)
    whole = index.astype(np.intp)
    rest = index - whole
    return np.asarray(line[whole] * (1 - rest) + line[whole + 1] * rest)


@lru_cache(maxsize=4)
def _between_knots(count: int) -> Line:
    """Return how much each knot moves each sample: straight lines between neighbours."""
    module = (np.arange((count + 2 * QUIET_MODULES) * PER_MODULE) + 0.5) / PER_MODULE
    part = (module - QUIET_MODULES) / count
    knots = np.linspace(0, 1, KNOTS)
    return np.stack([np.interp(part, knots, row) for row in np.eye(KNOTS)])


@lru_cache(maxsize=256)
def _ideals(pattern: str) -> Line:
    """Return the code as a lens of each blur would see it, with its light margins."""
    margin = "0" * (QUIET_MODULES + 3)
    sharp = np.repeat([-float(module) for module in margin + pattern + margin], PER_MODULE)
    blurred = [
        np.asarray(cv2.GaussianBlur(sharp[None], (0, 0), sigmaX=blur * PER_MODULE, sigmaY=0.01))[0]
        for blur in BLURS_MODULES
    ]
    return np.array(blurred)[:, 3 * PER_MODULE : -3 * PER_MODULE]


def _evened(lines: Line) -> Line:
    """Take out slow changes of brightness and contrast: shadows, a curved package."""
    lines = np.ascontiguousarray(lines)
    edge = cv2.BORDER_REPLICATE
    flat = lines - np.asarray(cv2.blur(lines, (_WINDOW, 1), borderType=edge))
    spread = np.asarray(cv2.blur(flat * flat, (_WINDOW, 1), borderType=edge))
    floor = 0.02 * (flat * flat).mean(axis=1, keepdims=True) + 1e-6
    return np.asarray(flat / np.sqrt(spread + floor))


def unit(lines: Line) -> Line:
    """Return each row without its mean and of length one: their products are correlations."""
    centred = lines - lines.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9))


def weakest(seen: Line, ideal: Line, count: int) -> tuple[float, float]:
    """Return the lowest correlation of a digit (with a neighbour each side), and of an end."""
    digits = [_correlation(seen, ideal, begin - 1, begin + 8) for begin in DIGITS_AT[count]]
    ends = [
        _correlation(seen, ideal, -QUIET_MODULES, 4),
        _correlation(seen, ideal, count - 4, count + QUIET_MODULES),
    ]
    return min(digits), min(ends)


def _correlation(seen: Line, ideal: Line, begin: int, end: int) -> float:
    part = slice((begin + QUIET_MODULES) * PER_MODULE, (end + QUIET_MODULES) * PER_MODULE)
    return float(unit(seen[None, part])[0] @ unit(ideal[None, part])[0])
