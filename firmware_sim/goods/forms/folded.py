"""Throws, towels and bedding, folded and stacked."""

# ruff: noqa: E501, PLR2004 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.textiles import fringe
from firmware_sim.goods.ink.colour import tone
from firmware_sim.goods.ink.curves import rounded, svg
from firmware_sim.goods.ink.paint import down, slant
from firmware_sim.goods.ink.plate import Plate


def throw(plate: Plate, look: Look) -> None:
    """A folded blanket: layers, a fringe over the edge, a pattern by style."""
    plate.ground(500, 760, 340)
    for i in range(3):
        y = 640 - i * 92
        fold = svg(
            f"M 190 {y + 10} C 160 {y + 10} 160 {y + 112} 190 {y + 112} H 800 C 846 {y + 112} 850 {y + 4} 800 {y} H 200 Z"
        )
        plate.cast(fold, (0, 8), 8, 0.3)
        plate.fill(fold, down(y, y + 112, tone(look.main, 0.03 * i - 0.06)))
        plate.shade(fold, (-8, -12), 14, 0.4)
        plate.grain(fold, 0.16, (1, 2))
    drape = svg(
        "M 296 446 C 420 438 560 438 648 446 C 668 500 672 590 670 668 C 560 682 380 682 284 668 C 282 600 280 500 296 446 Z"
    )
    plate.cast(drape, (4, 10), 10, 0.35)
    plate.fill(drape, slant((284, 440, 668, 680), tone(look.main, 0.08)))
    with plate.inside(drape):
        if look.style == "checked":
            for i in range(6):
                plate.fill(rounded(296 + i * 66.0, 340, 26, 340, 1), look.accent, 0.5)
                plate.fill(rounded(270, 446 + i * 54.0, 420, 22, 1), look.accent, 0.5)
        elif look.style == "striped":
            for y in (580, 610, 632):
                plate.fill(rounded(270, y, 420, 15 if y == 580 else 9, 1), look.accent, 0.9)
    plate.grain(drape, 0.18, (1, 2))
    plate.shade(drape, (-6, -8), 14, 0.3)
    fringe(plate, (292, 662), 670, 50, tone(look.main, 0.1))


def towel(plate: Plate, look: Look) -> None:
    """Towels folded in a stack, or one rolled up."""
    plate.ground(500, 790, 320)
    colours = (
        (tone(look.main, -0.02), look.accent, look.main)
        if look.style == "stack"
        else (look.main,) * 3
    )
    for i, base in enumerate(colours):
        y = 636 - i * 148
        body = svg(
            f"M 210 {y} H 780 C 850 {y + 4} 850 {y + 146} 780 {y + 150} H 210 C 176 {y + 150} 176 {y} 210 {y} Z"
        )
        plate.cast(body, (0, 8), 8, 0.35)
        plate.fill(body, down(y, y + 150, base, 0.9))
        with plate.inside(body):
            plate.shade(body, (-10, -16), 22, 0.4)
            plate.line(
                f"M 780 {y + 76} H 240 C 214 {y + 76} 214 {y + 72} 200 {y + 72}",
                tone(base, -0.55),
                7,
                0.5,
            )
            if look.style != "waffle":
                for dx in (0, 18):
                    plate.line(f"M {300 + dx} {y - 4} V {y + 154}", tone(base, -0.3), 8, 0.35)
            else:
                for k in range(26):
                    plate.line(f"M {190 + k * 26} {y} v 152", tone(base, -0.4), 3, 0.3)
                for k in range(7):
                    plate.line(f"M 170 {y + k * 24} h 680", tone(base, -0.4), 3, 0.3)
        plate.grain(body, 0.26)
        plate.gleam((420, y + 26), (240, 24), 0.4)


def bedding(plate: Plate, look: Look) -> None:
    """A folded duvet cover with two pillows on it."""
    plate.ground(500, 780, 350)
    for i in range(2):
        y = 640 - i * 100
        fold = rounded(160, y, 680, 128, 50)
        base = look.main if i == 0 else tone(look.accent, 0.05)
        plate.cast(fold, (0, 8), 8, 0.3)
        plate.fill(fold, down(y, y + 128, base))
        plate.grain(fold, 0.08)
        plate.shade(fold, (-10, -16), 20, 0.36)
        plate.line(f"M 190 {y + 62} H 800", tone(base, -0.5), 3, 0.4)
    for x, y, base in ((250, 330, look.main), (330, 236, tone(look.main, 0.1))):
        pillow = svg(
            f"M {x} {y + 40} C {x + 120} {y} {x + 320} {y} {x + 430} {y + 36} C {x + 450} {y + 110} {x + 450} {y + 170} {x + 432} {y + 216} C {x + 300} {y + 246} {x + 120} {y + 246} {x} {y + 220} C {x - 18} {y + 160} {x - 18} {y + 100} {x} {y + 40} Z"
        )
        plate.cast(pillow, (4, 12), 14, 0.35)
        plate.fill(pillow, slant((x, y, x + 440, y + 240), base))
        with plate.inside(pillow):
            if look.style == "striped":
                for i in range(12):
                    plate.line(f"M {x + 8 + i * 38} {y} v 260", look.accent, 6, 0.6)
            plate.gleam((x + 180, y + 90), (160, 80), 0.4)
        plate.grain(pillow, 0.07)
        plate.shade(pillow, (-10, -14), 26, 0.4)
