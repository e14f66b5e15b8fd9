"""Colours as light and shade see them. Owns no palette: goods bring their own."""

from typing import Final

Colour = tuple[int, int, int]

LIGHT: Final[Colour] = (255, 251, 242)  # a north window on paper, a little warm
DEEP: Final[Colour] = (34, 26, 38)  # shade leans to plum, so that no colour turns to mud
PAPER: Final[Colour] = (246, 243, 238)
OAK: Final[Colour] = (203, 164, 118)
WALNUT: Final[Colour] = (116, 78, 54)
BRASS: Final[Colour] = (196, 155, 84)
STEEL: Final[Colour] = (168, 170, 172)
INK: Final[Colour] = (44, 42, 44)
LINEN: Final[Colour] = (236, 228, 212)
LEATHER: Final[Colour] = (150, 98, 62)
LEAF: Final[Colour] = (98, 124, 92)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return ``one`` with ``share`` (0-1) of ``other`` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def tone(base: Colour, value: float) -> Colour:
    """Return ``base`` in more light (``value`` up to 1) or more shade (down to -1)."""
    return mix(base, LIGHT, value) if value >= 0 else mix(base, DEEP, -value)


def luma(colour: Colour) -> float:
    """Return how bright a colour looks, 0-1 (Rec. 601 weights)."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def from_hex(text: str) -> Colour:
    """Return the colour of ``#rrggbb``."""
    value = int(text.removeprefix("#"), 16)
    return value >> 16 & 255, value >> 8 & 255, value & 255
