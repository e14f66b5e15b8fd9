"""Masks and grains: grey pictures that say where paint goes. Kept, as colours share them."""

import random
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

from firmware_sim.goods.ink.colour import PAPER, mix
from firmware_sim.goods.ink.curves import Point, Ring, Shape

SUPER: Final = 4  # masks are drawn this many times too large
SOFT: Final = 4  # blurs are made this many times too small; nobody sees it in a blur
RAMP: Final = 128  # steps of a gradient; more than the tones between its ends
Window = tuple[float, float, float]  # left, top, width
Box = tuple[int, int, int, int]


def aligned(box: tuple[float, float, float, float], side_px: int) -> Box:
    """Return the box on the plate, out to whole blocks of the blur's grid."""
    left, top = (max(int(side // SOFT) * SOFT, 0) for side in box[:2])
    right, bottom = (min(int(-(-side // SOFT)) * SOFT, side_px) for side in box[2:])
    return left, top, right, bottom


@lru_cache(maxsize=64)
def fainter(alpha: float) -> list[int]:
    """Return the table that makes a mask fainter."""
    return [round(i * alpha) for i in range(256)]


@lru_cache(maxsize=160)  # the colours of one product share their masks
def mask_of(
    shape: Shape, holes: Shape, window: Window, side_px: int
) -> tuple[Image.Image | None, Box]:
    """Return the mask of a shape without its holes, and where on the plate it lies.

    The mask is None when nothing of the shape is in the window.
    """
    left, top, width = window
    scale = side_px / width
    xs = [(x - left) * scale for ring in shape for x, _ in ring]
    ys = [(y - top) * scale for ring in shape for _, y in ring]
    if not xs:
        return None, (0, 0, 0, 0)
    box = aligned((min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1), side_px)
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
def falloff() -> Image.Image:
    """Return a round patch, bright in the middle, gone at its rim."""
    gradient = Image.radial_gradient("L")  # 0 in the middle, 255 in the corners
    curve = [max(0.0, 1 - i / 179) for i in range(256)]  # 180: the middle of a side
    return gradient.point([round(255 * c * c * (3 - 2 * c)) for c in curve])


@lru_cache(maxsize=2)
def paper_of(side_px: int) -> Image.Image:
    """Return the empty plate: paper, a little darker towards the floor."""
    wall, floor = mix(PAPER, (255, 255, 255), 0.35), mix(PAPER, (222, 213, 200), 0.42)
    strip = Image.new("RGB", (1, RAMP))
    strip.putdata([mix(wall, floor, (i / RAMP) ** 2) for i in range(RAMP)])
    return strip.resize((side_px, side_px), Image.Resampling.BILINEAR)


@lru_cache(maxsize=16)
def noise_of(side_px: int, stretch: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Return the light and the dark specks of a material, drawn out by ``stretch``."""
    across_px, down_px = side_px // stretch[0] + 1, side_px // stretch[1] + 1
    dice = random.Random(1)  # noqa: S311 - the same paper each time
    raw = Image.frombytes("L", (across_px, down_px), dice.randbytes(across_px * down_px))
    full = raw.resize((side_px, side_px), Image.Resampling.BICUBIC)
    soft = full.filter(ImageFilter.GaussianBlur(0.7))
    light = soft.point([max(0, 2 * (i - 128)) for i in range(256)])
    dark = soft.point([max(0, 2 * (127 - i)) for i in range(256)])
    return light, dark
