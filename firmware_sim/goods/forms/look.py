"""What a form needs to know of the piece that it draws. Draws nothing."""

from dataclasses import dataclass

from firmware_sim.goods.ink.colour import Colour


@dataclass(frozen=True)
class Look:
    """The colour of the piece, its second material's colour, and which style of the form."""

    main: Colour
    accent: Colour
    style: str
