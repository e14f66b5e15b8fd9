"""Outlines as rings of points on a plate of 1000 by 1000. Draws nothing.

Curves are written as SVG path data (M L H V C Q Z, absolute and relative) and
flattened here; everything else is made from rings.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

Point = tuple[float, float]
Ring = tuple[Point, ...]
Shape = tuple[Ring, ...]

STEPS: Final = 44  # straight pieces per Bézier; fewer show on a bag's handle
TURN: Final = 96  # points of a full ellipse
_WORD = re.compile(r"[MLHVCQZmlhvcqz]|-?\d+\.?\d*|-?\.\d+")


@lru_cache(maxsize=512)
def svg(data: str) -> Shape:
    """Return the rings of SVG path data; open ones stay open."""
    rings: list[list[Point]] = []
    words = _WORD.findall(data)
    at = 0
    verb = "M"
    here: Point = (0.0, 0.0)
    while at < len(words):
        if words[at].isalpha():
            verb = words[at]
            at += 1
        if verb in "Zz":
            here = rings[-1][0]
            rings[-1].append(here)
            continue
        count = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4}[verb.upper()]
        numbers = [float(word) for word in words[at : at + count]]
        at += count
        points = _absolute(verb, numbers, here)
        if verb in "Mm":
            rings.append([points[0]])
            verb = "L" if verb == "M" else "l"
        else:
            rings[-1].extend(_piece(here, points))
        here = points[-1]
    return tuple(tuple(ring) for ring in rings)


def _absolute(verb: str, numbers: list[float], here: Point) -> list[Point]:
    x, y = here if verb.islower() else (0.0, 0.0)
    if verb.upper() == "H":
        return [(x + numbers[0], here[1])]
    if verb.upper() == "V":
        return [(here[0], y + numbers[0])]
    return [(x + a, y + b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def _piece(start: Point, points: list[Point]) -> Iterator[Point]:
    if len(points) == 1:
        yield points[0]
        return
    nodes = [start, *points]
    order = len(points)
    weights = [math.comb(order, i) for i in range(order + 1)]
    for step in range(1, STEPS + 1):
        t = step / STEPS
        shares = [w * t**i * (1 - t) ** (order - i) for i, w in enumerate(weights)]
        yield (
            sum(s * p[0] for s, p in zip(shares, nodes, strict=True)),
            sum(s * p[1] for s, p in zip(shares, nodes, strict=True)),
        )


def mirrored(data: str, centre: float = 500) -> Shape:
    """Return the ring whose right half is the open path ``data``."""
    (half,) = svg(data)
    return ((*half, *((2 * centre - x, y) for x, y in reversed(half))),)


def flipped(shape: Shape, centre: float = 500) -> Shape:
    """Return ``shape`` seen in a mirror at x = ``centre``."""
    return tuple(tuple((2 * centre - x, y) for x, y in ring) for ring in shape)


def moved(shape: Shape, dx: float, dy: float, scale: float = 1) -> Shape:
    """Return ``shape`` scaled about the origin, then moved."""
    return tuple(tuple((x * scale + dx, y * scale + dy) for x, y in ring) for ring in shape)


def turned(shape: Shape, degrees: float, about: Point) -> Shape:
    """Return ``shape`` turned clockwise about a point."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    ox, oy = about
    return tuple(
        tuple(
            (ox + (x - ox) * cosine - (y - oy) * sine, oy + (x - ox) * sine + (y - oy) * cosine)
            for x, y in ring
        )
        for ring in shape
    )


@lru_cache(maxsize=512)
def ellipse(cx: float, cy: float, rx: float, ry: float | None = None) -> Shape:
    """Return an ellipse, or a circle."""
    ry = rx if ry is None else ry
    turn = [2 * math.pi * i / TURN for i in range(TURN)]
    return (tuple((cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in turn),)


@lru_cache(maxsize=512)
def rounded(x: float, y: float, width: float, height: float, radius: float) -> Shape:
    """Return a rectangle with round corners."""
    corners = (
        (x + width - radius, y + radius, -90),
        (x + width - radius, y + height - radius, 0),
        (x + radius, y + height - radius, 90),
        (x + radius, y + radius, 180),
    )
    ring = [
        (cx + radius * math.cos(math.radians(a)), cy + radius * math.sin(math.radians(a)))
        for cx, cy, first in corners
        for a in range(first, first + 91, 10)
    ]
    return (tuple(ring),)


def tapered(line: Sequence[Point], start: float, end: float) -> Shape:
    """Return a stroke along ``line`` whose width goes from ``start`` to ``end``, ends rounded."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(line) - 1
    for i, (x, y) in enumerate(line):
        (ax, ay), (bx, by) = line[max(i - 1, 0)], line[min(i + 1, last)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        half = (start + (end - start) * i / max(last, 1)) / 2
        nx, ny = -(by - ay) / length * half, (bx - ax) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    body = (*left, *reversed(right))
    return (body, ellipse(*line[0], start / 2)[0], ellipse(*line[-1], end / 2)[0])


def stroked(data: str, width: float, end: float | None = None) -> Shape:
    """Return SVG path data drawn with a round pen, as shapes."""
    rings: list[Ring] = []
    for line in svg(data):
        rings.extend(tapered(line, width, width if end is None else end))
    return tuple(rings)


def outlined(shape: Shape, width: float) -> Shape:
    """Return the edge of closed rings, drawn with a pen."""
    closed = ((*ring, ring[0]) for ring in shape)
    return tuple(part for line in closed for part in tapered(line, width, width))


def dashes(data: str, dash: float, gap: float, width: float) -> Shape:
    """Return a row of stitches along SVG path data."""
    rings: list[Ring] = []
    for line in svg(data):
        walked, piece = 0.0, [line[0]]
        for a, b in itertools.pairwise(line):
            pieces = max(1, math.ceil(math.dist(a, b) / 3))
            for i in range(1, pieces + 1):
                point = (a[0] + (b[0] - a[0]) * i / pieces, a[1] + (b[1] - a[1]) * i / pieces)
                walked += math.dist(a, b) / pieces
                if walked % (dash + gap) < dash:
                    piece.append(point)
                elif len(piece) > 1:
                    rings.append(tapered(piece, width, width)[0])
                    piece = [point]
                else:
                    piece = [point]
    return tuple(rings)
