"""Our own reader of EAN-13 and UPC-A, for pictures too blurred for the others.

They look for edges between dark and light; in a blurred picture a thin bar is
a shade of grey and its edges are not where they were. This one lays blurred
digits over the brightness along a line and takes the likeliest at each place.

Owns the search along lines. It gives only what two lines agree on and what
fits in every digit, so its codes count as verified.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from cart.kernel.gtin import Gtin, check_digit
from store_devices.vision.bars import FIRST_DIGIT, G_SET, L_SET, R_SET
from store_devices.vision.fit import (
    BLURS_MODULES,
    DENSITY,
    DIGITS_AT,
    KNOTS,
    MARGIN_MODULES,
    PER_MODULE,
    QUIET_MODULES,
    Line,
    fit_line,
    grid,
    placed,
    single_moves,
    unit,
)
from store_devices.vision.grey import Grey
from store_devices.vision.model import Code, Polygon, Reader, Symbology, retail_code

MODULES: Final = 95
HEIGHTS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the picture, middle first
SPANS_MAX: Final = 3  # places on one line that could be a code
AGREEING_LINES_MIN: Final = 2
WEAKEST_DIGIT_MIN: Final = 0.85
"""Stricter than for a code another reader found: here the digits were chosen to fit."""

_QUIET_MIN_MODULES: Final = 4.5  # a light run this long is no space between bars
_SPACE_MAX_MODULES: Final = 5.0  # four by the standard, and blur
_MODULE_MIN_PX: Final = 1.1
_BAND_PX: Final = 5  # rows taken together: grain averages out, a slant of 10° does not matter
_STRIDE: Final = 2  # three samples a module tell digits apart as well as six
_BARS_MIN: Final = 20  # an EAN-13 has thirty; blur swallows some
_BARS_MAX: Final = 42  # and grain adds some
_LIKELIHOOD_MIN: Final = 0.6  # mean of the digits after the first round; codes have 0.8 and more
_DARK: Final = 0.16  # of the local contrast; a blurred thin bar reaches a third


def read(grey: Grey) -> list[Code]:
    """Return the code on level or, failing that, upright lines through ``grey``; one at most."""
    return _level(grey) or [_stood_up(code) for code in _level(np.ascontiguousarray(grey.T))]


def _level(grey: Grey) -> list[Code]:
    height, width = grey.shape
    if width < MODULES * _MODULE_MIN_PX:
        return []
    found: dict[Gtin, list[Code]] = defaultdict(list)
    for row in sorted({int(part * height) for part in HEIGHTS}, key=lambda y: abs(y - height / 2)):
        top = max(0, row - _BAND_PX // 2)
        line = grey[top : top + _BAND_PX].mean(axis=0)
        for begin, end in _spans(line):
            code = _decoded(line, begin, end, float(row))
            if code is None or code.gtin is None:
                continue
            agreeing = found[code.gtin]
            agreeing.append(code)
            if len(agreeing) >= AGREEING_LINES_MIN:
                return [code]
    return []


def _stood_up(code: Code) -> Code:
    polygon: Polygon = tuple((y, x) for x, y in code.polygon)
    return Code(code.text, code.symbology, code.gtin, polygon, code.reader)


def _spans(line: Line) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) in px where bars stand between two light margins, widest first."""
    light = np.flatnonzero(np.diff(np.pad((_darkness(line) < _DARK).astype(np.int8), 1)))
    runs = light.reshape(-1, 2)  # [from, to) of every light run
    edges = [(0, 0), *((int(a), int(b)) for a, b in runs), (len(line), len(line))]
    spans = []
    for left, (left_from, begin) in enumerate(edges):
        widest = 0.0
        for right in range(left + 1, len(edges)):
            end, right_to = edges[right]
            module = (end - begin) / MODULES
            if module >= _MODULE_MIN_PX and widest <= _SPACE_MAX_MODULES * module:
                quiet = _QUIET_MIN_MODULES * module
                left_clear = begin - left_from >= quiet or left_from == 0
                right_clear = right_to - end >= quiet or right_to == len(line)
                if left_clear and right_clear and _has_bars(line[begin:end], module):
                    spans.append((begin, end))
            widest = max(widest, right_to - end)
    yield from sorted(spans, key=lambda span: span[0] - span[1])[:SPANS_MAX]


def _has_bars(line: Line, module: float) -> bool:
    """Say whether the brightness dips about as often as the code has bars."""
    reach = max(1, round(module * 0.6))
    smooth = np.convolve(line, np.full(reach, 1 / reach), mode="same")
    slope = np.sign(np.diff(smooth))
    dips = int(np.count_nonzero(np.diff(slope[slope != 0]) > 0))
    return _BARS_MIN <= dips <= _BARS_MAX


