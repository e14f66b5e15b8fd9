"""Mugs, bowls, plates, teapots and jugs, and the glaze they share."""

# ruff: noqa: E501, PLR2004 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import Colour, luma, tone
from firmware_sim.goods.ink.curves import Shape, ellipse, stroked, svg
from firmware_sim.goods.ink.paint import Fade, across
from firmware_sim.goods.ink.plate import Plate


def speckle(plate: Plate, shape: Shape, base: Colour) -> None:
    """Scatter the iron dots of stoneware, the same ones each time."""
    dark = tone(base, -0.55 if luma(base) > 0.35 else 0.4)
    with plate.inside(shape):
        spots = []
        for i in range(150):
            x, y = 120 + (i * 0.618034 % 1) * 760, 140 + (i * 0.754878 % 1) * 760
            spots.append(ellipse(x, y, 1.4 + i * 7 % 5 * 0.6)[0])
        plate.fill(tuple(spots), dark, 0.4)


def glaze(plate: Plate, shape: Shape, ends: tuple[float, float], look: Look) -> None:
    """Give a pot its glaze: round light, a highlight, dots or a dipped foot by style."""
    left, right = ends
    plate.fill(shape, across(left, right, look.main))
    plate.shade(shape, (-8, -18), 26, 0.3)
    if look.style in {"speckled", "round", "noodle"}:
        speckle(plate, shape, look.main)


def mouth(
    plate: Plate, centre: tuple[float, float], size: tuple[float, float], base: Colour
) -> None:
    """Draw a round opening: lip, inside, shade under the near rim."""
    (x, y), (rx, ry) = centre, size
    plate.fill(ellipse(x, y, rx, ry), tone(base, 0.3))
    inner = ellipse(x, y + 1.5, rx - 9, ry - 6)
    plate.fill(
        inner,
        Fade(
            (x - rx, y),
            (x + rx, y),
            ((0, tone(base, -0.42)), (0.55, tone(base, -0.12)), (1, tone(base, 0.16))),
        ),
    )
    plate.shade(inner, (0, 12), 10, 0.4)


def mug(plate: Plate, look: Look) -> None:
    """Straight, round, tall, or two-tone with a bare foot."""
    plate.ground(470, 800, 216)
    wide, top, foot = {
        "round": (226, 330, 170),
        "tall": (180, 220, 168),
        "espresso": (188, 420, 130),
    }.get(look.style, (214, 300, 206))
    left, right = 470 - wide, 470 + wide
    mid = (top + 800) / 2
    out = 56 if look.style == "round" else 0
    ear = f"M {right - 10} {top + 90} C {right + 150} {top + 40} {right + 160} {mid + 150} {right - 30 + out / 2} {mid + 120}"
    plate.fill(stroked(ear, 46), tone(look.main, -0.3))
    plate.fill(stroked(ear, 32), tone(look.main, -0.04))
    plate.fill(
        stroked(
            f"M {right + 10} {top + 76} C {right + 130} {top + 40} {right + 138} {mid + 70} {right + 80} {mid + 100}",
            8,
        ),
        tone(look.main, 0.4),
        0.7,
    )
    body = svg(
        f"M {left} {top} C {left - out} {mid} {470 - foot - out} 740 {470 - foot} 792"
        f" C {470 - foot + 20} 818 {470 + foot - 20} 818 {470 + foot} 792"
        f" C {470 + foot + out} 740 {right + out} {mid} {right} {top} Z"
    )
    glaze(plate, body, (left - out, right + out), look)
    with plate.inside(body):
        if look.style == "dipped":
            plate.fill(
                svg(
                    f"M 200 {mid + 70} C 300 {mid + 110} 640 {mid + 110} 740 {mid + 70} V 840 H 200 Z"
                ),
                across(left, right, look.accent),
            )
            plate.grain(svg(f"M 200 {mid + 90} H 740 V 840 H 200 Z"), 0.1)
        plate.gleam((left + 74, mid), (34, (800 - top) * 0.4), 0.55)
    mouth(plate, (470, top), (wide, wide * 0.17), look.main)


def bowl(plate: Plate, look: Look) -> None:
    """Cereal, salad, noodle or wooden bowl."""
    plate.ground(500, 764, 190)
    rx, top, foot = {"salad": (376, 430, 764), "wood": (360, 450, 764)}.get(
        look.style, (316, 430, 764)
    )
    deep = svg(
        f"M {500 - rx} {top} C {500 - rx} {top + 190} {500 - rx * 0.62} {foot - 10} {500 - rx * 0.42} {foot - 22} C 440 {foot + 12} 560 {foot + 12} {500 + rx * 0.42} {foot - 22} C {500 + rx * 0.62} {foot - 10} {500 + rx} {top + 190} {500 + rx} {top} Z"
    )
    glaze(plate, deep, (500 - rx, 500 + rx), look)
    with plate.inside(deep):
        if look.style == "wood":
            plate.grain(deep, 0.3, (16, 1))
        elif look.style == "band":
            plate.fill(
                stroked(
                    f"M {480 - rx} {top + 60} C {500 - rx * 0.5} {top + 160} {500 + rx * 0.5} {top + 160} {520 + rx} {top + 60}",
                    16,
                ),
                look.accent,
                0.85,
            )
        plate.gleam((500 - rx * 0.55, top + 120), (50, 110), 0.5)
    mouth(plate, (500, top), (rx, rx * 0.24), look.main)


