"""Vases, planters and baskets."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

import math

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.tableware import speckle
from firmware_sim.goods.ink.colour import LEAF, Colour, tone
from firmware_sim.goods.ink.curves import Point, Shape, ellipse, mirrored, stroked, svg, turned
from firmware_sim.goods.ink.paint import Fade, across
from firmware_sim.goods.ink.plate import Plate

BODIES = {
    "bottle": "M 500 400 L 548 400 C 540 480 540 520 600 570 C 690 650 680 800 600 858 C 580 870 540 872 500 872",
    "bulb": "M 500 440 L 570 440 C 566 470 580 486 640 520 C 760 600 740 780 610 856 C 590 870 540 872 500 872",
    "cylinder": "M 500 410 L 622 410 C 640 560 632 760 616 852 C 600 872 540 874 500 874",
    "ribbed": "M 500 410 L 560 410 C 552 450 580 480 640 560 C 690 640 660 790 596 860 C 580 870 540 872 500 872",
    "amphora": "M 500 380 L 566 380 C 552 430 556 450 622 490 C 690 540 690 640 640 720 C 600 790 580 830 580 862 C 560 872 540 872 500 872",
}
MOUTHS = {
    "bottle": (400, 48),
    "bulb": (440, 70),
    "cylinder": (410, 122),
    "ribbed": (410, 60),
    "amphora": (380, 66),
}


def _leaf(plate: Plate, base: Point, length: float, degrees: float, colour: Colour) -> None:
    """Draw one leaf growing from ``base``; 0 degrees is upright."""
    x, y = base
    shape = turned(
        svg(
            f"M {x} {y} C {x - length * 0.3} {y - length * 0.35} {x - length * 0.2} {y - length * 0.8} {x} {y - length} C {x + length * 0.2} {y - length * 0.8} {x + length * 0.3} {y - length * 0.35} {x} {y} Z"
        ),
        degrees,
        base,
    )
    plate.fill(
        shape,
        Fade(
            (x - length / 2, y - length),
            (x + length / 2, y),
            ((0, tone(colour, 0.24)), (1, tone(colour, -0.24))),
        ),
    )
    vein = turned(stroked(f"M {x} {y} L {x} {y - length * 0.86}", 2.2), degrees, base)
    plate.fill(vein, tone(colour, 0.4), 0.5)


def _branch(plate: Plate, foot: Point, tip: Point, colour: Colour) -> None:
    """Draw a stem of eucalyptus from foot to tip."""
    (x0, y0), (x1, y1) = foot, tip
    bend = (x0 + (x1 - x0) * 0.1, (y0 + y1) / 2)
    plate.line(f"M {x0} {y0} Q {bend[0]} {bend[1]} {x1} {y1}", tone(colour, -0.3), 5)
    for i in range(3, 11):
        t = i / 10
        x = (1 - t) ** 2 * x0 + 2 * t * (1 - t) * bend[0] + t * t * x1
        y = (1 - t) ** 2 * y0 + 2 * t * (1 - t) * bend[1] + t * t * y1
        lean = math.degrees(math.atan2(x1 - x0, y0 - y1))
        size = 66 - i * 2.4
        _leaf(
            plate,
            (x, y),
            size,
            lean + (64 if i % 2 else -64) * (1.1 - t * 0.5),
            tone(colour, 0.06 * (i % 3)),
        )
    _leaf(plate, (x1, y1), 40, math.degrees(math.atan2(x1 - x0, y0 - y1)), colour)


def vase(plate: Plate, look: Look) -> None:
    """Bottle, bulb, cylinder, ribbed or amphora, most with a branch in it."""
    plate.ground(500, 866, 140)
    top, rx = MOUTHS[look.style]
    plate.fill(ellipse(500, top, rx, rx * 0.2), tone(look.main, -0.5))
    if look.style != "amphora":
        _branch(plate, (492, top + 6), (392, 96), LEAF)
        _branch(plate, (506, top + 6), (610, 170), tone(LEAF, -0.14))
    body = mirrored(BODIES[look.style])
    plate.fill(body, across(500 - 190, 500 + 190, look.main))
    with plate.inside(body):
        if look.style == "ribbed":
            for i in range(-5, 6):
                x = 500 + i * 30
                plate.line(
                    f"M {500 + i * 10} 400 C {500 + i * 12} 480 {x + i * 5} 560 {x} 680 C {x} 760 {500 + i * 20} 840 {500 + i * 18} 880",
                    tone(look.main, -0.4),
                    8,
                    0.3,
                )
                plate.line(
                    f"M {492 + i * 10} 400 C {490 + i * 12} 480 {x + i * 5 - 12} 560 {x - 12} 680 C {x - 12} 760 {490 + i * 20} 840 {490 + i * 18} 880",
                    tone(look.main, 0.6),
                    5,
                    0.25,
                )
        elif look.style == "cylinder":
            plate.fill(
                svg("M 340 410 H 660 V 560 C 600 600 400 520 340 580 Z"),
                across(375, 625, look.accent),
            )
    if look.style in {"bulb", "amphora"}:
        speckle(plate, body, look.main)
    plate.shade(body, (-10, -20), 26, 0.32)
    with plate.inside(body):
        plate.gleam((430, 660), (40, 130), 0.55)
    rim = ellipse(500, top, rx, rx * 0.2)
    plate.fill(rim, tone(look.main, 0.36), 1, ellipse(500, top + 1, rx - 6, max(rx * 0.2 - 4, 3)))
    if look.style == "amphora":
        for side in (-1, 1):
            ear = f"M {500 + side * 60} 412 C {500 + side * 170} 380 {500 + side * 190} 500 {500 + side * 150} 540"
            plate.fill(stroked(ear, 28), tone(look.main, -0.32))
            plate.fill(stroked(ear, 18), tone(look.main, 0.02 if side < 0 else -0.12))


def planter(plate: Plate, look: Look) -> None:
    """A pot with a plant: rubber fig, snake plant or on a stand."""
    stand = look.style == "stand"
    plate.ground(500, 890 if stand else 866, 160)
    top = 590
    if look.style == "snake":
        for dx, high, bend in (
            (-60, 330, -14),
            (-20, 450, -4),
            (24, 400, 6),
            (64, 300, 16),
            (0, 280, 2),
        ):
            x = 500 + dx
            blade = svg(
                f"M {x - 26} 620 C {x - 40 + bend} {620 - high * 0.5} {x - 16 + bend * 2} {620 - high * 0.8} {x + bend * 3} {620 - high} C {x + 20 + bend * 2} {620 - high * 0.8} {x + 44 + bend} {620 - high * 0.5} {x + 26} 620 Z"
            )
            plate.fill(
                blade,
                Fade(
                    (x - 30, 0),
                    (x + 34, 0),
                    (
                        (0, (196, 194, 120)),
                        (0.16, (96, 128, 92)),
                        (0.5, (74, 108, 82)),
                        (0.86, (62, 92, 72)),
                        (1, (182, 180, 108)),
                    ),
                ),
            )
    else:
        plate.tube("M 500 620 C 496 480 506 360 500 230", (110, 92, 66), 10)
        for i, (y, angle, size) in enumerate(
            (
                (560, -70, 150),
                (540, 66, 150),
                (470, -54, 170),
                (450, 56, 164),
                (380, -44, 160),
                (350, 46, 156),
                (290, -28, 150),
                (270, 30, 140),
                (240, 0, 140),
            )
        ):
            _leaf(plate, (500, y), size, angle, tone((70, 104, 80), 0.05 * (i % 3)))
    if stand:
        for path in ("M 380 690 L 356 892", "M 620 690 L 644 892"):
            plate.tube(path, look.accent, 16)
    plate.fill(ellipse(500, top, 150, 26), (70, 54, 44))
    pot = (
        svg("M 350 590 L 372 820 C 380 872 620 872 628 820 L 650 590 C 620 626 380 626 350 590 Z")
        if not stand
        else svg(
            "M 350 590 L 366 760 C 380 812 620 812 634 760 L 650 590 C 620 626 380 626 350 590 Z"
        )
    )
    plate.fill(pot, across(350, 650, look.main))
    plate.shade(pot, (-6, -14), 20, 0.3)
    plate.grain(pot, 0.07)
    plate.line("M 351 592 C 380 626 620 626 649 592", tone(look.main, 0.4), 8, 0.9)
    if stand:
        plate.tube("M 368 726 C 420 752 580 752 632 726", look.accent, 14)


def basket(plate: Plate, look: Look) -> None:
    """A woven basket: with ears, low for bread, or tall for laundry."""
    top, rx, foot, fx = {"low": (520, 340, 800, 270), "tall": (300, 230, 860, 196)}.get(
        look.style, (420, 276, 836, 220)
    )
    plate.ground(500, foot - 4, fx)
    body = svg(
        f"M {500 - rx} {top} L {500 - fx} {foot - 20} C {500 - fx + 30} {foot + 16} {500 + fx - 30} {foot + 16} {500 + fx} {foot - 20} L {500 + rx} {top} Z"
    )
    if look.style == "ears":
        for side in (-1, 1):
            x = 500 + side * rx
            plate.tube(
                f"M {x - side * 20} {top + 10} C {x + side * 10} {top - 110} {x - side * 120} {top - 110} {x - side * 110} {top - 30}",
                look.accent,
                22,
            )
    plate.fill(ellipse(500, top, rx, rx * 0.16), tone(look.main, -0.5))
    plate.shade(ellipse(500, top, rx, rx * 0.16), (0, 14), 10, 0.5)
    plate.fill(body, across(500 - rx, 500 + rx, look.main))
    with plate.inside(body):
        _weave(plate, look.main, (top, foot), (rx, fx))
        if look.style == "tall":
            plate.fill(
                svg("M 200 300 H 800 V 400 C 700 440 300 440 200 400 Z"),
                across(500 - rx, 500 + rx, look.accent),
                0.9,
            )
    plate.shade(body, (-10, -16), 30, 0.4)
    hem = f"M {500 - rx} {top} C {500 - rx + 40} {top + rx * 0.22} {500 + rx - 40} {top + rx * 0.22} {500 + rx} {top}"
    plate.tube(hem, tone(look.main, 0.08), 24)
    plate.fill(
        stroked(
            f"M {500 - rx} {top} C {500 - rx + 40} {top - rx * 0.22} {500 + rx - 40} {top - rx * 0.22} {500 + rx} {top}",
            12,
        ),
        tone(look.main, -0.16),
    )


def _weave(
    plate: Plate, base: Colour, ends: tuple[float, float], halves: tuple[float, float]
) -> None:
    """Draw the strands: rows of short arcs, every second row set off by half."""
    top, foot = ends
    strands: list[Shape] = []
    rows = int((foot - top) / 27)
    for row in range(rows + 1):
        y = top + 16 + row * 27
        half = halves[0] + (halves[1] - halves[0]) * row / rows
        for i in range(-9, 10):
            x = 500 + (i + 0.5 * (row % 2)) * half / 8.4
            sag = 22 * (1 - ((x - 500) / half) ** 2)
            strands.append(ellipse(x, y + sag, half / 17, 11))
    joined = tuple(ring for shape in strands for ring in shape)
    plate.fill(
        tuple(tuple((x + 2, y + 4) for x, y in ring) for ring in joined), tone(base, -0.5), 0.55
    )
    plate.fill(joined, tone(base, 0.18), 0.55)
