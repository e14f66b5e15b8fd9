"""Glasses, carafes and candles: what light goes through."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.tableware import mouth
from firmware_sim.goods.ink.colour import LIGHT, tone
from firmware_sim.goods.ink.curves import ellipse, svg
from firmware_sim.goods.ink.paint import Fade, across, metal
from firmware_sim.goods.ink.plate import Plate


def glass(plate: Plate, look: Look) -> None:
    """A tumbler or a carafe of tinted glass."""
    tint = look.main
    carafe = look.style == "carafe"
    plate.ground(500, 816, 150, 0.6)
    body = (
        svg(
            "M 430 190 C 440 330 420 400 360 500 C 310 600 320 760 360 806 C 400 826 600 826 640 806 C 680 760 690 600 640 500 C 580 400 560 330 570 190 Z"
        )
        if carafe
        else svg("M 340 300 L 370 790 C 400 822 600 822 630 790 L 660 300 Z")
    )
    top, rx = (190, 70) if carafe else (300, 160)
    ends = (320, 680)
    plate.fill(ellipse(500, top, rx, rx * 0.17), tone(tint, 0.4), 0.5)
    stops = (
        (0, tone(tint, -0.3)),
        (0.12, tone(tint, 0.4)),
        (0.5, tone(tint, 0.62)),
        (0.86, tone(tint, 0.2)),
        (1, tone(tint, -0.36)),
    )
    plate.fill(body, Fade((ends[0], 0), (ends[1], 0), stops), 0.72)
    with plate.inside(body):
        level = 520 if carafe else 480
        half = 166 if carafe else 150
        plate.fill(svg(f"M 300 {level} H 700 V 840 H 300 Z"), tone(tint, -0.05), 0.3)
        plate.fill(ellipse(500, level, half, 22), tone(tint, 0.5), 0.7)
        plate.shade(body, (0, -6), 14, 0.5, tone(tint, -0.5))
        if look.style == "ribbed":
            for i in range(9):
                x = 356 + i * 36
                plate.line(f"M {x} 340 L {500 + (x - 500) * 0.84} 800", LIGHT, 5, 0.5)
        plate.gleam((410, 600), (26, 170), 0.85)
        plate.gleam((600, 640), (14, 150), 0.5)
    plate.fill(
        ellipse(500, top, rx, rx * 0.17),
        tone(tint, 0.5),
        0.9,
        ellipse(500, top, rx - 5, rx * 0.17 - 4),
    )


def candle(plate: Plate, look: Look) -> None:
    """A scented candle in a jar, or a taper in a holder."""
    flame = svg("M 500 0 C 530 50 534 84 500 104 C 466 84 470 50 500 0 Z")
    if look.style == "holder":
        plate.ground(500, 846, 150)
        plate.gleam((500, 140), (240, 240), 0.6, (255, 226, 160))
        stick = svg("M 478 200 C 490 192 510 192 522 200 L 526 660 H 474 Z")
        plate.fill(stick, across(474, 526, look.accent))
        holder = svg(
            "M 452 640 H 548 L 536 780 C 600 796 650 810 656 836 C 600 862 400 862 344 836 C 350 810 400 796 464 780 Z"
        )
        plate.fill(holder, metal(344, 656, look.main))
        plate.shade(holder, (-4, -8), 14, 0.3)
        top = 92.0
    else:
        plate.ground(500, 800, 190)
        plate.gleam((500, 330), (330, 300), 0.6, (255, 226, 160))
        jar = svg("M 310 420 V 776 C 340 822 660 822 690 776 V 420 Z")
        plate.fill(jar, across(310, 690, look.main))
        plate.shade(jar, (0, -10), 20, 0.25)
        with plate.inside(jar):
            plate.gleam((380, 600), (30, 150), 0.6)
            label = svg("M 400 560 H 600 V 690 H 400 Z")
            plate.fill(label, tone((244, 238, 226), 0))
            plate.line("M 450 600 H 550 M 432 630 H 568 M 466 656 H 534", (110, 98, 88), 5, 0.8)
        mouth(plate, (500, 420), (190, 36), look.main)
        plate.fill(ellipse(500, 432, 168, 24), (250, 240, 216))
        plate.gleam((500, 432), (120, 22), 0.9, (255, 230, 160))
        top = 318.0
    plate.line(f"M 500 {top + 118} V {top + 84}", (60, 50, 44), 5)
    lit = tuple(tuple((x, y + top) for x, y in ring) for ring in flame)
    plate.fill(
        lit,
        Fade(
            (0, top),
            (0, top + 104),
            ((0, (255, 214, 120)), (0.6, (255, 244, 200)), (1, (240, 160, 80))),
        ),
    )
