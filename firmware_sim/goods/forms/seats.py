"""Chairs, armchairs, sofas and stools, seen from the front and a little from above."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import OAK, Colour, tone
from firmware_sim.goods.ink.curves import (
    Shape,
    dashes,
    ellipse,
    mirrored,
    rounded,
    stroked,
    svg,
    tapered,
)
from firmware_sim.goods.ink.paint import Fade, across, down, slant
from firmware_sim.goods.ink.plate import Plate


def leg(plate: Plate, top: tuple[float, float], foot: tuple[float, float], base: Colour) -> None:
    """Draw one turned, tapered leg."""
    shape = tapered((top, foot), 30, 17)
    left = min(top[0], foot[0]) - 14
    plate.fill(shape, across(left, max(top[0], foot[0]) + 14, base, 0.9))
    plate.grain(shape, 0.1, (1, 12))


def soft(plate: Plate, shape: Shape, box: tuple[float, float, float, float], base: Colour) -> None:
    """Draw an upholstered part: light from above left, dark towards its edges, a weave."""
    plate.fill(shape, slant(box, base, 0.8))
    plate.shade(shape, (-10, -14), 22, 0.42)
    plate.grain(shape, 0.1)


def chair(plate: Plate, look: Look) -> None:
    """Spindle, shell, or bentwood café chair."""
    plate.ground(500, 890, 200, 0.8)
    wood = look.main if look.style != "shell" else look.accent
    leg(plate, (392, 590), (372, 846), tone(wood, -0.25))
    leg(plate, (608, 590), (628, 846), tone(wood, -0.25))
    if look.style == "shell":
        back = mirrored("M 500 152 C 640 152 704 190 708 300 C 712 420 690 520 690 580 L 500 600")
        plate.fill(back, slant((300, 150, 720, 600), look.main))
        plate.shade(back, (-12, -14), 30, 0.4)
        with plate.inside(back):
            plate.gleam((420, 270), (150, 120), 0.4)
        leg(plate, (362, 630), (318, 892), wood)
        leg(plate, (638, 630), (682, 892), wood)
        seat = mirrored(
            "M 500 540 C 620 536 690 544 706 570 C 730 620 716 660 640 664 C 590 668 560 668 500 668"
        )
        plate.cast(seat, (0, 12), 10, 0.3)
        plate.fill(seat, down(536, 670, tone(look.main, 0.06)))
        plate.shade(seat, (-4, -16), 18, 0.36)
        return
    if look.style == "spindle":
        for x in (372, 424, 475, 525, 576, 628):
            plate.tube(f"M {x} 560 L {500 + (x - 500) * 1.12} 210", tone(wood, -0.08), 13)
        rail = mirrored(
            "M 500 152 C 600 152 670 166 704 190 C 716 206 708 252 690 254 C 640 232 580 224 500 224"
        )
    else:
        plate.line(
            "M 352 570 C 300 330 330 150 500 150 C 670 150 700 330 648 570", tone(wood, -0.35), 30
        )
        plate.line("M 350 568 C 298 330 328 148 498 148 C 668 148 698 330 646 568", wood, 20)
        plate.line("M 344 520 C 310 330 340 146 498 144", tone(wood, 0.5), 5, 0.7)
        plate.tube("M 424 560 C 392 400 420 270 500 270 C 580 270 608 400 576 560", wood, 17)
        rail = ellipse(0, 0, 0.1)
    plate.fill(rail, slant((290, 150, 710, 256), wood))
    plate.shade(rail, (-4, -8), 10, 0.3)
    plate.grain(rail, 0.14, (12, 1))
    leg(plate, (352, 630), (318, 892), wood)
    leg(plate, (648, 630), (682, 892), wood)
    plate.tube("M 340 764 H 660", tone(wood, -0.12), 12)
    seat = mirrored(
        "M 500 556 C 600 556 652 562 672 578 C 706 608 716 632 700 644 C 660 656 590 660 500 660"
    )
    plate.cast(seat, (0, 12), 10, 0.3)
    plate.fill(seat, tone(wood, -0.28))
    top = mirrored(
        "M 500 550 C 600 550 652 556 672 572 C 704 600 712 618 698 628 C 660 642 590 644 500 644"
    )
    plate.fill(
        top, slant((290, 550, 710, 644), tone(look.accent if look.style == "cafe" else wood, 0.08))
    )
    plate.grain(top, 0.13, (14, 1))
    if look.style == "cafe":
        with plate.inside(top):
            for i in range(-12, 34):
                plate.line(
                    f"M {300 + i * 20} 540 l -60 120 M {200 + i * 20} 540 l 60 120",
                    tone(look.accent, -0.4),
                    2.4,
                    0.5,
                )


def armchair(plate: Plate, look: Look) -> None:
    """Club, wing or lounge armchair."""
    plate.ground(500, 880, 290)
    for x, foot in ((280, 262), (720, 738)):
        leg(plate, (x, 780), (foot, 880), look.accent)
    if look.style == "wing":
        back = mirrored("M 500 110 C 620 106 700 130 742 190 C 776 260 742 420 730 600 L 500 640")
    elif look.style == "lounge":
        back = mirrored("M 500 190 C 640 186 720 210 724 330 L 716 640 L 500 640")
    else:
        back = mirrored("M 500 250 C 690 246 790 330 790 470 L 760 660 L 500 660")
    soft(plate, back, (210, 110, 790, 700), look.main)
    if look.style == "wing":
        for x, y in (
            (410, 250),
            (500, 250),
            (590, 250),
            (455, 340),
            (545, 340),
            (410, 430),
            (500, 430),
            (590, 430),
        ):
            plate.gleam((x, y), (36, 34), 0.5, tone(look.main, -0.6))
            plate.fill(ellipse(x, y, 7), tone(look.main, -0.25))
            plate.fill(ellipse(x - 1.5, y - 2, 3.5), tone(look.main, 0.3))
    if look.style == "lounge":
        plate.line("M 500 204 V 600", tone(look.main, -0.5), 4, 0.5)
        plate.line("M 388 206 V 600 M 612 206 V 600", tone(look.main, -0.5), 4, 0.4)
    seat = mirrored("M 500 566 C 620 562 664 566 684 584 C 700 606 700 660 684 676 L 500 684")
    front = rounded(300, 660, 400, 136, 22)
    soft(plate, front, (300, 660, 700, 800), tone(look.main, -0.12))
    plate.cast(seat, (0, 10), 10, 0.35)
    soft(plate, seat, (300, 560, 700, 690), tone(look.main, 0.07))
    plate.line("M 322 672 C 420 682 580 682 678 672", tone(look.main, -0.45), 3, 0.6)
    arm = svg(
        "M 176 520 C 176 470 214 456 250 456 C 296 456 326 480 326 530 L 322 770 C 322 796 300 802 250 802 C 204 802 188 792 186 760 Z"
    )
    other = svg(
        "M 824 520 C 824 470 786 456 750 456 C 704 456 674 480 674 530 L 678 770 C 678 796 700 802 750 802 C 796 802 812 792 814 760 Z"
    )
    for shape, box in ((arm, (176, 456, 326, 802)), (other, (674, 456, 824, 802))):
        plate.cast(shape, (0, 4), 14, 0.25)
        soft(plate, shape, box, look.main)


def sofa(plate: Plate, look: Look) -> None:
    """Two or three seats, with arms or a low modern block."""
    plate.ground(500, 792, 430)
    for foot in (130, 870):
        leg(plate, (foot, 720), (foot + (foot - 500) * 0.02, 790), look.accent)
    back = rounded(110, 330, 780, 330, 60)
    soft(plate, back, (110, 330, 890, 660), tone(look.main, -0.1))
    seats = 3 if look.style == "three" else 2
    left, width = 168, 664 / seats
    for i in range(seats):
        x = left + i * width
        pad = rounded(x + 3, 372, width - 6, 220, 44)
        plate.cast(pad, (0, 6), 10, 0.25)
        soft(plate, pad, (x, 372, x + width, 600), look.main)
        with plate.inside(pad):
            plate.gleam((x + width * 0.4, 440), (width * 0.4, 70), 0.25)
    frame = rounded(150, 640, 700, 96, 20)
    soft(plate, frame, (150, 640, 850, 740), tone(look.main, -0.16))
    for i in range(seats):
        x = left + i * width
        pad = rounded(x + 2, 560, width - 4, 104, 30)
        plate.cast(pad, (0, 8), 8, 0.3)
        soft(plate, pad, (x, 560, x + width, 664), tone(look.main, 0.08))
        plate.line(f"M {x + 20} 646 H {x + width - 20}", tone(look.main, -0.45), 2.5, 0.5)
    for end in (70, 822):
        arm = rounded(end, 470, 108, 270, 42)
        plate.cast(arm, (0, 4), 12, 0.3)
        soft(plate, arm, (end, 470, end + 108, 740), tone(look.main, 0.02))


def stool(plate: Plate, look: Look) -> None:
    """Low stool, bar stool or a milking stool with three legs."""
    tall = look.style == "bar"
    y = 300 if tall else 470
    foot = 890
    plate.ground(500, foot, 190, 0.8)
    wood = look.accent if look.style == "padded" else look.main
    plate_legs = (
        ((428, 0.78, 0.96), (572, 0.78, 0.96)) if look.style != "milking" else ((500, 1.0, 0.95),)
    )
    for x, _, reach in plate_legs:
        leg(plate, (x, y + 40), (500 + (x - 500) * 1.25, foot * reach - 4), tone(wood, -0.28))
    ring_y = y + (foot - y) * 0.62
    plate.tube(
        f"M 366 {ring_y} C 400 {ring_y + 22} 600 {ring_y + 22} 634 {ring_y}",
        wood if not tall else (186, 150, 88),
        13,
    )
    leg(plate, (390, y + 40), (322, foot), wood)
    leg(plate, (610, y + 40), (678, foot), wood)
    rx = 176
    depth = 66 if look.style == "padded" else 34
    side = svg(
        f"M {500 - rx} {y} V {y + depth} C {500 - rx} {y + depth + 58} {500 + rx} {y + depth + 58} {500 + rx} {y + depth} V {y} Z"
    )
    plate.cast(side, (0, 14), 12, 0.3)
    plate.fill(side, across(500 - rx, 500 + rx, tone(look.main, -0.1)))
    top = ellipse(500, y, rx, 46)
    plate.fill(top, slant((324, y - 46, 676, y + 46), tone(look.main, 0.12)))
    if look.style == "padded":
        plate.grain(side + top, 0.1)
        plate.shade(top, (0, -6), 10, 0.3)
        plate.fill(
            dashes(
                f"M {506 - rx} {y + depth - 6} C {506 - rx} {y + depth + 50} {494 + rx} {y + depth + 50} {494 + rx} {y + depth - 6}",
                9,
                6,
                3,
            ),
            tone(look.main, 0.4),
            0.7,
        )
    else:
        plate.grain(top, 0.16, (16, 1))
        with plate.inside(top):
            plate.fill(
                stroked(f"M 330 {y + 6} C 420 {y - 20} 580 {y + 20} 670 {y - 4}", 3),
                tone(look.main, -0.4),
                0.35,
            )


def bench(plate: Plate, look: Look) -> None:
    """A hall bench: slats of wood, or a pad on top."""
    plate.ground(500, 820, 400, 0.8)
    for x, foot in ((190, 176), (810, 824)):
        leg(plate, (x * 0.9 + 50, 560), (foot * 0.86 + 70, 786), tone(look.accent, -0.28))
        leg(plate, (x, 580), (foot, 824), look.accent)
    plate.tube("M 206 716 H 794", tone(look.accent, -0.1), 12)
    wood = look.accent if look.style == "padded" else look.main
    edge = svg("M 96 540 L 904 540 V 580 H 96 Z")
    plate.fill(edge, down(540, 580, tone(wood, -0.2)))
    top = svg("M 150 470 H 850 L 904 540 H 96 Z")
    plate.fill(top, Fade((150, 470), (904, 540), ((0, tone(wood, 0.24)), (1, tone(wood, -0.04)))))
    plate.grain(top, 0.18, (18, 1))
    if look.style == "padded":
        pad = rounded(110, 446, 780, 92, 34)
        plate.cast(pad, (0, 8), 8, 0.3)
        soft(plate, pad, (110, 446, 890, 540), look.main)
        for x in (305, 500, 695):
            plate.line(
                f"M {x} 452 C {x + 6} 480 {x + 6} 510 {x} 536", tone(look.main, -0.5), 4, 0.45
            )
    else:
        for i in range(1, 5):
            y = 470 + i * 14
            plate.line(f"M {150 - i * 11} {y} H {850 + i * 11}", tone(OAK, -0.6), 3, 0.5)
