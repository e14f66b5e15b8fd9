"""Clocks and mirrors."""

# ruff: noqa: E501, PLR2004 - path data stays on one line; its numbers are the drawing

import math

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import INK, Colour, luma, tone
from firmware_sim.goods.ink.curves import Shape, ellipse, rounded, stroked, svg, tapered
from firmware_sim.goods.ink.paint import Fade, across, metal, slant
from firmware_sim.goods.ink.plate import Plate


def _hand(
    plate: Plate, centre: tuple[float, float], degrees: float, length: float, colour: Colour
) -> None:
    x, y = centre
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    shape = tapered(
        (
            (x - sine * length * 0.18, y + cosine * length * 0.18),
            (x + sine * length, y - cosine * length),
        ),
        15 if length < 190 else 11,
        7,
    )
    plate.cast(shape, (4, 8), 5, 0.3)
    plate.fill(shape, colour)


def _dial(plate: Plate, centre: tuple[float, float], radius: float, look: Look) -> None:
    """Draw marks and hands at ten past ten, as in every shop window."""
    ink = INK if luma(look.main) > 0.5 else (240, 234, 222)
    for i in range(60):
        angle = math.radians(i * 6)
        big = i % 5 == 0
        inner, outer = radius * (0.82 if big else 0.9), radius * 0.94
        a = (centre[0] + math.sin(angle) * inner, centre[1] - math.cos(angle) * inner)
        b = (centre[0] + math.sin(angle) * outer, centre[1] - math.cos(angle) * outer)
        plate.fill(tapered((a, b), 8 if big else 3, 8 if big else 3), ink, 1 if big else 0.6)
    _hand(plate, centre, 305, radius * 0.5, ink)
    _hand(plate, centre, 60, radius * 0.74, ink)
    _hand(plate, centre, 205, radius * 0.8, look.accent)
    plate.fill(ellipse(*centre, 13), look.accent)


def clock(plate: Plate, look: Look) -> None:
    """Wall clock, station clock, or an alarm clock on two feet."""
    if look.style == "alarm":
        plate.ground(500, 828, 200)
        for side in (-1, 1):
            plate.tube(f"M {500 + side * 150} 740 L {500 + side * 190} 822", look.accent, 24)
            plate.tube(f"M {500 + side * 120} 300 L {500 + side * 142} 262", look.accent, 16)
            bell = svg(
                f"M {500 + side * 70} 262 C {500 + side * 90} 190 {500 + side * 210} 210 {500 + side * 216} 320 Z"
            )
            plate.fill(bell, metal(300, 700, look.accent))
        plate.tube("M 430 210 C 440 150 560 150 570 210", look.accent, 13)
        centre, rim = (500.0, 530.0), 262.0
    else:
        centre, rim = (500.0, 490.0), 346.0
        plate.cast(ellipse(*centre, rim), (16, 34), 28, 0.4)
    plate.fill(
        ellipse(*centre, rim),
        slant(
            (centre[0] - rim, centre[1] - rim, centre[0] + rim, centre[1] + rim),
            look.accent if look.style == "station" else tone(look.main, -0.05),
            1.5,
        ),
    )
    plate.shade(ellipse(*centre, rim), (-3, -4), 6, 0.4)
    face = look.main if look.style != "station" else (246, 242, 232)
    inner = ellipse(*centre, rim * 0.89)
    plate.fill(
        inner,
        slant(
            (centre[0] - rim, centre[1] - rim, centre[0] + rim, centre[1] + rim),
            tone(face, 0.08),
            0.5,
        ),
    )
    plate.shade(inner, (8, 14), 14, 0.4)
    _dial(
        plate,
        centre,
        rim * 0.86,
        Look(face, (176, 72, 52) if look.style == "station" else look.accent, look.style),
    )
    with plate.inside(inner):
        plate.fill(svg("M 150 150 L 520 100 L 300 800 L 60 800 Z"), (255, 255, 255), 0.1)


def mirror(plate: Plate, look: Look) -> None:
    """Round, arched, or a tall one that leans on the wall."""
    frame, glass = _frame(look.style)
    if look.style == "leaning":
        plate.ground(500, 930, 220, 0.8)
    plate.cast(frame, (16, 26), 24, 0.4)
    plate.fill(
        frame,
        metal(200, 800, look.main) if look.style != "leaning" else across(280, 720, look.main, 0.6),
    )
    plate.shade(frame, (-3, -4), 5, 0.4)
    plate.fill(
        glass,
        Fade(
            (260, 100),
            (740, 900),
            (
                (0, (206, 216, 218)),
                (0.34, (238, 242, 241)),
                (0.52, (212, 221, 223)),
                (1, (178, 190, 195)),
            ),
        ),
    )
    with plate.inside(glass):
        plate.fill(svg("M 620 0 L 700 0 L 300 1000 L 120 1000 Z"), (255, 255, 255), 0.34)
        plate.fill(svg("M 760 0 L 784 0 L 384 1000 L 350 1000 Z"), (255, 255, 255), 0.26)
    plate.shade(glass, (6, 12), 12, 0.34)
    if look.style == "round":
        plate.fill(stroked("M 360 196 C 400 130 600 130 640 196", 13), look.accent)
        plate.fill(ellipse(500, 136, 18), metal(482, 518, look.main))


def _frame(style: str) -> tuple[Shape, Shape]:
    if style == "round":
        return ellipse(500, 510, 340), ellipse(500, 510, 316)
    if style == "arch":
        outer = svg(
            "M 250 880 V 400 C 250 60 750 60 750 400 V 880 C 750 890 744 896 734 896 H 266 C 256 896 250 890 250 880 Z"
        )
        inner = svg("M 268 878 V 400 C 268 84 732 84 732 400 V 878 Z")
        return outer, inner
    return rounded(310, 70, 380, 860, 16), rounded(336, 96, 328, 808, 6)
