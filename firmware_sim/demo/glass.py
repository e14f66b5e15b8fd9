"""The mirror of the demo: somebody steps before it whenever whoever watches has touched it.

Owns when she comes and goes, and the garment that she carries in. All that the mirror does is its
own code; its camera shows a drawn figure.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cart.kernel.errors import CarryoverError
from cart.kernel.gtin import Gtin
from firmware_sim.demo.account import Numbered
from firmware_sim.goods.assortment import Product, Variant
from firmware_sim.mirror.figure import Colour
from firmware_sim.mirror.mirror import Placed, SimMirror
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.stage import Drawn, drawn
from firmware_sim.shop import Shop, usual_or_free

NAME: Final = "Room 1"
PORT: Final = 8360
LENS: Final = Lens(width_px=324, height_px=576)
"""Enough for a picture on a laptop's screen; a second of film is five megabytes in memory."""
FRAMES_PER_S: Final = 8.0
EMPTY_PER_S: Final = 2.0
"""While nobody is there: it notices a tag within a second, and takes a hundredth of a core."""
TURN_S: Final = 7.5
"""The mirror records for eight seconds."""
LOOK_S: Final = 0.25
JOIN_S: Final = 10.0


class GlassOnShow:
    """One mirror that whoever watches may use. ``draw`` early; then ``start``, and ``close``."""

    def __init__(
        self,
        shop: Shop,
        location: str,
        products: Sequence[Product],
        stopping: threading.Event,
    ) -> None:
        self._shop, self._location, self._stopping = shop, location, stopping
        self._worn = worn(products)
        self._film: Drawn | None = None
        self._drawing = threading.Thread(target=self._draw, name="film", daemon=True)
        self._watching: threading.Thread | None = None
        self._mirror: SimMirror | None = None

    def draw(self) -> None:
        """Begin to draw her, beside all else that gets ready."""
        self._drawing.start()

    def _draw(self) -> None:
        colour = colour_of(self._worn)
        self._film = drawn(LENS, frames_per_s=FRAMES_PER_S, seconds=TURN_S, garment=colour)

    def start(self, folder: Path) -> None:
        """Enrol it and switch it on.

        Raises:
            CarryoverError: the shop refuses it.
        """
        self._drawing.join()
        if self._film is None:  # the thread has said why
            return
        placed = Placed(
            self._film,
            lens=LENS,
            frames_per_s=FRAMES_PER_S,
            empty_per_s=EMPTY_PER_S,
            times=1.0,
            port=usual_or_free(PORT),
        )
        token = self._shop.token(self._location, NAME, "mirror")
        self._mirror = SimMirror.enrol(folder, self._shop.url, token, placed)
        self._mirror.start()

    @property
    def url(self) -> str:
        """Its page; empty while there is none."""
        return self._mirror.on.url if self._mirror is not None else ""

    @property
    def waiting(self) -> int:
        """Events that have no receipt yet."""
        return len(self._mirror.on.spool) if self._mirror is not None else 0

    @property
    def numbered(self) -> tuple[Numbered, ...]:
        """What it has said, for the account."""
        if self._mirror is None:
            return ()
        spool = self._mirror.on.spool
        return (Numbered(self._mirror.device_id, spool.id, spool.sequence, spool.dropped),)

    def open(self, shown: Callable[[str], None]) -> None:
        """Let her come whenever it is touched; ``shown`` hears the claim link of her visit."""
        if self._mirror is None:
            return
        self._watching = threading.Thread(
            target=self._watch, args=(self._mirror, shown), name="before the mirror", daemon=True
        )
        self._watching.start()

    def close(self) -> None:
        """Switch it off."""
        if self._watching is not None:
            self._watching.join(JOIN_S)
        if self._mirror is not None:
            self._mirror.stop()
            self._mirror = None

    def _watch(self, mirror: SimMirror, shown: Callable[[str], None]) -> None:
        gtin = Gtin.parse(self._worn.gtin)
        before = _NOBODY
        while not self._stopping.wait(LOOK_S):
            visit = mirror.on.agent.snapshot().visit
            now = _Moment(visit.id, visit.claimed) if visit is not None else _NOBODY
            if now == before:
                continue
            if now.visit_id and not before.visit_id:
                mirror.stage.come()
                mirror.tags.bring_in(gtin)
            elif before.visit_id and not now.visit_id:
                mirror.stage.leave()
                mirror.tags.carry_out(gtin)
            before = now
            shown(_link(mirror))


@dataclass(frozen=True, slots=True)
class _Moment:
    visit_id: str
    claimed: bool


_NOBODY: Final = _Moment("", claimed=False)


def _link(mirror: SimMirror) -> str:
    try:
        return mirror.glass.look().link() or ""
    except CarryoverError:  # switched off in the middle of it
        return ""


def worn(products: Sequence[Product]) -> Variant:
    """Return what she wears: a T-shirt in the most colours, the one of most colour itself."""
    tees = [one for one in products if one.variants[0].pictures[0].form == "tee"]
    product = max(tees, key=lambda one: min(_vivid(variant) for variant in one.variants))
    return max(product.variants, key=_vivid)


def colour_of(variant: Variant) -> Colour:
    """Return a variant's swatch: red, green, blue."""
    red, green, blue = bytes.fromhex(variant.colour_hex.removeprefix("#"))
    return red, green, blue


def _vivid(variant: Variant) -> int:
    """Return how far a swatch is from grey: one that is near has no tint to be told by."""
    colour = colour_of(variant)
    return max(colour) - min(colour)
