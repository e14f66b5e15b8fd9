"""Cushions, rugs and scarves, and the fringe that textiles share."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import Colour, tone
from firmware_sim.goods.ink.curves import Shape, dashes, ellipse, rounded, stroked, svg
from firmware_sim.goods.ink.paint import slant
from firmware_sim.goods.ink.plate import Plate


def fringe(plate: Plate, span: tuple[float, float], y: float, length: float, base: Colour) -> None:
    """Draw a row of threads hanging from y (upwards when length is negative)."""
    left, right = span
    count = int((right - left) / 13)
    threads: list[tuple[tuple[float, float], ...]] = []
    for i in range(count + 1):
        x = left + (right - left) * i / count
        sway = (i * 7 % 5 - 2) * 1.8
        threads.extend(
            stroked(
                f"M {x} {y} Q {x + sway} {y + length / 2} {x + sway * 1.6} {y + length * (0.9 + i * 3 % 4 * 0.04)}",
                4.4,
            )
        )
    plate.fill(tuple(threads), tone(base, -0.1))


def cushion(plate: Plate, look: Look) -> None:
    """Plain, striped, checked, lumbar or tufted, with piping and a crease or two."""
    if look.style == "lumbar":
        plate.ground(500, 690, 330, 0.8)
        shape = svg(
            "M 150 350 C 300 320 700 320 850 350 C 884 440 884 590 850 690 C 700 716 300 716 150 690 C 116 590 116 440 150 350 Z"
        )
        box = (150.0, 340.0, 850.0, 700.0)
    else:
        plate.ground(500, 812, 300, 0.8)
        shape = svg(
            "M 196 196 C 320 226 680 226 804 196 C 776 330 776 690 810 812 C 680 786 320 786 190 812 C 224 690 224 330 196 196 Z"
        )
        box = (190.0, 196.0, 810.0, 812.0)
    plate.cast(shape, (6, 14), 18, 0.3)
    plate.fill(shape, slant(box, look.main, 0.7))
    with plate.inside(shape):
        if look.style in {"striped", "lumbar"}:
            for i in range(9):
                x = 210 + i * 72
                plate.line(
                    f"M {x} 180 C {x + (500 - x) * 0.1} 400 {x + (500 - x) * 0.1} 600 {x} 830",
                    look.accent,
                    20 if i % 2 else 7,
                    0.85,
                )
        elif look.style == "checked":
            for i in range(7):
                at = 240 + i * 88
                plate.line(
                    f"M {at} 180 C {at + (500 - at) * 0.12} 400 {at + (500 - at) * 0.12} 600 {at} 830",
                    look.accent,
                    34,
                    0.4,
                )
                plate.line(
                    f"M 180 {at} C 400 {at + (500 - at) * 0.12} 600 {at + (500 - at) * 0.12} 830 {at}",
                    look.accent,
                    34,
                    0.4,
                )
        plate.gleam((410, 400), (230, 190), 0.34)
    plate.grain(shape, 0.14)
    plate.shade(shape, (-14, -20), 40, 0.5)
    if look.style == "tufted":
        for x, y in ((360, 360), (640, 360), (500, 500), (360, 640), (640, 640)):
            plate.gleam((x, y), (58, 52), 0.5, tone(look.main, -0.6))
            plate.fill(ellipse(x, y, 11), tone(look.main, -0.2))
            plate.gleam((x - 3, y - 3), (6, 6), 0.6)
    for crease in (
        "M 226 230 Q 270 290 276 340",
        "M 774 230 Q 730 280 726 340",
        "M 224 780 Q 270 720 274 680",
        "M 776 780 Q 732 720 728 690",
    ):
        if look.style != "lumbar":
            plate.line(crease, tone(look.main, -0.5), 5, 0.3)
    plate.fill(stroked(_outline(shape), 7), tone(look.main, -0.22), 0.9)
    plate.fill(stroked(_outline(shape), 2.4), tone(look.main, 0.3), 0.6)


def _outline(shape: Shape) -> str:
    return "M " + " L ".join(f"{x:.1f} {y:.1f}" for x, y in shape[0])


def rug(plate: Plate, look: Look) -> None:
    """A rug from above: striped, bordered, diamonds or round."""
    if look.style == "round":
        shape = ellipse(500, 500, 384)
        plate.cast(shape, (8, 14), 14, 0.4)
        plate.fill(shape, slant((120, 120, 880, 880), look.main, 0.5))
        for i in range(15):
            ring = 372 - i * 25
            plate.fill(
                ellipse(500, 500, ring),
                look.accent if i in {1, 2, 6, 11} else tone(look.main, -0.3),
                0.9 if i in {1, 2, 6, 11} else 0.3,
                ellipse(500, 500, ring - (16 if i in {1, 2, 6, 11} else 4)),
            )
        plate.grain(shape, 0.2)
        plate.shade(shape, (-3, -5), 9, 0.35)
        return
    left, top, wide, high = 236.0, 110.0, 528.0, 780.0
    shape = rounded(left, top, wide, high, 8)
    plate.cast(shape, (8, 14), 14, 0.4)
    fringe(plate, (left + 8, left + wide - 8), top + 4, -42, tone(look.accent, 0.3))
    fringe(plate, (left + 8, left + wide - 8), top + high - 4, 42, tone(look.accent, 0.3))
    plate.fill(shape, slant((left, top, left + wide, top + high), look.main, 0.45))
    with plate.inside(shape):
        if look.style == "striped":
            for i, width in enumerate((30, 12, 54, 12, 30, 12, 86, 12, 30, 12, 54, 12, 30)):
                plate.fill(
                    rounded(left - 5, 140 + i * 57.0, wide + 10, width * 0.8, 1),
                    look.accent,
                    0.9 if i % 2 == 0 else 0.5,
                )
        elif look.style == "diamonds":
            for row in range(5):
                for column in range(3):
                    x, y = 324 + column * 176, 190 + row * 155
                    for size, paint, alpha in (
                        (70, look.accent, 0.95),
                        (48, look.main, 1.0),
                        (24, look.accent, 0.95),
                    ):
                        plate.fill(
                            svg(
                                f"M {x} {y - size} L {x + size} {y} L {x} {y + size} L {x - size} {y} Z"
                            ),
                            paint,
                            alpha,
                        )
        else:
            for inset, width in ((24, 10), (46, 30), (92, 6)):
                hole = rounded(
                    left + inset + width,
                    top + inset + width,
                    wide - 2 * (inset + width),
                    high - 2 * (inset + width),
                    4,
                )
                plate.fill(
                    rounded(left + inset, top + inset, wide - 2 * inset, high - 2 * inset, 5),
                    look.accent,
                    0.9,
                    hole,
                )
    plate.grain(shape, 0.2, (3, 1))
    plate.shade(shape, (-3, -4), 8, 0.35)


def scarf(plate: Plate, look: Look) -> None:
    """A scarf laid in a loop, two ends down, with fringes."""
    back = svg(
        "M 320 330 C 330 150 670 150 680 330 C 690 420 620 470 500 470 C 380 470 310 420 320 330 Z"
    )
    plate.cast(back, (8, 14), 16, 0.35)
    for tail, span, y in (
        (
            "M 440 400 C 420 560 400 700 380 836 C 430 850 500 850 540 836 C 556 700 570 560 580 420 Z",
            (384, 536),
            838,
        ),
        (
            "M 540 420 C 560 560 590 660 620 764 C 660 770 720 760 752 744 C 730 640 680 500 640 400 Z",
            (624, 750),
            758,
        ),
    ):
        shape = svg(tail)
        fringe(plate, (float(span[0]), float(span[1])), y - 6, 62, look.main)
        plate.cast(shape, (6, 10), 12, 0.3)
        plate.fill(shape, slant((380, 400, 752, 840), look.main))
        with plate.inside(shape):
            _pattern(plate, look)
            plate.line("M 500 400 C 484 560 470 700 462 850", tone(look.main, -0.5), 9, 0.25)
        plate.grain(shape, 0.16, (1, 2))
        plate.shade(shape, (-8, -10), 16, 0.4)
    plate.fill(back, slant((320, 180, 680, 470), tone(look.main, -0.04)))
    hole = svg(
        "M 396 300 C 410 220 590 220 604 300 C 600 340 560 356 500 356 C 440 356 400 340 396 300 Z"
    )
    with plate.inside(back):
        _pattern(plate, look)
        for bend in (
            "M 330 330 C 360 420 440 446 520 452",
            "M 350 280 C 370 390 440 420 540 420",
            "M 676 320 C 640 400 600 420 540 430",
        ):
            plate.line(bend, tone(look.main, -0.5), 9, 0.28)
    plate.grain(back, 0.16)
    plate.shade(back, (-8, -14), 20, 0.45)
    plate.fill(hole, (238, 233, 226))
    plate.shade(hole, (6, 12), 12, 0.35)


def _pattern(plate: Plate, look: Look) -> None:
    if look.style == "striped":
        for y in range(190, 860, 74):
            plate.fill(
                stroked(f"M 280 {y} C 440 {y + 30} 600 {y + 30} 780 {y}", 24), look.accent, 0.85
            )
    elif look.style == "checked":
        for i in range(10):
            plate.fill(stroked(f"M {270 + i * 58} 150 L {250 + i * 58} 880", 18), look.accent, 0.42)
            plate.fill(stroked(f"M 260 {190 + i * 70} L 790 {196 + i * 70}", 22), look.accent, 0.42)
    else:
        plate.fill(dashes("M 330 780 L 780 700", 8, 6, 3), look.accent, 0.4)
