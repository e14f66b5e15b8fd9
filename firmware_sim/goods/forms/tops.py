"""Shirts, T-shirts, jumpers and dresses, laid flat, and the parts all tops share."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import Colour, tone
from firmware_sim.goods.ink.curves import (
    Point,
    Shape,
    dashes,
    ellipse,
    flipped,
    mirrored,
    outlined,
    rounded,
    stroked,
    svg,
)
from firmware_sim.goods.ink.paint import Fade, slant
from firmware_sim.goods.ink.plate import Plate

BOX = (180.0, 150.0, 820.0, 880.0)
SLEEVE = "M 650 194 C 708 208 744 240 760 312 C 790 450 812 630 824 776 C 804 796 764 802 734 794 C 726 660 704 520 666 424 Z"
SHORT = "M 650 194 C 712 210 756 256 826 398 C 800 434 756 456 716 462 C 700 430 684 404 664 388 Z"


def cloth(plate: Plate, shape: Shape, base: Colour, depth: float = 0.7) -> None:
    """Draw a piece of cloth lying flat: light over the whole garment, soft edges, threads."""
    plate.cast(shape, (6, 12), 14, 0.3)
    plate.fill(shape, slant(BOX, base, depth))
    plate.shade(shape, (-8, -10), 18, 0.36)
    plate.grain(shape, 0.07, (1, 2))


def patch(plate: Plate, shape: Shape, base: Colour) -> None:
    """Draw a piece sewn onto a garment: collar, pocket, flap; its edge is crisp."""
    cloth(plate, shape, base, 0.5)
    plate.fill(outlined(shape, 3), tone(base, -0.5), 0.55)


def folds(plate: Plate, data: tuple[str, ...], base: Colour) -> None:
    """Draw where cloth falls: a soft dark hollow and a light ridge beside it."""
    for path in data:
        plate.shadow(stroked(path, 24, 6), (0, 0), 9, 0.22, tone(base, -0.7))
        plate.shadow(stroked(path, 16, 4), (-20, 0), 9, 0.16, tone(base, 0.75))


def sleeves(plate: Plate, base: Colour, data: str, cuff: Colour | None = None) -> None:
    """Draw both sleeves from the right one, with knitted cuffs if ``cuff`` is given."""
    for shape in (svg(data), flipped(svg(data))):
        cloth(plate, shape, tone(base, -0.05))
        if cuff is not None:
            with plate.inside(shape):
                band = svg("M 700 752 L 870 738 V 830 H 700 Z")
                for part in (band, flipped(band)):
                    plate.fill(part, tone(cuff, -0.08))
                for i in range(9):
                    rib = f"M {730 + i * 12} 744 L {733 + i * 12} 812"
                    plate.fill(stroked(rib, 3) + flipped(stroked(rib, 3)), tone(cuff, -0.5), 0.4)
    fold = ("M 690 330 Q 724 420 744 520", "M 736 500 Q 764 590 774 700")
    folds(plate, fold if data == SLEEVE else (), base)


def button(plate: Plate, at: Point, size: float, base: Colour) -> None:
    """Draw a button with four holes."""
    x, y = at
    plate.cast(ellipse(x, y, size), (1, 3), 3, 0.4)
    plate.fill(ellipse(x, y, size), slant((x - size, y - size, x + size, y + size), base, 1.4))
    for dx, dy in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
        plate.fill(ellipse(x + dx * size, y + dy * size, size * 0.12), tone(base, -0.6))


def neck(plate: Plate, lining: Colour, depth: float, collar: Colour) -> None:
    """Draw what is seen inside the neck: the back, its shade and the label."""
    band = mirrored("M 500 154 C 556 154 600 160 618 174 L 606 206 H 500")
    cloth(plate, band, tone(collar, -0.1))
    inside = mirrored(
        f"M 500 172 C 540 172 578 178 600 190 C 580 {190 + depth * 0.5} 540 {190 + depth} 500 {190 + depth}"
    )
    plate.fill(inside, tone(lining, -0.34))
    plate.shade(inside, (0, 10), 10, 0.4)
    plate.fill(rounded(476, 200, 48, 20, 3), (238, 230, 214))


def shirt(plate: Plate, look: Look) -> None:
    """Button shirt: plain, striped, checked, with a small collar."""
    sleeves(plate, look.main, SLEEVE)
    body = mirrored(
        "M 500 196 L 596 178 C 640 188 660 196 674 208 C 672 420 680 600 690 800 C 670 860 590 872 500 866"
    )
    cloth(plate, body, look.main)
    parts = svg(SLEEVE) + flipped(svg(SLEEVE)) + body
    with plate.inside(parts):
        if look.style == "striped":
            for i in range(38):
                plate.line(f"M {152 + i * 18.6} 160 V 880", look.accent, 4, 0.75)
        elif look.style == "checked":
            for i in range(13):
                plate.line(f"M {140 + i * 60} 160 V 880", look.accent, 26, 0.38)
                plate.line(f"M 130 {180 + i * 60} H 870", look.accent, 26, 0.38)
    plate.line("M 668 210 C 664 300 664 360 670 420", tone(look.main, -0.5), 4, 0.22)
    plate.line("M 332 210 C 336 300 336 360 330 420", tone(look.main, -0.5), 4, 0.22)
    neck(plate, look.main, 36, look.main)
    placket = svg("M 478 236 H 522 V 866 H 478 Z")
    plate.fill(placket, tone(look.main, 0.08), 0.8)
    plate.line("M 524 240 V 866", tone(look.main, -0.5), 3, 0.6)
    for side in (-1, 1):
        collar = svg(
            f"M 500 240 L {500 + side * 58} 322 L {500 + side * 122} 236 L {500 + side * 102} 168 C {500 + side * 80} 204 {500 + side * 40} 232 500 240 Z"
        )
        patch(plate, collar, tone(look.main, 0.12))
    if look.style != "striped":
        pocket = svg("M 556 380 H 640 V 462 L 598 484 L 556 462 Z")
        plate.cast(pocket, (2, 4), 4, 0.3)
        plate.fill(pocket, tone(look.main, 0.05))
    for y in range(300, 860, 92):
        button(plate, (500, y), 8.5, (246, 242, 232))
    folds(
        plate,
        (
            "M 370 300 Q 400 440 380 600",
            "M 640 520 Q 612 640 630 760",
            "M 420 700 Q 400 780 420 850",
        ),
        look.main,
    )


def tee(plate: Plate, look: Look) -> None:
    """T-shirt: plain, striped, with a pocket."""
    sleeves(plate, look.main, SHORT)
    body = mirrored(
        "M 500 214 C 560 212 590 196 606 178 C 640 188 660 196 676 208 C 678 420 684 620 690 838 C 640 852 560 854 500 854"
    )
    cloth(plate, body, look.main)
    with plate.inside(svg(SHORT) + flipped(svg(SHORT)) + body):
        if look.style == "striped":
            for i in range(13):
                plate.line(
                    f"M 130 {290 + i * 46} C 400 {298 + i * 46} 600 {298 + i * 46} 870 {290 + i * 46}",
                    look.accent,
                    17,
                    0.9,
                )
    neck(plate, look.main, 46, look.main)
    rib = mirrored("M 500 236 C 560 234 592 214 606 176 L 626 184 C 612 236 570 262 500 264")
    cloth(plate, rib, tone(look.main, -0.03))
    if look.style == "pocket":
        pocket = svg("M 552 360 H 646 V 450 L 599 474 L 552 450 Z")
        plate.cast(pocket, (2, 4), 5, 0.3)
        plate.fill(pocket, tone(look.accent, 0.03))
    plate.fill(dashes("M 320 832 C 440 842 560 842 680 832", 8, 5, 2.4), tone(look.main, -0.5), 0.5)
    folds(
        plate,
        (
            "M 360 330 Q 396 460 376 620",
            "M 650 480 Q 616 600 636 740",
            "M 470 560 Q 480 660 460 780",
        ),
        look.main,
    )


def jumper(plate: Plate, look: Look) -> None:
    """Knitted jumper: cable, ribbed or with a yoke."""
    sleeves(plate, look.main, SLEEVE, look.main)
    body = mirrored(
        "M 500 206 C 560 204 596 194 612 178 C 640 188 662 196 676 210 C 684 420 694 640 696 800 C 640 812 560 814 500 814"
    )
    cloth(plate, body, look.main)
    arms = svg(SLEEVE) + flipped(svg(SLEEVE))
    with plate.inside(body + arms):
        _knit(plate, look)
    hem = mirrored(
        "M 500 796 C 580 796 650 790 696 784 C 698 820 690 850 680 862 C 620 874 560 876 500 876"
    )
    cloth(plate, hem, look.main)
    with plate.inside(hem):
        for i in range(34):
            plate.line(f"M {312 + i * 11.5} 780 V 880", tone(look.main, -0.5), 3.4, 0.4)
    neck(plate, look.main, 34, look.main)
    collar = mirrored("M 500 224 C 560 222 596 206 610 170 L 638 182 C 624 240 574 268 500 270")
    cloth(plate, collar, tone(look.main, 0.02))
    with plate.inside(collar):
        for i in range(-15, 16):
            plate.line(
                f"M {500 + i * 9} 156 L {500 + i * 10.4} 282", tone(look.main, -0.5), 2.6, 0.4
            )
    folds(plate, ("M 350 330 Q 386 460 366 600", "M 650 420 Q 620 540 640 700"), look.main)


def _knit(plate: Plate, look: Look) -> None:
    dark, light = tone(look.main, -0.5), tone(look.main, 0.5)
    for i in range(30):
        plate.line(f"M {132 + i * 25.4} 170 V 870", dark, 3, 0.13)
    if look.style == "cable":
        for x in (404, 500, 596):
            for i in range(11):
                y = 262 + i * 52
                plate.line(
                    f"M {x - 18} {y} C {x - 18} {y + 30} {x + 18} {y + 24} {x + 18} {y + 54}",
                    dark,
                    13,
                    0.34,
                )
                plate.line(
                    f"M {x + 18} {y} C {x + 18} {y + 30} {x - 18} {y + 24} {x - 18} {y + 54}",
                    dark,
                    13,
                    0.34,
                )
                plate.line(
                    f"M {x + 14} {y} C {x + 14} {y + 30} {x - 22} {y + 24} {x - 22} {y + 54}",
                    light,
                    7,
                    0.5,
                )
    elif look.style == "yoke":
        for i, (y, wide) in enumerate(((290, 16), (322, 8), (352, 18), (392, 8), (420, 14))):
            band = f"M 160 {y + 130} C 330 {y + 10} 420 {y} 500 {y} C 580 {y} 670 {y + 10} 840 {y + 130}"
            plate.fill(
                stroked(band, wide) if i % 2 else dashes(band, 15, 13, wide), look.accent, 0.9
            )
    elif look.style == "striped":
        for i in range(6):
            plate.fill(
                stroked(
                    f"M 120 {330 + i * 78} C 400 {340 + i * 78} 600 {340 + i * 78} 880 {330 + i * 78}",
                    34,
                ),
                look.accent,
                0.85,
            )


def dress(plate: Plate, look: Look) -> None:
    """A summer dress with a tied waist."""
    sleeves(
        plate,
        look.main,
        "M 636 176 C 700 190 744 226 790 330 C 764 360 724 376 690 380 C 672 340 650 310 634 296 Z",
    )
    skirt = mirrored("M 500 440 L 606 440 C 650 580 720 740 748 890 C 660 926 580 932 500 932")
    cloth(plate, skirt, look.main)
    top = mirrored(
        "M 500 264 C 550 240 580 210 590 160 C 620 164 640 172 652 184 C 656 290 630 370 612 452 L 500 458"
    )
    cloth(plate, top, look.main)
    if look.style == "dots":
        with plate.inside(skirt + top):
            spots = tuple(
                ellipse(260 + (i * 0.618034 % 1) * 500, 170 + i * 5.1, 8)[0] for i in range(150)
            )
            plate.fill(spots, look.accent, 0.9)
    for x in (390, 440, 500, 556, 612):
        folds(
            plate,
            (f"M {500 + (x - 500) * 0.6} 470 Q {x} 680 {500 + (x - 500) * 1.6} 910",),
            look.main,
        )
    band = mirrored("M 500 432 L 612 428 L 610 462 L 500 468")
    cloth(plate, band, tone(look.main, -0.16))
    plate.line("M 560 450 C 590 500 570 560 596 620", tone(look.main, -0.2), 13)
    plate.line("M 566 450 C 620 490 610 540 640 590", tone(look.main, -0.1), 11)
    plate.fill(
        ellipse(562, 450, 17),
        Fade((545, 433), (579, 467), ((0, tone(look.main, 0.1)), (1, tone(look.main, -0.3)))),
    )
