"""Line charts as SVG, drawn on the server: no script, no library, nothing loaded.

Pure: numbers to coordinates. The words and colours are the template's and the
stylesheet's. A span without a figure leaves a hole in the line: nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH, HEIGHT = 600, 140
PAD: Final = 4  # so that a line at the top or bottom is not cut
STEPS: Final = (1, 2, 2.5, 5, 10)
SMALLEST: Final = 0.001  # nothing that is charted is less, but nought
Points = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """``line`` and ``area``: paths, empty where there is nothing; ``top``: what the height is."""

    line: str
    area: str
    top: float
    grid: tuple[tuple[float, float], ...]  # y coordinate and value of each line across

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.line


def nice_top(most: float) -> float:
    """Return a round number at or a little above ``most``: 1, 2, 2.5 or 5 times a power of ten."""
    if most < SMALLEST:
        return 1.0 if most <= 0 else SMALLEST
    power = 1.0
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    return next((power * step for step in STEPS if power * step >= most), most)


def chart(points: Points, *, top: float | None = None) -> Chart:
    """Return the chart of figures at even distances, oldest first."""
    known = [one for one in points if one is not None]
    height = nice_top(max(known, default=0.0)) if top is None else top
    runs = _runs(points)
    line = " ".join(_line(run, len(points), height) for run in runs)
    area = " ".join(_area(run, len(points), height) for run in runs)
    grid = tuple((_y(share * height, height), share * height) for share in (0.5, 1.0))
    return Chart(line, area, height, grid)


def _runs(points: Points) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _x(place: int, count: int) -> float:
    return round(place * WIDTH / max(1, count - 1), 1)


def _y(value: float, top: float) -> float:
    share = min(1.0, max(0.0, value / top))
    return round(HEIGHT - PAD - share * (HEIGHT - 2 * PAD), 1)


def _line(run: Sequence[tuple[int, float]], count: int, top: float) -> str:
    places = [f"{_x(place, count)} {_y(value, top)}" for place, value in run]
    if len(places) == 1:
        places *= 2  # a dot, drawn by the line's round ends
    return "M" + "L".join(places)


def _area(run: Sequence[tuple[int, float]], count: int, top: float) -> str:
    first, last = _x(run[0][0], count), _x(run[-1][0], count)
    return f"{_line(run, count, top)}L{last} {HEIGHT}L{first} {HEIGHT}Z"
