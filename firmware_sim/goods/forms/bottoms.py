"""Trousers, skirts and shorts, laid flat."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.tops import cloth, folds
from firmware_sim.goods.ink.colour import BRASS, tone
from firmware_sim.goods.ink.curves import (
    dashes,
    ellipse,
    flipped,
    mirrored,
    moved,
    rounded,
    stroked,
    svg,
)
from firmware_sim.goods.ink.paint import metal
from firmware_sim.goods.ink.plate import Plate

LEGS = {
    "straight": "M 498 150 L 640 156 C 668 300 676 420 672 560 C 668 700 660 800 652 914 C 612 926 560 928 524 920 C 526 760 520 560 500 430 L 498 400 Z",
    "wide": "M 498 150 L 630 156 C 676 300 716 480 738 908 C 670 928 590 930 530 918 C 528 760 520 560 500 430 L 498 400 Z",
    "shorts": "M 498 220 L 656 226 C 690 340 716 480 728 620 C 660 646 580 648 524 634 C 522 580 514 530 500 490 L 498 470 Z",
}


def trousers(plate: Plate, look: Look) -> None:
    """Chinos, jeans, wide trousers or shorts."""
    cut = look.style if look.style in LEGS else "straight"
    drop = 100 if cut == "shorts" else 0  # short things hang in the middle of the plate
    top = 320 if cut == "shorts" else 150
    side = moved(svg(LEGS[cut]), 0, drop)
    for shape in (flipped(side), side):
        cloth(plate, shape, look.main)
    jeans = look.style == "jeans"
    thread = (214, 160, 92) if jeans else tone(look.main, -0.5)
    half = 158 if cut == "shorts" else (130 if cut == "wide" else 140)
    back = mirrored(
        f"M 500 {top - 6} C 560 {top - 4} 600 {top - 2} {500 + half} {top + 2} L {500 + half + 2} {top + 20} L 500 {top + 34}"
    )
    plate.fill(back, tone(look.main, -0.5))
    band = mirrored(
        f"M 500 {top + 16} C 560 {top + 14} 600 {top + 8} {500 + half} {top} L {500 + half + 7} {top + 48} C 600 {top + 56} 560 {top + 60} 500 {top + 60}"
    )
    cloth(plate, band, tone(look.main, 0.04))
    plate.line(
        f"M 500 {top + 60} C 502 {top + 160} 504 {top + 220} 500 {top + 290}",
        tone(look.main, -0.6),
        4,
        0.7,
    )
    plate.fill(
        dashes(f"M 522 {top + 64} C 530 {top + 140} 532 {top + 190} 502 {top + 226}", 9, 6, 3),
        thread,
        0.9 if jeans else 0.5,
    )
    pocket = f"M {500 + half * 0.5} {top + 58} C {500 + half * 0.56} {top + 110} {500 + half * 0.8} {top + 140} {500 + half + 14} {top + 146}"
    for line in (stroked(pocket, 4), flipped(stroked(pocket, 4))):
        plate.fill(line, tone(look.main, -0.55), 0.6)
    if jeans:
        for line in (dashes(pocket, 9, 6, 3), flipped(dashes(pocket, 9, 6, 3))):
            plate.fill(line, thread)
        with plate.inside(side + flipped(side)):
            for knee in (410, 590):
                plate.gleam((knee, 430), (60, 200), 0.3)
    for x in (-half * 0.62, half * 0.62):
        loop = rounded(500 + x - 7, top + 2, 14, 64, 4)
        plate.cast(loop, (2, 3), 3, 0.4)
        plate.fill(loop, tone(look.main, 0.06))
    button = BRASS if jeans else look.accent
    plate.fill(ellipse(500, top + 38, 10), metal(490, 510, button))
    if cut == "straight" and not jeans:
        folds(plate, ("M 402 330 Q 396 600 404 900", "M 598 330 Q 604 600 596 900"), look.main)
    if cut == "wide":
        folds(
            plate,
            (
                "M 440 230 Q 420 560 390 900",
                "M 560 230 Q 580 560 610 900",
                "M 400 300 Q 360 600 320 900",
                "M 600 300 Q 640 600 680 900",
            ),
            look.main,
        )
    if cut != "shorts":
        folds(plate, ("M 470 360 Q 430 400 390 410", "M 530 360 Q 570 400 610 410"), look.main)


def skirt(plate: Plate, look: Look) -> None:
    """A pleated or plain midi skirt."""
    shape = mirrored("M 500 190 L 622 190 C 660 400 730 640 772 848 C 680 884 590 890 500 890")
    cloth(plate, shape, look.main)
    with plate.inside(shape):
        if look.style == "pleated":
            for i in range(-7, 8):
                x = i * 17
                plate.fill(
                    svg(
                        f"M {500 + x} 190 L {514 + x} 190 L {500 + x * 2.3 + 24} 900 L {500 + x * 2.3} 900 Z"
                    ),
                    tone(look.main, -0.5),
                    0.24,
                )
                plate.fill(
                    stroked(f"M {500 + x} 190 L {500 + x * 2.3} 900", 3), tone(look.main, 0.5), 0.4
                )
        else:
            for x in (400, 450, 550, 610):
                folds(
                    plate,
                    (f"M {500 + (x - 500) * 0.6} 240 Q {x} 560 {500 + (x - 500) * 1.7} 880",),
                    look.main,
                )
    band = mirrored("M 500 170 L 616 166 L 624 214 L 500 222")
    cloth(plate, band, tone(look.main, -0.1))
    plate.fill(ellipse(580, 192, 9), look.accent)
