"""Her turn from the front with the garment in another colour of the same product, for the glass.

Owns which colour she looks at. What she wears is that of the things she brought in whose swatch
is like the cloth on the picture; where none is, nothing is painted. Holds no picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cart.kernel.gtin import Gtin
from store_devices.mirror.front import ALIKE_MAX, Front, is_guess
from store_devices.mirror.recolour import Colour
from store_devices.mirror.studio import Studio
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.goods import Variant

Doubt = Literal["", "guess", "not_seen"]
"""Whether it can be done well: it can, from a dark cloth it is a guess, what she brought in is not
on the picture."""
NEWER_WINS: Final = 0.15
"""Of two things that are as like the cloth: what she brought in last is what she has on."""


@dataclass(frozen=True, slots=True)
class Tints:
    """What can be shown: one variant of each colour, which one is worn, and how well it goes."""

    worn: Gtin | None
    others: tuple[Variant, ...]
    doubt: Doubt


NO_TINTS: Final = Tints(None, (), "")


class Tinting:
    """Of one mirror. ``wanted``: the variant in whose colour she is shown; None: as she is."""

    def __init__(self, studio: Studio, catalogue: Catalogue) -> None:
        self._studio = studio
        self._catalogue = catalogue
        self.wanted: Gtin | None = None

    def tints(self, turn_id: str, brought: Sequence[Gtin]) -> Tints:
        """Return what the garment of this turn can be shown in; nothing where there is no choice.

        ``brought``: what is in the room, the newest first.
        """
        front = self._studio.front(turn_id)
        coloured = [one for one in brought if len(self._swatches(one)) > 1]
        if front is None or not coloured:
            return NO_TINTS
        worn = self._worn(front, coloured)
        if worn is None:
            return Tints(None, (), "not_seen")
        swatches = self._swatches(worn)
        was = next((one for one in swatches if one.gtin == worn), None)
        guess = was is not None and is_guess(colour_of(was))
        return Tints(worn, swatches, "guess" if guess else "")

    def picture(self, turn_id: str, gtin: str, brought: Sequence[Gtin]) -> bytes | None:
        """Return her from the front in the colour of this variant (JPEG); None: it cannot be."""
        found = self.tints(turn_id, brought)
        front = self._studio.front(turn_id)
        was = next((one for one in found.others if one.gtin == found.worn), None)
        wanted = next((one for one in found.others if one.gtin == gtin), None)
        if front is None or was is None or wanted is None:
            return None
        return front.painted(colour_of(was), colour_of(wanted))

    def _worn(self, front: Front, coloured: Sequence[Gtin]) -> Gtin | None:
        best, best_off = None, ALIKE_MAX
        for gtin in reversed(coloured):  # the newest last, so that it wins
            was = next(one for one in self._swatches(gtin) if one.gtin == gtin)
            off = front.off(colour_of(was))
            if off is not None and off <= best_off + NEWER_WINS:
                best, best_off = gtin, min(off, best_off)
        return best

    def _swatches(self, gtin: Gtin) -> tuple[Variant, ...]:
        """Return one variant of each colour of its product, itself for its own; none unknown."""
        found = self._catalogue.product_of(gtin)
        if found is None or not found[1].colour_hex:
            return ()
        product, own = found
        chosen = {own.colour: own}
        for variant in product.variants:
            if variant.colour_hex and (
                variant.colour not in chosen
                or (variant.size == own.size and variant.colour != own.colour)
            ):
                chosen[variant.colour] = variant
        return tuple(chosen.values())


def colour_of(variant: Variant) -> Colour:
    """Return a variant's swatch."""
    return (
        int(variant.colour_hex[1:3], 16),
        int(variant.colour_hex[3:5], 16),
        int(variant.colour_hex[5:7], 16),
    )
