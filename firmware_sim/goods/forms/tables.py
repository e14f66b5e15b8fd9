"""Tables, shelves and sideboards."""

# ruff: noqa: E501, PLR2004 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.forms.seats import leg
from firmware_sim.goods.ink.colour import LEAF, Colour, tone
from firmware_sim.goods.ink.curves import Shape, ellipse, rounded, svg
from firmware_sim.goods.ink.paint import Fade, across, down, metal
from firmware_sim.goods.ink.plate import Plate

BOOKS: tuple[Colour, ...] = (
    (168, 92, 70),
    (92, 110, 120),
    (222, 206, 178),
    (96, 110, 84),
    (196, 158, 92),
)


def _board(plate: Plate, shape: Shape, ends: tuple[float, float], base: Colour) -> None:
    """Draw a board's upper side, grain along it."""
    left, right = ends
    plate.fill(
        shape,
        Fade(
            (left, 400),
            (right, 480),
            ((0, tone(base, 0.26)), (0.5, tone(base, 0.08)), (1, tone(base, -0.06))),
        ),
    )
    plate.grain(shape, 0.17, (20, 1))


def table(plate: Plate, look: Look) -> None:
    """Dining table, round pedestal, side table or desk."""
    wood = look.main
    if look.style == "round":
        plate.ground(500, 850, 210)
        plate.fill(
            svg(
                "M 316 846 C 320 800 440 800 462 760 L 474 440 H 526 L 538 760 C 560 800 680 800 684 846 C 640 868 360 868 316 846 Z"
            ),
            across(316, 684, look.accent),
        )
        side = svg("M 110 420 V 440 C 110 530 890 530 890 440 V 420 Z")
        plate.cast(side, (0, 16), 14, 0.2)
        plate.fill(side, across(110, 890, tone(wood, -0.22), 0.8))
        _board(plate, ellipse(500, 420, 390, 68), (110, 890), wood)
    elif look.style == "side":
        plate.ground(500, 860, 190, 0.8)
        leg(plate, (500, 470), (500, 826), tone(look.accent, -0.28))
        leg(plate, (360, 480), (316, 862), look.accent)
        leg(plate, (640, 480), (684, 862), look.accent)
        side = svg("M 270 440 V 466 C 270 530 730 530 730 466 V 440 Z")
        plate.cast(side, (0, 12), 12, 0.28)
        plate.fill(side, across(270, 730, tone(wood, -0.2), 0.8))
        _board(plate, ellipse(500, 440, 230, 48), (270, 730), wood)
    else:
        plate.ground(500, 820, 410, 0.8)
        for x in (226, 774):
            leg(plate, (x, 480), (x, 776), tone(look.accent, -0.3))
        for x, foot in ((136, 120), (864, 880)):
            leg(plate, (x, 500), (foot, 824), look.accent)
        apron = svg("M 120 490 H 880 V 540 H 120 Z")
        plate.fill(apron, down(490, 560, tone(wood, -0.3)))
        if look.style == "desk":
            for x in (150, 620):
                drawer = rounded(x, 496, 230, 76, 6)
                plate.cast(drawer, (0, 6), 6, 0.3)
                plate.fill(drawer, down(496, 572, tone(wood, 0.02)))
                plate.grain(drawer, 0.14, (16, 1))
                plate.fill(ellipse(x + 115, 536, 11), metal(x + 104, x + 126, (196, 155, 84)))
        edge = svg("M 64 464 H 936 V 492 H 64 Z")
        plate.fill(edge, down(464, 492, tone(wood, -0.12)))
        plate.grain(edge, 0.12, (16, 1))
        _board(plate, svg("M 176 392 H 824 L 936 464 H 64 Z"), (64, 936), wood)


