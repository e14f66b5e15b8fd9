"""Carryover's icon: a shopping bag, and in it the arrow of what is carried over.

Run ``python -m firmware_sim.goods.icon mobile_api/static`` after a change here;
the files it writes are committed, because a phone asks for them at once. The
drawing keeps inside the middle 80 %, so that a launcher may cut any shape
(W3C Web App Manifest, maskable icons).
"""

import sys
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from firmware_sim.goods.ink.colour import from_hex
from firmware_sim.goods.ink.curves import Shape, stroked, svg

GROUND, PAPER, SPARK = "#0b5a50", "#f6f3ee", "#e0a458"  # the ground is the pages' accent
SIDE: Final = 512
SIZES_PX: Final = (192, 512)
SUPER: Final = 4
BAG: Final = (
    "M 158 206 H 354 C 368 206 376 214 378 226 L 394 372 C 397 396 382 412 360 412"
    " H 152 C 130 412 115 396 118 372 L 134 226 C 136 214 144 206 158 206 Z"
)
HANDLE: Final = "M 196 212 V 186 C 196 102 316 102 316 186 V 212"
ARROW: Final = ("M 192 310 H 316", "M 268 260 L 320 310", "M 320 310 L 268 360")
PEN: Final = 24


def svg_text() -> str:
    """Return the icon as SVG."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">
<title>Carryover</title>
<rect width="{SIDE}" height="{SIDE}" fill="{GROUND}"/>
<g fill="none" stroke-linecap="round" stroke-linejoin="round" stroke-width="{PEN}">
<path d="{HANDLE}" stroke="{SPARK}"/>
<path d="{BAG}" fill="{PAPER}" stroke="none"/>
<path d="{" ".join(ARROW)}" stroke="{GROUND}"/>
</g>
</svg>
"""


def picture(side_px: int) -> Image.Image:
    """Return the icon as a picture of ``side_px`` pixels, without transparency."""
    large = Image.new("RGB", (side_px * SUPER, side_px * SUPER), from_hex(GROUND))
    draw = ImageDraw.Draw(large)
    parts: tuple[tuple[Shape, str], ...] = (
        (stroked(HANDLE, PEN), SPARK),
        (svg(BAG), PAPER),
        *((stroked(line, PEN), GROUND) for line in ARROW),
    )
    for shape, colour in parts:
        for ring in shape:
            scale = side_px * SUPER / SIDE
            draw.polygon([(x * scale, y * scale) for x, y in ring], fill=from_hex(colour))
    return large.reduce(SUPER)


def write(folder: Path) -> None:
    """Write icon.svg, icon-192.png and icon-512.png."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "icon.svg").write_text(svg_text(), encoding="utf-8")
    for side_px in SIZES_PX:
        image = picture(side_px).quantize(64, dither=Image.Dither.NONE)
        image.save(folder / f"icon-{side_px}.png", optimize=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
