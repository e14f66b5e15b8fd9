"""The plate: a square of paper on which one form is drawn with light and shade.

Masks are drawn four times too large and reduced, so edges are clean; colours
are laid at the final size, which is why a picture takes a tenth of a second.
A plate may show a window of the form only: that is how details are made.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from firmware_sim.goods.ink.colour import DEEP, LIGHT, PAPER, Colour, mix, tone
from firmware_sim.goods.ink.curves import Point, Ring, Shape, ellipse, stroked

SUPER: Final = 4  # masks are drawn this many times too large
SOFT: Final = 4  # blurs are made this many times too small; nobody sees it in a blur
RAMP: Final = 256  # steps of a gradient
UNITS: Final = 1000.0  # a plate is this wide, whatever its pixels
SHADOW: Final[Colour] = (70, 54, 44)
Stops = Sequence[tuple[float, Colour]]
Window = tuple[float, float, float]  # left, top, width
WHOLE: Final[Window] = (0.0, 0.0, UNITS)
Box = tuple[int, int, int, int]


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
    return Fade((left, 0), (right, 0), [*((t, tone(base, v)) for t, v in curve), (1, tone(base, -0.3))])


class Plate:
    """A square picture in the making. Coordinates are 0-1000 in both directions."""

    def __init__(self, side_px: int, window: Window = WHOLE) -> None:
        self.side_px = side_px
        self.window = window
        self.image = _paper(side_px).copy()
        self._clip: Image.Image | None = None

    def fill(self, shape: Shape, paint: Paint, alpha: float = 1.0, holes: Shape = ()) -> None:
        """Lay ``paint`` on ``shape``."""
        mask, box = _mask(shape, holes, self.window, self.side_px)
        if mask is None:
            return
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip.crop(box))
        self._lay(paint, mask, box, alpha)

    def line(self, data: str, paint: Paint, width: float, alpha: float = 1.0) -> None:
        """Draw SVG path data with a round pen."""
        self.fill(stroked(data, width), paint, alpha)

    def tube(self, data: str, base: Colour, width: float) -> None:
        """Draw a round rod or wire along SVG path data: dark edge, body, a line of light."""
        self.fill(stroked(data, width), tone(base, -0.34))
        self.fill(_shifted(stroked(data, width * 0.66), -width * 0.09), base)
        self.fill(_shifted(stroked(data, width * 0.2), -width * 0.2), tone(base, 0.55), 0.85)

    @contextmanager
    def inside(self, shape: Shape, holes: Shape = ()) -> Iterator[None]:
        """Keep what is drawn meanwhile inside ``shape``."""
        before = self._clip
        clip = self._whole(shape, holes)
        self._clip = clip if before is None else ImageChops.multiply(clip, before)
        try:
            yield
        finally:
            self._clip = before

    def shade(
        self, shape: Shape, lean: Point, blur: float, alpha: float, colour: Colour = DEEP
    ) -> None:
        """Darken ``shape`` from its edge inwards; ``lean`` is where the light comes from."""
        whole = self._whole(shape)
        edge = ImageChops.invert(self._blurred(whole, lean, blur))
        mask = ImageChops.multiply(edge, whole)
        self._lay_whole(colour, mask, alpha)

    def gleam(self, centre: Point, size: Point, alpha: float, colour: Colour = LIGHT) -> None:
        """Lay a soft round patch of light."""
        left, top = self._px((centre[0] - size[0], centre[1] - size[1]))
        right, bottom = self._px((centre[0] + size[0], centre[1] + size[1]))
        box = (round(left), round(top), max(round(right), round(left) + 1), max(round(bottom), round(top) + 1))
        mask = _falloff().resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        seen = (max(box[0], 0), max(box[1], 0), min(box[2], self.side_px), min(box[3], self.side_px))
        if seen[0] >= seen[2] or seen[1] >= seen[3]:
            return
        mask = mask.crop((seen[0] - box[0], seen[1] - box[1], seen[2] - box[0], seen[3] - box[1]))
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip.crop(seen))
        self._lay(colour, mask, seen, alpha)

    def cast(self, shape: Shape, lean: Point, blur: float, alpha: float) -> None:
        """Throw the soft shadow of ``shape`` on what is there already."""
        self.shadow(shape, lean, blur, alpha, SHADOW)

    def shadow(  # noqa: PLR0913 - the five things a shadow is
        self, shape: Shape, lean: Point, blur: float, alpha: float, colour: Colour
    ) -> None:
        """Lay the blurred ``shape`` in a colour of its own: a fold, a ridge, a glow."""
        self._lay_whole(colour, self._blurred(self._whole(shape), lean, blur), alpha)

    def ground(self, cx: float, y: float, rx: float, weight: float = 1.0) -> None:
        """Set a thing on the floor: a wide faint shadow and a tight dark one."""
        self.cast(ellipse(cx + min(rx * 0.12, 26), y + 6, rx + min(rx * 0.16, 34), max(rx * 0.13, 14)), (0, 0), 26, 0.3 * weight)
        self.cast(ellipse(cx + rx * 0.03, y, rx * 0.98, max(rx * 0.055, 7)), (0, 0), 8, 0.5 * weight)

    def grain(self, shape: Shape, strength: float, stretch: tuple[int, int] = (1, 1)) -> None:
        """Give ``shape`` a tooth: threads, clay, wood (stretched along it)."""
        whole = self._whole(shape)
        light, dark = _noise(self.side_px, stretch)
        self._lay_whole(LIGHT, ImageChops.multiply(light, whole), strength)
        self._lay_whole(DEEP, ImageChops.multiply(dark, whole), strength)

    def _lay(self, paint: Paint, mask: Image.Image, box: Box, alpha: float) -> None:
        if alpha < 1:
            mask = mask.point(_scale(alpha))
        if isinstance(paint, Fade):
            self.image.paste(self._ramp(paint, box), box, mask)
        else:
            self.image.paste(paint, box, mask)

    def _lay_whole(self, colour: Colour, mask: Image.Image, alpha: float) -> None:
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip)
        self._lay(colour, mask, (0, 0, self.side_px, self.side_px), alpha)

    def _px(self, point: Point) -> Point:
        left, top, width = self.window
        scale = self.side_px / width
        return (point[0] - left) * scale, (point[1] - top) * scale

    def _whole(self, shape: Shape, holes: Shape = ()) -> Image.Image:
        whole = Image.new("L", (self.side_px, self.side_px))
        mask, box = _mask(shape, holes, self.window, self.side_px)
        if mask is not None:
            whole.paste(mask, box)
        return whole

    def _blurred(self, whole: Image.Image, lean: Point, blur: float) -> Image.Image:
        scale = self.side_px / self.window[2] / SOFT
        small = whole.reduce(SOFT)
        moved = Image.new("L", small.size)
        moved.paste(small, (round(lean[0] * scale), round(lean[1] * scale)))
        soft = moved.filter(ImageFilter.GaussianBlur(blur * scale))
        return soft.resize(whole.size, Image.Resampling.BICUBIC)

    def _ramp(self, fade: Fade, box: Box) -> Image.Image:
        (x0, y0), (x1, y1) = self._px(fade.start), self._px(fade.end)
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy or 1.0
        corners = [
            ((x - x0) * dx + (y - y0) * dy) / length for x in box[::2] for y in box[1::2]
        ]
        low, high = min(corners), max(corners) + 1e-6
        strip = Image.new("RGB", (RAMP, 3))
        row = [_at(fade.stops, low + (high - low) * i / (RAMP - 1)) for i in range(RAMP)]
        strip.putdata(row * 3)
        step = (RAMP - 1) / (high - low)
        ax, ay = dx / length * step, dy / length * step
        origin = ((box[0] - x0) * dx + (box[1] - y0) * dy) / length
        matrix = (ax, ay, (origin - low) * step + 0.5, 0.0, 0.0, 1.5)
        size = (box[2] - box[0], box[3] - box[1])
        return strip.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


def _shifted(shape: Shape, by: float) -> Shape:
    return tuple(tuple((x + by, y + by * 0.6) for x, y in ring) for ring in shape)


def _at(stops: Stops, t: float) -> Colour:
    if t <= stops[0][0]:
        return stops[0][1]
    for (a, one), (b, other) in zip(stops, stops[1:], strict=False):
        if t <= b:
            return mix(one, other, (t - a) / (b - a or 1))
    return stops[-1][1]


@lru_cache(maxsize=64)
def _scale(alpha: float) -> list[int]:
    return [round(i * alpha) for i in range(256)]


@lru_cache(maxsize=160)  # the colours of one product share their masks
def _mask(
    shape: Shape, holes: Shape, window: Window, side_px: int
) -> tuple[Image.Image | None, Box]:
    left, top, width = window
    scale = side_px / width
    xs = [(x - left) * scale for ring in shape for x, _ in ring]
    ys = [(y - top) * scale for ring in shape for _, y in ring]
    if not xs:
        return None, (0, 0, 0, 0)
    box = (
        max(int(min(xs)) - 1, 0),
        max(int(min(ys)) - 1, 0),
        min(int(max(xs)) + 2, side_px),
        min(int(max(ys)) + 2, side_px),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return None, box
    large = Image.new("L", ((box[2] - box[0]) * SUPER, (box[3] - box[1]) * SUPER))
    draw = ImageDraw.Draw(large)
    for rings, value in ((shape, 255), (holes, 0)):
        for ring in rings:
            draw.polygon(_large(ring, window, scale, box), fill=value)
    return large.reduce(SUPER), box


def _large(ring: Ring, window: Window, scale: float, box: Box) -> list[Point]:
    left, top, _ = window
    return [
        (((x - left) * scale - box[0]) * SUPER, ((y - top) * scale - box[1]) * SUPER)
        for x, y in ring
    ]


@lru_cache(maxsize=1)
def _falloff() -> Image.Image:
    gradient = Image.radial_gradient("L")  # 0 in the middle, 255 in the corners
    curve = [max(0.0, 1 - i / 179) for i in range(256)]  # 180: the middle of a side
    return gradient.point([round(255 * c * c * (3 - 2 * c)) for c in curve])


@lru_cache(maxsize=2)
def _paper(side_px: int) -> Image.Image:
    wall, floor = mix(PAPER, (255, 255, 255), 0.35), mix(PAPER, (222, 213, 200), 0.42)
    strip = Image.new("RGB", (1, RAMP))
    strip.putdata([mix(wall, floor, (i / RAMP) ** 2) for i in range(RAMP)])
    return strip.resize((side_px, side_px), Image.Resampling.BILINEAR)


@lru_cache(maxsize=16)
def _noise(side_px: int, stretch: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    across_px, down_px = side_px // stretch[0] + 1, side_px // stretch[1] + 1
    dice = random.Random(1)  # noqa: S311 - the same paper each time
    raw = Image.frombytes("L", (across_px, down_px), dice.randbytes(across_px * down_px))
    full = raw.resize((side_px, side_px), Image.Resampling.BICUBIC)
    soft = full.filter(ImageFilter.GaussianBlur(0.7))
    light = soft.point([max(0, 2 * (i - 128)) for i in range(256)])
    dark = soft.point([max(0, 2 * (127 - i)) for i in range(256)])
    return light, dark