def shelf(plate: Plate, look: Look) -> None:
    """Bookcase, ladder shelf or sideboard."""
    if look.style == "sideboard":
        _sideboard(plate, look)
        return
    plate.ground(500, 900, 230, 0.8)
    wood = look.main
    lean = 30 if look.style == "ladder" else 0
    for x in (292, 708):
        plate.fill(rounded(x - 9, 130, 18, 766, 6), across(x - 9, x + 9, tone(look.accent, -0.25)))
    rows = (230, 400, 570, 740, 862)
    for row, y in enumerate(rows):
        half = 208 + (lean * row / 3 if lean else 0)
        if row:
            _filled(plate, row, y)
        top = svg(
            f"M {500 - half + 16} {y - 12} H {500 + half - 16} L {500 + half} {y} H {500 - half} Z"
        )
        plate.cast(svg(f"M {500 - half} {y} h {2 * half} v 18 h {-2 * half} Z"), (0, 14), 10, 0.3)
        _board(plate, top, (500 - half, 500 + half), wood)
        plate.fill(
            svg(f"M {500 - half} {y} h {2 * half} v 17 h {-2 * half} Z"),
            down(y, y + 17, tone(wood, -0.1)),
        )
        if row:
            _filled(plate, row, y)
    for x, foot in ((276, 276 - lean), (724, 724 + lean)):
        bar = svg(f"M {x - 10} 112 H {x + 10} L {foot + 10} 902 H {foot - 10} Z")
        plate.fill(bar, across(foot - 12, foot + 12, look.accent, 0.9))


def _filled(plate: Plate, row: int, y: float) -> None:
    """Put a few things on a shelf, so that it reads as one."""
    if row == 1:
        x = 330.0
        for i, (wide, high) in enumerate(((22, 92), (28, 104), (18, 84), (30, 98), (22, 90))):
            book = rounded(x, y - 6 - high, wide, high, 3)
            plate.fill(book, across(x, x + wide, BOOKS[i % 5], 0.8))
            x += wide + 1.5
    elif row == 2:
        pot = svg(f"M 566 {y - 72} H 646 L 634 {y - 6} H 578 Z")
        for dx, tip in ((-60, -150), (-22, -176), (24, -170), (62, -140)):
            plate.fill(
                svg(
                    f"M 606 {y - 70} Q {606 + dx * 1.3} {y - 100} {606 + dx} {y + tip + 20} Q {606 + dx * 0.2} {y - 120} 606 {y - 70} Z"
                ),
                tone(LEAF, dx / 260),
            )
        plate.fill(pot, across(566, 646, (226, 218, 204)))
    elif row == 3:
        for i in range(3):
            book = rounded(360 - i * 5, y - 32 - i * 24, 150 + i * 4, 23, 4)
            plate.fill(book, down(y - 32 - i * 24, y - 8 - i * 24, BOOKS[(i + 2) % 5]))


def _sideboard(plate: Plate, look: Look) -> None:
    plate.ground(500, 800, 400, 0.9)
    for x, foot in ((160, 146), (840, 854)):
        leg(plate, (x, 690), (foot, 804), look.accent)
    box = rounded(90, 380, 820, 330, 10)
    plate.fill(
        box, Fade((90, 380), (910, 710), ((0, tone(look.main, 0.16)), (1, tone(look.main, -0.2))))
    )
    plate.grain(box, 0.12, (18, 1))
    for i in range(3):
        x = 112 + i * 262
        door = rounded(x, 404, 252, 282, 4)
        plate.fill(
            door,
            Fade(
                (x, 404), (x + 252, 690), ((0, tone(look.main, 0.1)), (1, tone(look.main, -0.14)))
            ),
        )
        plate.grain(door, 0.14, (18, 1))
        plate.shade(door, (0, 0), 5, 0.35)
        if i == 1:
            for y in (498, 592):
                plate.line(f"M {x} {y} h 252", tone(look.main, -0.6), 3, 0.7)
            for y in (451, 545, 640):
                plate.fill(rounded(x + 96, y - 5, 60, 9, 4), metal(x + 96, x + 156, (196, 155, 84)))
        else:
            knob = x + (222 if i == 0 else 30)
            plate.fill(rounded(knob - 5, 510, 10, 66, 5), metal(knob - 5, knob + 5, (196, 155, 84)))
    _board(plate, svg("M 104 364 H 896 L 910 384 H 90 Z"), (90, 910), look.main)
