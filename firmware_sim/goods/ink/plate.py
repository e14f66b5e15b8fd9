"""The plate: a square of paper on which one form is drawn with light and shade.

Masks are drawn four times too large and reduced, so edges are clean; colours
are laid at the final size, which is why a picture takes a tenth of a second.
A plate may show a window of the form only: that is how details are made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import Image, ImageChops, ImageFilter

from firmware_sim.goods.ink.colour import DEEP, LIGHT, Colour, tone
from firmware_sim.goods.ink.curves import Point, Shape, ellipse, stroked
from firmware_sim.goods.ink.mask import (
    RAMP,
    SOFT,
    Box,
    Window,
    aligned,
    fainter,
    falloff,
    mask_of,
    noise_of,
    paper_of,
)
from firmware_sim.goods.ink.paint import Fade, Paint, colour_at

UNITS: Final = 1000.0  # a plate is this wide, whatever its pixels
SHADOW: Final[Colour] = (70, 54, 44)
WHOLE: Final[Window] = (0.0, 0.0, UNITS)


class Plate:
    """A square picture in the making. Coordinates are 0-1000 in both directions."""

    def __init__(self, side_px: int, window: Window = WHOLE) -> None:
        self.side_px = side_px
        self.window = window
        self.image = paper_of(side_px).copy()
        self._clip: Image.Image | None = None

    def fill(self, shape: Shape, paint: Paint, alpha: float = 1.0, holes: Shape = ()) -> None:
        """Lay ``paint`` on ``shape``."""
        mask, box = mask_of(shape, holes, self.window, self.side_px)
        if mask is None:
            return
        self._lay(paint, self._clipped(mask, box), box, alpha)

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
        mask, box = mask_of(shape, (), self.window, self.side_px)
        if mask is not None:
            edge = ImageChops.invert(self._blurred(mask, box, (lean, blur), box))
            self._lay(colour, self._clipped(ImageChops.multiply(edge, mask), box), box, alpha)

    def gleam(self, centre: Point, size: Point, alpha: float, colour: Colour = LIGHT) -> None:
        """Lay a soft round patch of light."""
        left, top = self._px((centre[0] - size[0], centre[1] - size[1]))
        right, bottom = self._px((centre[0] + size[0], centre[1] + size[1]))
        box = (
            round(left),
            round(top),
            max(round(right), round(left) + 1),
            max(round(bottom), round(top) + 1),
        )
        mask = falloff().resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
        seen = (
            max(box[0], 0),
            max(box[1], 0),
            min(box[2], self.side_px),
            min(box[3], self.side_px),
        )
        if seen[0] >= seen[2] or seen[1] >= seen[3]:
            return
        mask = mask.crop((seen[0] - box[0], seen[1] - box[1], seen[2] - box[0], seen[3] - box[1]))
        self._lay(colour, self._clipped(mask, seen), seen, alpha)

    def cast(self, shape: Shape, lean: Point, blur: float, alpha: float) -> None:
        """Throw the soft shadow of ``shape`` on what is there already."""
        self.shadow(shape, lean, blur, alpha, SHADOW)

    def shadow(self, shape: Shape, lean: Point, blur: float, alpha: float, colour: Colour) -> None:
        """Lay the blurred ``shape`` in a colour of its own: a fold, a ridge, a glow."""
        mask, box = mask_of(shape, (), self.window, self.side_px)
        if mask is None:
            return
        scale = self.side_px / self.window[2]
        reach = 2.6 * blur * scale  # beyond it a blur has nothing to show
        dx, dy = lean[0] * scale, lean[1] * scale
        wide = aligned(
            (box[0] + dx - reach, box[1] + dy - reach, box[2] + dx + reach, box[3] + dy + reach),
            self.side_px,
        )
        if wide[0] < wide[2] and wide[1] < wide[3]:
            soft = self._blurred(mask, box, (lean, blur), wide)
            self._lay(colour, self._clipped(soft, wide), wide, alpha)

    def ground(self, cx: float, y: float, rx: float, weight: float = 1.0) -> None:
        """Set a thing on the floor: a wide faint shadow and a tight dark one."""
        self.cast(
            ellipse(cx + min(rx * 0.12, 26), y + 6, rx + min(rx * 0.16, 34), max(rx * 0.13, 14)),
            (0, 0),
            26,
            0.3 * weight,
        )
        self.cast(
            ellipse(cx + rx * 0.03, y, rx * 0.98, max(rx * 0.055, 7)), (0, 0), 8, 0.5 * weight
        )

    def grain(self, shape: Shape, strength: float, stretch: tuple[int, int] = (1, 1)) -> None:
        """Give ``shape`` a tooth: threads, clay, wood (stretched along it)."""
        mask, box = mask_of(shape, (), self.window, self.side_px)
        if mask is None:
            return
        mask = self._clipped(mask, box)
        for colour, noise in zip((LIGHT, DEEP), noise_of(self.side_px, stretch), strict=True):
            self._lay(colour, ImageChops.multiply(noise.crop(box), mask), box, strength)

    def _lay(self, paint: Paint, mask: Image.Image, box: Box, alpha: float) -> None:
        if alpha < 1:
            mask = mask.point(fainter(alpha))
        if isinstance(paint, Fade):
            self.image.paste(self._ramp(paint, box), box, mask)
        else:
            self.image.paste(paint, box, mask)

    def _clipped(self, mask: Image.Image, box: Box) -> Image.Image:
        return mask if self._clip is None else ImageChops.multiply(mask, self._clip.crop(box))

    def _px(self, point: Point) -> Point:
        left, top, width = self.window
        scale = self.side_px / width
        return (point[0] - left) * scale, (point[1] - top) * scale

    def _whole(self, shape: Shape, holes: Shape = ()) -> Image.Image:
        whole = Image.new("L", (self.side_px, self.side_px))
        mask, box = mask_of(shape, holes, self.window, self.side_px)
        if mask is not None:
            whole.paste(mask, box)
        return whole

    def _blurred(
        self, mask: Image.Image, box: Box, how: tuple[Point, float], seen: Box
    ) -> Image.Image:
        """Return the part ``seen`` of a mask that lies at ``box``, moved and blurred."""
        (dx, dy), blur = how
        scale = self.side_px / self.window[2] / SOFT
        small = Image.new("L", (self.side_px // SOFT, self.side_px // SOFT))
        at = (box[0] // SOFT + round(dx * scale), box[1] // SOFT + round(dy * scale))
        small.paste(mask.reduce(SOFT), at)
        part = tuple(side / SOFT for side in seen)
        return small.filter(ImageFilter.GaussianBlur(blur * scale)).resize(
            (seen[2] - seen[0], seen[3] - seen[1]),
            Image.Resampling.BILINEAR,
            (part[0], part[1], part[2], part[3]),
        )

    def _ramp(self, fade: Fade, box: Box) -> Image.Image:
        (x0, y0), (x1, y1) = self._px(fade.start), self._px(fade.end)
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy or 1.0
        corners = [((x - x0) * dx + (y - y0) * dy) / length for x in box[::2] for y in box[1::2]]
        low, high = min(corners), max(corners) + 1e-6
        strip = Image.new("RGB", (RAMP, 3))
        row = [colour_at(fade.stops, low + (high - low) * i / (RAMP - 1)) for i in range(RAMP)]
        strip.putdata(row * 3)
        step = (RAMP - 1) / (high - low)
        ax, ay = dx / length * step, dy / length * step
        origin = ((box[0] - x0) * dx + (box[1] - y0) * dy) / length
        matrix = (ax, ay, (origin - low) * step + 0.5, 0.0, 0.0, 1.5)
        size = (box[2] - box[0], box[3] - box[1])
        return strip.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


def _shifted(shape: Shape, by: float) -> Shape:
    return tuple(tuple((x + by, y + by * 0.6) for x, y in ring) for ring in shape)
