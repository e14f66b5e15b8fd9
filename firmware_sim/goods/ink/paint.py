"""Paints: a colour, or light falling on something of that colour. Lays nothing."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim.goods.ink.colour import Colour, mix, tone
from firmware_sim.goods.ink.curves import Point

Stops = Sequence[tuple[float, Colour]]


@dataclass(frozen=True)
class Fade:
    """A linear gradient from one point to another; colours by share of the way."""

    start: Point
    end: Point
    stops: Stops


Paint = Colour | Fade


def across(left: float, right: float, base: Colour, depth: float = 1.0) -> Fade:
    """Return the light on a round thing: window on the left, shade and a rim on the right."""
    curve = ((0, -0.16), (0.1, -0.02), (0.27, 0.26), (0.45, 0.06), (0.78, -0.3), (0.94, -0.4))
    stops = [(t, tone(base, value * depth)) for t, value in curve]
    return Fade((left, 0), (right, 0), [*stops, (1, tone(base, -0.3 * depth))])


def down(top: float, bottom: float, base: Colour, depth: float = 1.0) -> Fade:
    """Return the light on a flat thing: brighter above."""
    stops = [(0.0, tone(base, 0.14 * depth)), (0.5, base), (1.0, tone(base, -0.18 * depth))]
    return Fade((0, top), (0, bottom), stops)


def slant(box: tuple[float, float, float, float], base: Colour, depth: float = 1.0) -> Fade:
    """Return the light from above left over a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    stops = [(0.0, tone(base, 0.2 * depth)), (0.45, base), (1.0, tone(base, -0.24 * depth))]
    return Fade((left, top), (right, bottom), stops)


def metal(left: float, right: float, base: Colour) -> Fade:
    """Return brushed metal: two bright bands."""
    curve = ((0, -0.34), (0.14, 0.1), (0.26, 0.55), (0.4, 0.0), (0.68, -0.34), (0.86, 0.16))
    return Fade(
        (left, 0), (right, 0), [*((t, tone(base, v)) for t, v in curve), (1, tone(base, -0.3))]
    )


def colour_at(stops: Stops, t: float) -> Colour:
    """Return the colour of a gradient at ``t``, 0-1; beyond its ends, the end's."""
    if t <= stops[0][0]:
        return stops[0][1]
    for (a, one), (b, other) in itertools.pairwise(stops):
        if t <= b:
            return mix(one, other, (t - a) / (b - a or 1))
    return stops[-1][1]
