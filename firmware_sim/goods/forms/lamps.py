"""Lamps: floor, table and pendant. A lamp that is on shows it."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import BRASS, LINEN, OAK, WALNUT, Colour, mix, tone
from firmware_sim.goods.ink.curves import ellipse, mirrored, svg
from firmware_sim.goods.ink.paint import Fade, across, metal
from firmware_sim.goods.ink.plate import Plate

GLOW: Colour = (255, 236, 190)


def _disc(plate: Plate, cx: float, y: float, rx: float, base: Colour) -> None:
    """Draw a flat round foot standing on y."""
    plate.ground(cx, y, rx * 1.05)
    ry = rx * 0.17
    rim = svg(
        f"M {cx - rx} {y - 12} V {y - 2} C {cx - rx} {y + ry} {cx + rx} {y + ry} {cx + rx} {y - 2} V {y - 12} Z"
    )
    plate.fill(rim, metal(cx - rx, cx + rx, tone(base, -0.12)))
    plate.fill(ellipse(cx, y - 12, rx, ry), metal(cx - rx, cx + rx, tone(base, 0.12)))


def _drum(
    plate: Plate, cx: float, top: float, size: tuple[float, float, float], base: Colour
) -> None:
    """Draw a fabric shade; size is half width above, half width below, height."""
    above, below, height = size
    bottom = top + height
    dip = below * 0.11
    plate.fill(ellipse(cx, top, above, above * 0.1), tone(base, -0.3))
    plate.fill(ellipse(cx, top + 2, above * 0.93, above * 0.075), mix(GLOW, base, 0.25))
    side = svg(
        f"M {cx - above} {top} C {cx - above} {top + dip} {cx + above} {top + dip} {cx + above} {top}"
        f" L {cx + below} {bottom} C {cx + below} {bottom + dip * 1.2} {cx - below} {bottom + dip * 1.2} {cx - below} {bottom} Z"
    )
    plate.fill(side, across(cx - below, cx + below, base, 0.75))
    plate.grain(side, 0.09, (1, 4))
    with plate.inside(side):
        plate.gleam(
            (cx - below * 0.05, bottom - height * 0.3), (below * 0.95, height * 0.75), 0.42, GLOW
        )
        hem = f"M {cx - below} {bottom - 7} C {cx - below} {bottom + dip * 1.2 - 7} {cx + below} {bottom + dip * 1.2 - 7} {cx + below} {bottom - 7}"
        plate.line(hem, tone(base, -0.35), 2.5, 0.5)


def _dome(plate: Plate, cx: float, top: float, size: tuple[float, float], base: Colour) -> None:
    """Draw a spun metal dome with light under it; size is half width, height."""
    half, height = size
    bottom = top + height
    ry = half * 0.15
    plate.fill(ellipse(cx, bottom, half, ry), tone(base, -0.5))
    plate.fill(
        ellipse(cx, bottom + 1, half * 0.95, ry * 0.86),
        Fade(
            (cx - half, 0),
            (cx + half, 0),
            ((0, mix(GLOW, base, 0.25)), (0.5, GLOW), (1, mix(GLOW, base, 0.4))),
        ),
    )
    shell = svg(
        f"M {cx - half} {bottom} C {cx - half} {top + height * 0.3} {cx - half * 0.55} {top} {cx} {top}"
        f" C {cx + half * 0.55} {top} {cx + half} {top + height * 0.3} {cx + half} {bottom}"
        f" C {cx + half * 0.9} {bottom + ry * 0.55} {cx - half * 0.9} {bottom + ry * 0.55} {cx - half} {bottom} Z"
    )
    plate.fill(shell, across(cx - half, cx + half, base))
    with plate.inside(shell):
        plate.gleam((cx - half * 0.42, top + height * 0.42), (half * 0.22, height * 0.4), 0.5)
        plate.shade(shell, (0, -10), 16, 0.25)


def floor_lamp(plate: Plate, look: Look) -> None:
    """Arc, drum, tripod or reading lamp."""
    if look.style == "arc":
        _disc(plate, 300, 886, 118, look.main)
        plate.tube(
            "M 300 878 V 420 C 300 190 410 96 540 96 C 650 96 712 170 716 250", look.main, 15
        )
        plate.fill(ellipse(716, 268, 15, 20), metal(701, 731, look.main))
        plate.gleam((716, 430), (250, 190), 0.5, GLOW)
        _dome(plate, 716, 276, (138, 122), look.main)
    elif look.style == "tripod":
        plate.ground(500, 884, 190, 0.7)
        for path in ("M 500 400 L 486 850", "M 494 396 L 332 888", "M 506 396 L 668 888"):
            plate.tube(path, look.accent, 15)
        plate.fill(ellipse(500, 398, 25, 16), metal(475, 525, BRASS))
        plate.tube("M 500 392 V 330", BRASS, 9)
        _drum(plate, 500, 112, (142, 178, 226), look.main)
    elif look.style == "reading":
        _disc(plate, 420, 886, 104, look.main)
        plate.tube("M 420 878 V 330", look.main, 13)
        plate.tube("M 330 372 L 600 210", look.main, 11)
        plate.fill(ellipse(420, 318, 17), metal(403, 437, look.accent))
        plate.gleam((668, 400), (190, 210), 0.5, GLOW)
        cone = svg("M 580 178 C 600 160 632 160 646 186 L 716 296 C 690 340 590 372 556 356 Z")
        plate.fill(svg("M 556 356 C 590 372 690 340 716 296 C 690 300 590 330 556 356 Z"), GLOW)
        plate.fill(
            cone,
            Fade(
                (560, 250),
                (700, 250),
                (
                    (0, tone(look.main, 0.1)),
                    (0.35, tone(look.main, 0.34)),
                    (1, tone(look.main, -0.36)),
                ),
            ),
        )
        plate.fill(svg("M 556 357 C 590 330 690 292 716 296 C 706 340 600 380 556 357 Z"), GLOW)
        plate.fill(ellipse(330, 373, 12), metal(318, 342, look.accent))
    else:
        _disc(plate, 500, 886, 116, look.accent)
        plate.tube("M 500 878 V 300", look.accent, 13)
        plate.line("M 552 336 V 446", tone(look.accent, -0.2), 2.5)
        plate.fill(ellipse(552, 450, 5), look.accent)
        _drum(plate, 500, 104, (150, 182, 238), look.main)


def table_lamp(plate: Plate, look: Look) -> None:
    """Mushroom, ceramic with a linen shade, or globe."""
    if look.style == "mushroom":
        plate.ground(500, 846, 176)
        stem = mirrored("M 500 500 L 556 500 C 548 620 566 730 660 806 C 680 834 660 858 500 860")
        plate.fill(stem, across(330, 670, look.main))
        plate.shade(stem, (0, -26), 30, 0.35)
        with plate.inside(stem):
            plate.gleam((500, 500), (110, 110), 0.7, GLOW)
        _dome(plate, 500, 206, (286, 302), look.main)
    elif look.style == "globe":
        _disc(plate, 500, 852, 134, look.accent)
        plate.tube("M 500 842 V 640", look.accent, 26)
        plate.gleam((500, 430), (420, 400), 0.55, GLOW)
        globe = ellipse(500, 430, 214)
        plate.fill(globe, mix(look.main, (255, 250, 238), 0.45))
        plate.shade(globe, (-22, -30), 46, 0.3, tone(look.main, -0.55))
        plate.gleam((470, 400), (170, 170), 0.75, (255, 248, 226))
        plate.gleam((412, 330), (48, 38), 0.9, (255, 255, 255))
        plate.fill(
            svg("M 440 632 C 460 650 540 650 560 632 L 552 662 C 530 674 470 674 448 662 Z"),
            metal(440, 560, look.accent),
        )
    else:
        plate.ground(500, 856, 130)
        base = mirrored(
            "M 500 520 L 532 520 C 534 560 540 576 592 612 C 664 664 672 756 606 838 C 592 862 560 864 500 864"
        )
        plate.fill(base, across(340, 660, look.main))
        with plate.inside(base):
            if look.style == "ribbed":
                for i, x in enumerate((380, 420, 462, 505, 548, 588, 622)):
                    bend = (x - 500) * 0.7
                    plate.line(
                        f"M {500 + bend * 0.3} 520 C {x} 640 {x + bend * 0.2} 740 {500 + bend} 868",
                        tone(look.main, -0.3 - 0.02 * i),
                        7,
                        0.5,
                    )
            plate.gleam((436, 700), (44, 90), 0.6)
        plate.shade(base, (-12, -22), 26, 0.3)
        plate.tube("M 500 520 V 440", BRASS, 12)
        _drum(plate, 500, 150, (150, 252, 314), look.accent)


def pendant(plate: Plate, look: Look) -> None:
    """A lamp from the ceiling: dome, cone, paper lantern or a row of rings."""
    plate.tube("M 500 -20 V 300", (60, 56, 54), 6)
    if look.style == "lantern":
        globe = ellipse(500, 520, 300, 268)
        plate.gleam((500, 520), (480, 440), 0.6, GLOW)
        plate.fill(globe, mix(look.main, LINEN, 0.1))
        with plate.inside(globe):
            plate.gleam((490, 540), (280, 260), 0.8, (255, 246, 220))
            for i in range(1, 16):
                y = 252 + i * 33.5
                plate.line(
                    f"M 190 {y} C 320 {y + (i - 8) * 5 + 6} 680 {y + (i - 8) * 5 + 6} 810 {y}",
                    tone(look.main, -0.32),
                    2.6,
                    0.55,
                )
        plate.shade(globe, (-16, -30), 46, 0.26, tone(look.main, -0.6))
        plate.fill(ellipse(500, 256, 56, 12), tone(OAK, -0.3))
        plate.fill(ellipse(500, 785, 52, 10), tone(OAK, -0.4))
    elif look.style == "cone":
        plate.gleam((500, 800), (400, 190), 0.5, GLOW)
        plate.fill(svg("M 476 262 H 524 V 330 H 476 Z"), metal(476, 524, look.accent))
        plate.fill(ellipse(500, 690, 306, 44), tone(look.main, -0.5))
        plate.fill(ellipse(500, 691, 290, 37), GLOW)
        cone = svg("M 466 320 C 470 306 530 306 534 320 L 806 690 C 740 722 260 722 194 690 Z")
        plate.fill(cone, across(194, 806, look.main))
        with plate.inside(cone):
            plate.fill(svg("M 470 318 L 486 318 L 400 720 L 330 720 Z"), tone(look.main, 0.5), 0.3)
            plate.shade(cone, (0, -8), 12, 0.3)
    elif look.style == "slats":
        plate.gleam((500, 560), (420, 330), 0.7, GLOW)
        plate.fill(ellipse(500, 540, 120, 150), (255, 244, 214))
        for i, half in enumerate((120, 196, 250, 284, 300, 292, 258, 200)):
            y = 330 + i * 54
            slat = svg(
                f"M {500 - half} {y} C {500 - half} {y + 40} {500 + half} {y + 40} {500 + half} {y} L {500 + half * 0.98} {y + 26} C {500 + half * 0.98} {y + 66} {500 - half * 0.98} {y + 66} {500 - half * 0.98} {y + 26} Z"
            )
            plate.cast(slat, (0, 6), 6, 0.25)
            plate.fill(slat, across(500 - half, 500 + half, look.main, 0.8))
            plate.grain(slat, 0.12, (10, 1))
        plate.fill(ellipse(500, 318, 40, 14), tone(WALNUT, -0.2))
    else:
        plate.gleam((500, 800), (420, 190), 0.5, GLOW)
        plate.fill(svg("M 470 262 H 530 L 536 340 H 464 Z"), metal(464, 536, look.accent))
        _dome(plate, 500, 326, (316, 330), look.main)
