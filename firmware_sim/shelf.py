"""Draws a shop's shelf and the package a code is printed on.

Owns scenery only; nothing in it may look like a code.
"""

from random import Random
from typing import Final

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

_BOARDS: Final[tuple[Colour, ...]] = ((196, 178, 152), (214, 210, 202), (122, 94, 70))
_MARGIN_PX: Final = 36  # cardboard around a label on its package


def shelf(size: tuple[int, int], rng: Random) -> Image.Image:
    """Return a shelf with boards, goods and price rails, ``size`` (width, height) in px."""
    width, height = size
    wall = rng.randint(150, 205)
    view = Image.new("RGB", size, (wall, wall - 4, wall - 12))
    pen = ImageDraw.Draw(view)
    board = rng.choice(_BOARDS)
    levels = rng.randint(2, 3)
    for level in range(levels):
        floor = round(height * (level + 1) / levels) - 30
        _goods(pen, width, floor, height // levels - 60, rng)
        pen.rectangle((0, floor, width, floor + 14), fill=board)
        pen.rectangle((0, floor + 14, width, floor + 40), fill=(236, 236, 232))
        _price_cards(pen, width, floor + 16, rng)
    return view


def panel(face: Image.Image, rng: Random) -> Image.Image:
    """Return the side of a package (RGB) with ``face``, a printed label, in its middle."""
    card = _colour(rng, 60, 190)
    side = Image.new("RGB", (face.width + 2 * _MARGIN_PX, face.height + 5 * _MARGIN_PX), card)
    pen = ImageDraw.Draw(side)
    for row in range(3):
        top = _MARGIN_PX // 2 + row * 26
        pen.rectangle(
            (_MARGIN_PX, top, _MARGIN_PX + rng.randint(40, face.width), top + 12),
            fill=_colour(rng, 40, 230),
        )
    side.paste(face.convert("RGB"), (_MARGIN_PX, 3 * _MARGIN_PX))
    return side


def _goods(pen: ImageDraw.ImageDraw, width: int, floor: int, tallest: int, rng: Random) -> None:
    left = rng.randint(-40, 10)
    while left < width:
        wide = rng.randint(70, 190)
        top = floor - rng.randint(tallest // 2, tallest)
        pen.rounded_rectangle((left, top, left + wide, floor), rng.randint(4, 18), _colour(rng))
        band = top + (floor - top) // 3
        pen.rectangle((left + 8, band, left + wide - 8, band + (floor - top) // 4), _colour(rng))
        left += wide + rng.randint(4, 30)


def _price_cards(pen: ImageDraw.ImageDraw, width: int, top: int, rng: Random) -> None:
    for left in range(rng.randint(10, 120), width, rng.randint(180, 260)):
        pen.rectangle((left, top, left + 70, top + 22), fill=(250, 249, 240))
        pen.rectangle((left + 8, top + 6, left + 44, top + 12), fill=(40, 40, 44))


def _colour(rng: Random, darkest: int = 50, lightest: int = 220) -> Colour:
    return (
        rng.randint(darkest, lightest),
        rng.randint(darkest, lightest),
        rng.randint(darkest, lightest),
    )