def dish(plate: Plate, look: Look) -> None:
    """A dinner plate, a serving platter or a plate with a coloured rim, from above."""
    rx, ry = (430, 300) if look.style == "platter" else (376, 376)
    whole = ellipse(500, 500, rx, ry)
    plate.cast(whole, (14, 24), 22, 0.4)
    plate.fill(
        whole,
        Fade(
            (200, 180),
            (800, 820),
            ((0, tone(look.main, 0.3)), (0.5, look.main), (1, tone(look.main, -0.2))),
        ),
    )
    plate.shade(whole, (-6, -8), 8, 0.34)
    if look.style == "rim":
        plate.fill(
            ellipse(500, 500, rx - 6, ry - 6), look.accent, 0.9, ellipse(500, 500, rx - 22, ry - 22)
        )
    well = ellipse(500, 500, rx * 0.69, ry * 0.69)
    plate.fill(
        well,
        Fade(
            (240, 220),
            (760, 780),
            ((0, tone(look.main, -0.14)), (0.5, tone(look.main, 0.1)), (1, tone(look.main, 0.26))),
        ),
    )
    plate.shade(well, (10, 12), 14, 0.26)
    speckle(plate, whole, look.main)
    plate.gleam((360, 300), (130, 70), 0.4)


def teapot(plate: Plate, look: Look) -> None:
    """A round teapot, with an ear or a bow of cane over the top."""
    plate.ground(500, 790, 220)
    spout = svg("M 690 640 C 790 620 800 520 850 470 L 902 486 C 870 580 850 700 690 726 Z")
    plate.fill(
        spout,
        Fade((720, 560), (860, 640), ((0, tone(look.main, 0.2)), (1, tone(look.main, -0.35)))),
    )
    plate.fill(ellipse(876, 478, 27, 10), tone(look.main, -0.5))
    if look.style == "cane":
        plate.tube("M 320 470 C 300 150 700 150 680 470", look.accent, 24)
        for x in (320, 680):
            plate.fill(ellipse(x, 474, 22, 26), tone(look.main, -0.2))
    else:
        ear = "M 300 480 C 140 440 130 690 296 690"
        plate.fill(stroked(ear, 44), tone(look.main, -0.28))
        plate.fill(stroked(ear, 30), look.main)
        plate.fill(stroked("M 270 478 C 170 470 150 580 190 640", 7), tone(look.main, 0.45), 0.6)
    pot = svg(
        "M 420 400 H 580 C 720 420 760 540 744 630 C 730 720 660 780 620 790 C 590 806 410 806 380 790 C 340 780 270 720 256 630 C 240 540 280 420 420 400 Z"
    )
    glaze(plate, pot, (250, 750), look)
    plate.gleam((380, 540), (56, 100), 0.6)
    lid = svg("M 388 412 C 400 352 600 352 612 412 C 580 434 420 434 388 412 Z")
    plate.cast(lid, (0, 8), 6, 0.35)
    plate.fill(lid, across(388, 612, tone(look.main, 0.06)))
    plate.fill(ellipse(500, 346, 30, 26), across(470, 530, look.accent))
    plate.gleam((490, 336), (12, 10), 0.7)


def jug(plate: Plate, look: Look) -> None:
    """A jug for milk, water or flowers."""
    plate.ground(480, 846, 170)
    ear = "M 628 330 C 800 290 800 600 660 620"
    plate.fill(stroked(ear, 44), tone(look.main, -0.3))
    plate.fill(stroked(ear, 30), tone(look.main, -0.05))
    body = svg(
        "M 350 252 C 372 340 366 420 330 520 C 290 640 300 780 350 840 C 380 862 590 862 620 840 C 670 780 680 640 640 520 C 606 420 600 340 628 250 C 560 226 470 250 300 206 C 310 230 330 244 350 252 Z"
    )
    glaze(plate, body, (290, 672), look)
    with plate.inside(body):
        if look.style == "stripe":
            for y in (560, 610, 660):
                plate.line(f"M 280 {y} C 400 {y + 34} 560 {y + 34} 690 {y}", look.accent, 15, 0.9)
        plate.gleam((382, 640), (40, 130), 0.55)
    lip = svg(
        "M 300 206 C 400 196 600 210 628 250 C 590 282 420 286 350 252 C 330 244 310 230 300 206 Z"
    )
    plate.fill(
        lip,
        Fade(
            (300, 220),
            (628, 250),
            ((0, tone(look.main, -0.1)), (0.4, tone(look.main, -0.45)), (1, tone(look.main, 0.05))),
        ),
    )
    plate.line("M 300 206 C 400 196 600 210 628 250", tone(look.main, 0.4), 7)
