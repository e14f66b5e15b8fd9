"""Bags and hats."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

import math

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import BRASS, Colour, tone
from firmware_sim.goods.ink.curves import Shape, dashes, ellipse, outlined, rounded, stroked, svg
from firmware_sim.goods.ink.paint import Fade, metal, slant
from firmware_sim.goods.ink.plate import Plate


def _panel(
    plate: Plate, shape: Shape, box: tuple[float, float, float, float], base: Colour
) -> None:
    plate.fill(shape, slant(box, base, 0.8))
    plate.grain(shape, 0.1)
    plate.shade(shape, (-10, -14), 22, 0.38)


def _strap(plate: Plate, data: str, base: Colour, width: float) -> None:
    plate.fill(stroked(data, width), tone(base, -0.32))
    plate.fill(stroked(data, width * 0.8), base)
    plate.fill(dashes(data, 8, 6, 2.4), tone(base, 0.5), 0.6)


def bag(plate: Plate, look: Look) -> None:
    """Tote, shopper with leather, backpack, crossbody or weekender."""
    draw = {"backpack": _backpack, "crossbody": _crossbody, "weekender": _weekender}.get(
        look.style, _tote
    )
    draw(plate, look)


def _tote(plate: Plate, look: Look) -> None:
    plate.ground(500, 880, 290)
    _strap(plate, "M 380 430 C 380 60 620 60 620 430", tone(look.accent, -0.25), 26)
    body = svg(
        "M 226 400 C 400 410 600 410 774 400 L 806 856 C 800 880 780 886 760 886 H 240 C 220 886 200 880 194 856 Z"
    )
    _panel(plate, body, (200, 400, 800, 890), look.main)
    with plate.inside(body):
        if look.style == "striped":
            for y in (560, 620, 680):
                plate.fill(rounded(170, y, 660, 30, 1), look.accent, 0.9)
        elif look.style == "shopper":
            plate.fill(rounded(170, 760, 660, 140, 1), slant((200, 760, 800, 890), look.accent))
            plate.fill(dashes("M 190 772 H 810", 9, 6, 3), tone(look.accent, 0.4), 0.8)
        plate.fill(
            svg(
                "M 300 420 Q 330 560 300 700 Q 350 560 320 420 Z M 690 500 Q 660 640 700 820 Q 680 640 705 500 Z"
            ),
            tone(look.main, -0.5),
            0.2,
        )
    plate.fill(dashes("M 234 432 C 400 442 600 442 768 432", 9, 6, 3), tone(look.main, -0.45), 0.7)
    _strap(plate, "M 360 540 V 430 C 340 110 660 110 640 430 V 540", look.accent, 28)
    for x in (360, 640):
        plate.fill(ellipse(x, 452, 6), BRASS)
        plate.fill(ellipse(x, 528, 6), BRASS)


def _backpack(plate: Plate, look: Look) -> None:
    plate.ground(500, 890, 240)
    plate.tube("M 440 150 C 440 80 560 80 560 150", look.accent, 20)
    for side in (-1, 1):
        pocket = rounded(500 + side * 250 - 48, 560, 96, 280, 34)
        _panel(plate, pocket, (200, 560, 800, 840), tone(look.main, -0.12))
    body = svg(
        "M 270 380 C 262 200 330 136 500 136 C 670 136 738 200 730 380 L 752 830 C 750 880 720 892 680 892 H 320 C 280 892 250 880 248 830 Z"
    )
    _panel(plate, body, (250, 136, 750, 892), look.main)
    pocket = rounded(310, 600, 380, 250, 34)
    plate.cast(pocket, (2, 8), 8, 0.35)
    _panel(plate, pocket, (310, 600, 690, 850), tone(look.main, 0.05))
    plate.fill(outlined(pocket, 3), tone(look.main, -0.5), 0.4)
    plate.fill(dashes("M 330 650 H 670", 6, 4, 6), tone(BRASS, 0.1))
    lid = svg(
        "M 262 330 C 264 190 340 140 500 140 C 660 140 736 190 738 330 C 738 420 730 470 700 486 C 600 506 400 506 300 486 C 270 470 262 420 262 330 Z"
    )
    plate.cast(lid, (2, 10), 10, 0.4)
    _panel(plate, lid, (262, 140, 738, 500), tone(look.main, 0.06))
    plate.fill(outlined(lid, 3), tone(look.main, -0.5), 0.4)
    for x in (390, 610):
        strap = rounded(x - 17, 400, 34, 250, 8)
        plate.cast(strap, (3, 4), 5, 0.35)
        plate.fill(strap, slant((x - 17, 400, x + 17, 650), look.accent))
        plate.fill(
            rounded(x - 25, 540, 50, 40, 8),
            metal(x - 25, x + 25, BRASS),
            1,
            rounded(x - 14, 550, 28, 20, 3),
        )
    plate.fill(rounded(452, 300, 96, 62, 6), slant((452, 300, 548, 362), look.accent))
    plate.fill(dashes("M 460 308 H 540 V 354 H 460 Z", 6, 4, 2.4), tone(look.accent, 0.5), 0.8)


def _crossbody(plate: Plate, look: Look) -> None:
    plate.ground(500, 846, 270)
    _strap(plate, "M 236 520 C 190 40 810 40 764 520", tone(look.main, -0.1), 22)
    body = svg(
        "M 232 470 H 768 C 800 620 792 760 752 824 C 730 846 270 846 248 824 C 208 760 200 620 232 470 Z"
    )
    _panel(plate, body, (220, 470, 780, 850), look.main)
    flap = svg(
        "M 226 450 C 300 430 700 430 774 450 C 796 560 770 660 700 690 C 600 716 400 716 300 690 C 230 660 204 560 226 450 Z"
    )
    plate.cast(flap, (2, 10), 10, 0.4)
    _panel(plate, flap, (220, 440, 780, 700), tone(look.main, 0.06))
    plate.fill(outlined(flap, 3), tone(look.main, -0.5), 0.5)
    plate.fill(
        dashes(
            "M 242 480 C 236 580 260 650 310 672 C 400 694 600 694 690 672 C 740 650 764 580 758 480",
            9,
            6,
            3,
        ),
        tone(look.main, 0.4),
        0.6,
    )
    plate.fill(rounded(464, 650, 72, 62, 12), metal(464, 536, BRASS))
    plate.fill(rounded(484, 670, 32, 22, 6), tone(BRASS, -0.4))
    for x in (238, 762):
        plate.fill(ellipse(x, 500, 22), metal(x - 22, x + 22, BRASS), 1, ellipse(x, 500, 13))


def _weekender(plate: Plate, look: Look) -> None:
    plate.ground(500, 800, 390)
    _strap(plate, "M 360 470 C 370 190 630 190 640 470", tone(look.accent, -0.25), 24)
    body = svg(
        "M 150 420 C 180 350 820 350 850 420 C 890 540 890 700 860 780 C 840 806 160 806 140 780 C 110 700 110 540 150 420 Z"
    )
    _panel(plate, body, (120, 360, 880, 800), look.main)
    with plate.inside(body):
        for side in (-1, 1):
            end = svg(
                f"M {500 + side * 400} 340 C {500 + side * 280} 520 {500 + side * 280} 640 {500 + side * 320} 820 L {500 + side * 420} 820 Z"
            )
            plate.fill(end, slant((120, 360, 880, 800), look.accent))
        plate.fill(
            rounded(100, 730, 800, 90, 1), slant((120, 730, 880, 820), tone(look.accent, -0.1))
        )
        plate.shade(body, (-10, -16), 26, 0.3)
    plate.line("M 176 402 C 340 372 660 372 824 402", tone(look.main, -0.55), 9, 0.8)
    plate.fill(dashes("M 176 402 C 340 372 660 372 824 402", 5, 4, 6), tone(BRASS, 0.1))
    _strap(plate, "M 336 730 V 480 C 340 220 660 220 664 480 V 730", look.accent, 28)
    for x in (336, 664):
        plate.fill(ellipse(x, 520, 7), BRASS)
        plate.fill(ellipse(x, 700, 7), BRASS)


def hat(plate: Plate, look: Look) -> None:
    """A knitted beanie, a cap or a straw hat."""
    if look.style == "straw":
        plate.ground(500, 690, 400)
        plate.fill(ellipse(500, 640, 420, 92), slant((80, 550, 920, 730), look.main))
        plate.shade(ellipse(500, 640, 420, 92), (-6, -16), 20, 0.4)
        crown = svg(
            "M 290 630 C 300 440 330 360 420 340 C 470 330 530 350 580 340 C 670 350 700 440 710 630 C 660 680 340 680 290 630 Z"
        )
        plate.fill(crown, slant((290, 340, 710, 660), look.main))
        with plate.inside(crown):
            for i in range(18):
                plate.line(
                    f"M 280 {350 + i * 18} C 400 {386 + i * 18} 600 {386 + i * 18} 720 {350 + i * 18}",
                    tone(look.main, -0.4),
                    4,
                    0.3,
                )
            plate.fill(stroked("M 270 580 C 340 630 660 630 730 580", 60), look.accent)
        plate.shade(crown, (-10, -12), 24, 0.4)
        for i in range(5):
            plate.fill(
                ellipse(500, 640, 412 - i * 22, 88 - i * 5),
                tone(look.main, -0.5),
                0.16,
                ellipse(500, 640, 408 - i * 22, 85 - i * 5),
            )
        with plate.inside(crown):
            plate.gleam((400, 460), (70, 90), 0.4)
        return
    plate.ground(500, 770, 260)
    dome = svg("M 250 640 C 240 340 360 230 500 230 C 640 230 760 340 750 640 Z")
    plate.fill(dome, slant((250, 230, 750, 640), look.main))
    with plate.inside(dome):
        for i in range(-9, 10):
            plate.line(
                f"M {500 + i * 6} 226 C {500 + i * 30} 300 {500 + i * 31} 480 {500 + i * 28} 650",
                tone(look.main, -0.5),
                7,
                0.3,
            )
            plate.line(
                f"M {488 + i * 6} 226 C {487 + i * 30} 300 {487 + i * 31} 480 {487 + i * 28} 650",
                tone(look.main, 0.5),
                5,
                0.25,
            )
    plate.grain(dome, 0.16)
    plate.shade(dome, (-12, -16), 30, 0.4)
    if look.style == "bobble":
        plate.cast(ellipse(500, 200, 86), (0, 10), 10, 0.3)
        plate.fill(ellipse(500, 196, 88), slant((410, 110, 590, 280), look.accent))
        for ring, count in ((88, 44), (66, 34), (42, 22), (18, 10)):
            for i in range(count):
                turn = 2 * math.pi * (i + ring / 50) / count
                x, y = 500 + math.cos(turn) * ring, 196 + math.sin(turn) * ring
                tuft = stroked(
                    f"M {x} {y} l {math.cos(turn) * 11} {math.sin(turn) * 11 + 4}", 13, 5
                )
                plate.fill(tuft, tone(look.accent, (-0.14, 0.1, 0.26)[i % 3]), 0.8)
        plate.shade(ellipse(500, 196, 88), (-8, -8), 20, 0.34)
    brim = rounded(226, 586, 548, 176, 50)
    plate.cast(brim, (2, 8), 8, 0.35)
    plate.fill(brim, slant((226, 586, 774, 762), tone(look.main, 0.04)))
    with plate.inside(brim):
        for i in range(32):
            plate.line(f"M {236 + i * 17} 580 V 770", tone(look.main, -0.5), 6, 0.35)
    plate.grain(brim, 0.16)
    plate.shade(brim, (-8, -14), 22, 0.4)
    label = rounded(620, 650, 84, 52, 5)
    plate.fill(
        label, Fade((620, 650), (704, 702), ((0, tone((178, 124, 78), 0.1)), (1, (150, 98, 62))))
    )
    plate.fill(dashes("M 628 658 H 696 V 694 H 628 Z", 6, 4, 2.2), (236, 214, 180), 0.8)
