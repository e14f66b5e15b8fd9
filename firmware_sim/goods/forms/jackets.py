"""Jackets: bomber, blazer, parka and chore jacket, laid flat."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.tops import SLEEVE, button, cloth, folds, neck, patch, sleeves
from firmware_sim.goods.ink.colour import BRASS, tone
from firmware_sim.goods.ink.curves import (
    dashes,
    ellipse,
    mirrored,
    outlined,
    rounded,
    stroked,
    svg,
)
from firmware_sim.goods.ink.paint import metal, slant
from firmware_sim.goods.ink.plate import Plate


def jacket(plate: Plate, look: Look) -> None:
    """Bomber, blazer, parka or denim."""
    draw = {"bomber": _bomber, "blazer": _blazer, "parka": _parka}.get(look.style, _chore)
    draw(plate, look)


def _bomber(plate: Plate, look: Look) -> None:
    sleeves(plate, look.main, SLEEVE, look.accent)
    body = mirrored(
        "M 500 190 L 600 182 C 640 190 660 196 672 206 C 680 400 684 560 690 760 C 640 776 560 780 500 780"
    )
    cloth(plate, body, look.main)
    hem = mirrored(
        "M 500 752 C 580 752 650 746 686 738 C 690 780 686 820 676 836 C 620 848 560 850 500 850"
    )
    cloth(plate, hem, look.accent)
    with plate.inside(hem):
        for i in range(33):
            plate.line(f"M {316 + i * 11.5} 730 V 856", tone(look.accent, -0.5), 3, 0.4)
    neck(plate, look.accent, 40, look.accent)
    collar = mirrored("M 500 232 C 560 230 592 210 608 176 L 634 190 C 622 240 574 266 500 268")
    cloth(plate, collar, look.accent)
    with plate.inside(collar):
        for i in range(-14, 15):
            plate.line(
                f"M {500 + i * 9} 160 L {500 + i * 10} 280", tone(look.accent, -0.5), 2.4, 0.4
            )
    folds(
        plate,
        (
            "M 340 300 Q 380 420 370 560",
            "M 650 280 Q 620 420 640 560",
            "M 420 640 Q 400 700 420 750",
        ),
        look.main,
    )
    _zip(plate, 262, 846)
    for side in (-1, 1):
        pocket = f"M {500 + side * 66} 690 L {500 + side * 130} 570"
        plate.fill(stroked(pocket, 12), tone(look.main, -0.42))
        plate.fill(stroked(pocket, 4), tone(look.main, 0.25), 0.7)


def _zip(plate: Plate, top: float, bottom: float) -> None:
    plate.line(f"M 500 {top} V {bottom}", (60, 56, 54), 13, 0.55)
    plate.fill(dashes(f"M 500 {top} V {bottom}", 5, 4, 8), tone(BRASS, 0.2))
    plate.fill(rounded(493, top + 4, 14, 34, 5), metal(493, 507, BRASS))


def _blazer(plate: Plate, look: Look) -> None:
    sleeves(plate, look.main, SLEEVE)
    body = mirrored(
        "M 500 196 L 596 178 C 640 188 660 196 676 208 C 676 400 660 520 676 640 C 690 730 700 790 704 846 C 640 866 560 866 500 862"
    )
    cloth(plate, body, look.main)
    shirt = mirrored("M 500 180 L 596 178 C 590 280 550 430 500 540")
    plate.fill(shirt, slant((400, 180, 600, 560), (244, 241, 234)))
    plate.shade(shirt, (0, 14), 16, 0.3)
    plate.fill(stroked("M 500 250 V 520", 2.5), (190, 184, 172))
    for side in (-1, 1):
        c = 500
        collar = svg(
            f"M {c} 250 L {c + side * 44} 320 L {c + side * 92} 176 L {c + side * 60} 172 Z"
        )
        plate.cast(collar, (0, 6), 6, 0.3)
        plate.fill(collar, (250, 248, 243))
        lapel = svg(
            f"M {c + side * 92} 170 L {c + side * 124} 188 L {c + side * 166} 300 L {c + side * 128} 316 L {c + side * 142} 344 C {c + side * 96} 420 {c + side * 30} 500 {c} 556 C {c + side * 44} 430 {c + side * 90} 300 {c + side * 92} 170 Z"
        )
        plate.cast(lapel, (3, 6), 8, 0.35)
        plate.fill(lapel, slant((c - 170, 170, c + 170, 560), tone(look.main, 0.07), 0.8))
        plate.grain(lapel, 0.1, (1, 2))
        plate.shade(lapel, (-3, -3), 5, 0.3)
        plate.fill(outlined(lapel, 3), tone(look.main, -0.5), 0.6)
        flap = svg(
            f"M {c + side * 70} 690 L {c + side * 168} 682 L {c + side * 172} 722 L {c + side * 72} 732 Z"
        )
        plate.cast(flap, (2, 5), 5, 0.35)
        plate.fill(flap, tone(look.main, 0.04))
    plate.line("M 500 556 C 506 660 520 780 540 864", tone(look.main, -0.55), 4, 0.7)
    plate.line("M 606 440 L 672 430", tone(look.main, -0.5), 10, 0.7)
    for y in (580, 668):
        button(plate, (488, y), 14, look.accent)
    folds(plate, ("M 360 330 Q 390 460 380 600", "M 640 360 Q 612 480 626 620"), look.main)


def _parka(plate: Plate, look: Look) -> None:
    hood = mirrored("M 500 84 C 590 84 640 130 640 220 L 500 260")
    cloth(plate, hood, tone(look.main, -0.12))
    inner = mirrored("M 500 116 C 560 116 594 150 596 214 L 500 250")
    plate.fill(inner, tone(look.accent, -0.2))
    plate.shade(inner, (0, 16), 22, 0.5)
    sleeves(plate, look.main, SLEEVE)
    body = mirrored(
        "M 500 236 C 560 232 600 210 622 184 C 650 190 666 198 676 208 C 684 420 700 640 716 876 C 640 896 560 898 500 898"
    )
    cloth(plate, body, look.main)
    for side in (-1, 1):
        flap = svg(
            f"M 500 250 L {500 + side * 60} 236 L {500 + side * 128} 180 L {500 + side * 140} 212 C {500 + side * 110} 280 {500 + side * 50} 300 500 306 Z"
        )
        patch(plate, flap, tone(look.main, 0.03))
        pocket = rounded(500 + side * 120 - 58, 640, 116, 130, 12)
        patch(plate, pocket, tone(look.main, 0.02))
        lid = rounded(500 + side * 120 - 62, 630, 124, 40, 8)
        patch(plate, lid, tone(look.main, 0.06))
        plate.fill(
            ellipse(500 + side * 120, 652, 7),
            metal(500 + side * 120 - 7, 500 + side * 120 + 7, BRASS),
        )
        plate.fill(
            stroked(
                f"M {500 + side * 22} 276 C {500 + side * 26} 330 {500 + side * 22} 350 {500 + side * 24} 400",
                5,
            ),
            tone(look.accent, 0.3),
        )
    placket = rounded(476, 300, 48, 590, 6)
    cloth(plate, placket, tone(look.main, 0.05))
    for y in range(340, 870, 88):
        plate.fill(ellipse(500, y, 9), metal(491, 509, BRASS))
    plate.fill(dashes("M 330 560 H 470 M 530 560 H 670", 9, 7, 3), tone(look.main, -0.5), 0.7)
    folds(
        plate,
        (
            "M 350 300 Q 390 420 380 540",
            "M 650 300 Q 616 420 630 540",
            "M 400 780 Q 390 830 400 880",
        ),
        look.main,
    )


def _chore(plate: Plate, look: Look) -> None:
    sleeves(plate, look.main, SLEEVE)
    body = mirrored(
        "M 500 206 L 598 184 C 640 190 660 196 674 208 C 680 420 690 640 696 830 C 640 848 560 850 500 850"
    )
    cloth(plate, body, look.main)
    neck(plate, look.accent, 50, look.main)
    plate.fill(stroked("M 500 240 V 850", 4), tone(look.main, -0.55), 0.7)
    stitch = tone(look.accent, 0.25)
    plate.fill(dashes("M 482 250 V 846", 9, 6, 3), stitch, 0.8)
    for x, y, wide, high in ((340, 590, 130, 160), (530, 590, 130, 160), (544, 380, 96, 110)):
        pocket = svg(f"M {x} {y} h {wide} v {high - 18} l {-wide / 2} 20 l {-wide / 2} -20 Z")
        patch(plate, pocket, tone(look.main, 0.03))
        plate.fill(
            dashes(
                f"M {x + 8} {y + 14} h {wide - 16} M {x + 8} {y + 8} v {high - 32} l {wide / 2 - 8} 18 l {wide / 2 - 8} -18 V {y + 8}",
                9,
                6,
                2.6,
            ),
            stitch,
            0.8,
        )
    for side in (-1, 1):
        collar = svg(
            f"M 500 244 L {500 + side * 60} 330 L {500 + side * 142} 246 L {500 + side * 108} 172 C {500 + side * 90} 210 {500 + side * 50} 236 500 244 Z"
        )
        patch(plate, collar, tone(look.main, 0.08))
    for y in (300, 420, 540, 660, 780):
        button(plate, (500, y), 13, look.accent)
    folds(plate, ("M 340 300 Q 380 400 370 520", "M 660 300 Q 640 360 650 380"), look.main)