def _darkness(line: Line) -> Line:
    """Return 0 for the local white to 1 for the local black."""
    reach = max(9, len(line) // 6) | 1
    row = line.astype(np.float32)[None]
    brush = np.ones((1, reach), np.uint8)
    white = np.asarray(cv2.dilate(row, brush))[0]
    black = np.asarray(cv2.erode(row, brush))[0]
    contrast = np.maximum(white - black, 0.25 * float(np.ptp(line)) + 1)
    return np.asarray((white - line) / contrast)


def _decoded(line: Line, begin: int, end: int, row: float) -> Code | None:
    """Return the likeliest code between ``begin`` and ``end``, if every digit fits."""
    step = (end - begin) / MODULES
    at = begin + step * np.arange(-MARGIN_MODULES, MODULES + MARGIN_MODULES, 1 / DENSITY)
    sampled = np.interp(at - 0.5, np.arange(len(line)), line)
    place, best = np.zeros(KNOTS), -1.0
    digits = np.zeros((12, 20))
    for moves in _moves():
        tried = place + moves
        likely = _likelihoods(placed(sampled, tried, MODULES))
        total = likely.max(axis=3).sum(axis=2)
        where = np.unravel_index(int(total.argmax()), total.shape)
        if total[where] > best:
            best, place, digits = float(total[where]), tried[where[0]], likely[where]
        if best < _LIKELIHOOD_MIN * len(digits):
            return None
    text = _most_likely(digits)
    if check_digit(text[:-1]) != int(text[-1]):
        return None
    polygon = ((float(begin), row), (float(end), row), (float(end), row), (float(begin), row))
    code = retail_code(text, Symbology.EAN_13, polygon, Reader.PROFILE)
    if code is None or fit_line(sampled, code).weakest_digit < WEAKEST_DIGIT_MIN:
        return None
    return code


def _moves() -> Iterator[Line]:
    yield grid(np.arange(-1.5, 1.6, 0.5), np.array([-0.015, 0, 0.015]) * MODULES)
    for step in (0.4, 0.4, 0.2, 0.2, 0.1):
        yield single_moves(step)


def _likelihoods(lines: Line) -> Line:
    """Return the correlation of each placement, blur, digit place and digit: n x 4 x 12 x 20.

    Digits 0-9 are set L (left) or R (right), 10-19 set G; right places have no G.
    """
    places = np.array(DIGITS_AT[MODULES]) - 1 + QUIET_MODULES
    index = places[:, None] * PER_MODULE + np.arange(0, 9 * PER_MODULE, _STRIDE)
    windows = unit(lines[:, index].reshape(-1, index.shape[1])).reshape(-1, *index.shape)
    left = _against(windows[:, :6], _templates("left"))
    right = _against(windows[:, 6:], _templates("right"))
    right = np.concatenate([right, np.full_like(right, -1.0)], axis=3)
    return np.concatenate([left, right], axis=2)


def _against(windows: Line, templates: Line) -> Line:
    blurs, digits, samples = templates.shape
    product = windows.reshape(-1, samples) @ templates.reshape(-1, samples).T
    shaped = product.reshape(len(windows), -1, blurs, digits)
    return np.asarray(shaped.transpose(0, 2, 1, 3))


@lru_cache(maxsize=2)
def _templates(side: str) -> Line:
    """Return each digit with one module of its neighbours, in each blur: 4 x 20 (10) x samples."""
    if side == "left":
        patterns = ["1" + digit + "0" for digit in (*L_SET, *G_SET)]
    else:
        patterns = ["0" + digit + "1" for digit in R_SET]
    sharp = np.array(
        [np.repeat([-float(module) for module in pattern], PER_MODULE) for pattern in patterns]
    )
    blurred = [
        np.asarray(
            cv2.GaussianBlur(
                sharp,
                (0, 0),
                sigmaX=blur * PER_MODULE,
                sigmaY=0.01,
                borderType=cv2.BORDER_REPLICATE,
            )
        )
        for blur in BLURS_MODULES
    ]
    return np.stack([unit(each[:, ::_STRIDE].astype(np.float64)) for each in blurred])


def _most_likely(digits: Line) -> str:
    """Return 13 digits: the first by the sets of the left six, each other by its likelihood."""
    left, right = digits[:6], digits[6:, :10]
    by_set = {"L": left[:, :10], "G": left[:, 10:]}
    first = max(
        range(10),
        key=lambda digit: sum(
            float(by_set[name][place].max()) for place, name in enumerate(FIRST_DIGIT[digit])
        ),
    )
    body = [int(by_set[name][place].argmax()) for place, name in enumerate(FIRST_DIGIT[first])] + [
        int(place.argmax()) for place in right
    ]
    return "".join(map(str, [first, *body]))
