"""Shoes from the side, toe to the right."""

# ruff: noqa: E501 - path data stays on one line; its numbers are the drawing

from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.colour import Colour, tone
from firmware_sim.goods.ink.curves import Shape, dashes, stroked, svg
from firmware_sim.goods.ink.paint import Fade, down
from firmware_sim.goods.ink.plate import Plate


def _upper(plate: Plate, shape: Shape, base: Colour) -> None:
    plate.fill(
        shape,
        Fade((160, 330), (560, 800), ((0, tone(base, 0.2)), (0.5, base), (1, tone(base, -0.26)))),
    )
    plate.grain(shape, 0.07)
    plate.shade(shape, (-8, -14), 24, 0.36)


def _lace(
    plate: Plate, rows: int, start: tuple[float, float], step: tuple[float, float], colour: Colour
) -> None:
    for i in range(rows):
        x, y = start[0] + step[0] * i, start[1] + step[1] * i
        lace = stroked(f"M {x - 24} {y + 34} Q {x + 4} {y + 2} {x + 40} {y - 6}", 14)
        plate.cast(lace, (2, 5), 4, 0.4)
        plate.fill(lace, colour)
        plate.fill(
            stroked(f"M {x - 22} {y + 31} Q {x + 4} {y - 1} {x + 38} {y - 9}", 4),
            tone(colour, 0.5),
            0.6,
        )


def shoe(plate: Plate, look: Look) -> None:
    """Trainer, canvas, loafer, derby, Chelsea boot or sandal."""
    plate.ground(500, 782, 390)
    draw = {
        "canvas": _trainer,
        "trainer": _trainer,
        "chelsea": _chelsea,
        "derby": _derby,
        "hiker": _hiker,
    }.get(look.style, _loafer)
    draw(plate, look)


def _trainer(plate: Plate, look: Look) -> None:
    high = look.style == "canvas"
    collar = (
        "M 150 330 C 200 300 330 310 380 330"
        if high
        else "M 138 470 C 170 430 230 440 262 470 C 290 494 330 480 372 430"
    )
    upper = (
        svg(
            f"{collar} C 420 350 470 430 540 500 C 640 560 800 570 872 640 C 896 670 900 700 890 726 H 130 C 116 640 128 560 138 470 Z"
        )
        if not high
        else svg(
            "M 150 330 C 200 300 330 310 380 330 C 420 400 470 460 540 510 C 640 560 800 570 872 640 C 896 670 900 700 890 726 H 130 C 116 620 140 460 150 330 Z"
        )
    )
    hole = (
        svg("M 150 334 C 220 306 320 312 380 330 C 330 372 200 372 150 334 Z")
        if high
        else svg(
            "M 138 472 C 170 432 230 440 262 470 C 290 494 330 480 372 430 C 380 470 360 520 300 520 C 230 520 160 510 138 472 Z"
        )
    )
    tongue = (
        svg("M 330 330 C 350 260 400 250 430 280 L 560 480 L 480 500 Z")
        if high
        else svg("M 330 440 C 340 360 400 340 430 380 L 560 500 L 440 530 Z")
    )
    plate.fill(tongue, tone(look.main, 0.12))
    plate.shade(tongue, (-4, -8), 12, 0.4)
    _upper(plate, upper, look.main)
    with plate.inside(upper):
        toe = svg("M 720 560 C 690 620 690 680 700 740 H 920 V 540 Z")
        plate.fill(toe, look.accent if high else tone(look.main, 0.1), 0.95)
        heel = svg("M 100 460 L 190 470 C 210 560 200 660 210 740 H 100 Z")
        plate.fill(heel, look.accent if not high else tone(look.main, -0.12), 0.95)
        plate.shade(upper, (-8, -14), 24, 0.3)
    plate.fill(hole, tone(look.main, -0.5))
    plate.shade(hole, (0, 12), 10, 0.4)
    eyes = (
        svg("M 372 430 C 440 470 520 520 590 540 L 560 610 C 470 580 390 540 340 500 Z")
        if not high
        else svg("M 376 340 C 430 430 500 500 590 536 L 560 610 C 450 570 370 480 330 370 Z")
    )
    plate.cast(eyes, (2, 4), 5, 0.3)
    plate.fill(eyes, tone(look.main, 0.05))
    plate.fill(
        dashes(
            "M 352 500 C 400 540 470 574 552 598"
            if not high
            else "M 342 380 C 380 480 460 566 552 598",
            8,
            5,
            3,
        ),
        tone(look.main, -0.4),
        0.8,
    )
    if high:
        _lace(plate, 5, (380, 372), (33, 33), (246, 242, 234))
    else:
        _lace(plate, 4, (396, 470), (42, 25), (246, 242, 234))
        plate.fill(
            stroked("M 250 690 C 320 600 400 570 470 600 C 520 630 580 660 660 640", 20),
            look.accent,
            0.95,
        )
    plate.fill(dashes("M 700 590 C 684 640 686 690 694 726", 8, 5, 3), tone(look.main, -0.4), 0.7)
    sole = svg(
        "M 112 704 C 300 712 700 712 900 690 C 916 720 912 770 880 788 C 700 796 300 796 136 788 C 108 780 104 730 112 704 Z"
    )
    plate.fill(sole, down(700, 792, (242, 236, 224)))
    plate.shade(sole, (-4, -12), 12, 0.34)
    plate.line(
        "M 114 730 C 300 738 700 738 906 716", look.accent if high else (206, 196, 178), 5, 0.9
    )


def _chelsea(plate: Plate, look: Look) -> None:
    upper = svg(
        "M 210 180 C 280 160 400 160 470 186 C 474 320 480 420 540 500 C 640 550 800 560 862 640 C 882 670 884 700 878 724 H 190 C 170 560 220 400 210 180 Z"
    )
    _upper(plate, upper, look.main)
    plate.fill(
        svg("M 210 182 C 280 160 400 160 470 186 C 400 206 280 206 210 182 Z"),
        tone(look.main, -0.55),
    )
    with plate.inside(upper):
        elastic = svg("M 296 190 C 300 330 310 420 350 520 C 390 430 404 330 400 190 Z")
        plate.fill(elastic, look.accent)
        for i in range(10):
            plate.line(
                f"M {300 + i * 11} 180 L {326 + i * 5.6} 520", tone(look.accent, -0.5), 3, 0.5
            )
        plate.shade(elastic, (-2, -4), 6, 0.5)
        plate.gleam((720, 600), (90, 34), 0.4)
        plate.gleam((250, 420), (24, 150), 0.3)
    plate.fill(dashes("M 410 190 C 414 330 400 430 352 530", 8, 5, 3), tone(look.main, 0.3), 0.6)
    plate.fill(stroked("M 214 180 C 206 150 226 130 240 150 V 190", 8), tone(look.accent, -0.1))
    _sole(plate, (70, 52, 40), heel=True)


def _sole(plate: Plate, base: Colour, *, heel: bool) -> None:
    sole = svg(
        "M 184 716 C 400 722 700 722 884 706 C 896 724 892 748 874 756 C 700 764 420 762 380 758 L 184 758 Z"
    )
    plate.fill(sole, down(706, 760, base))
    if heel:
        block = svg("M 186 750 H 372 L 364 790 H 192 Z")
        plate.fill(block, Fade((186, 0), (372, 0), ((0, tone(base, 0.1)), (1, tone(base, -0.3)))))
        plate.fill(
            svg("M 600 758 C 700 764 800 762 874 756 C 850 786 700 792 600 788 Z"), tone(base, -0.3)
        )
    plate.fill(dashes("M 190 720 C 400 727 700 727 880 711", 6, 4, 2.6), tone(base, 0.55), 0.8)


def _derby(plate: Plate, look: Look) -> None:
    upper = svg(
        "M 170 470 C 210 440 290 450 330 470 C 380 440 420 410 450 400 C 500 480 600 540 700 560 C 800 580 872 610 884 680 C 888 700 886 712 882 724 H 180 C 162 640 160 550 170 470 Z"
    )
    _upper(plate, upper, look.main)
    hole = svg(
        "M 170 472 C 210 442 290 450 330 470 C 380 446 420 412 448 402 C 440 470 400 520 320 524 C 250 526 190 510 170 472 Z"
    )
    plate.fill(hole, tone(look.main, -0.55))
    tongue = svg("M 390 440 C 410 360 460 350 480 390 L 570 500 L 470 540 Z")
    plate.fill(tongue, tone(look.main, -0.08))
    plate.shade(tongue, (-4, -8), 10, 0.4)
    facing = svg(
        "M 440 410 C 490 490 560 530 610 548 C 590 610 540 640 480 640 C 430 610 380 570 330 516 C 380 500 420 450 440 410 Z"
    )
    plate.cast(facing, (3, 5), 6, 0.4)
    plate.fill(
        facing,
        Fade((330, 410), (600, 640), ((0, tone(look.main, 0.18)), (1, tone(look.main, -0.12)))),
    )
    plate.fill(
        dashes("M 346 520 C 390 576 440 616 484 628 C 540 628 580 600 598 554", 7, 5, 2.6),
        tone(look.main, 0.35),
        0.6,
    )
    _lace(plate, 3, (452, 478), (40, 34), look.accent)
    plate.gleam((770, 620), (80, 30), 0.5)
    plate.line("M 700 566 C 680 620 690 680 700 720", tone(look.main, -0.5), 3, 0.6)
    _sole(plate, (74, 56, 44), heel=True)


def _hiker(plate: Plate, look: Look) -> None:
    upper = svg(
        "M 190 250 C 250 220 380 226 430 250 C 440 360 500 450 570 500 C 680 540 820 560 872 640 C 890 676 888 700 884 724 H 170 C 156 580 196 420 190 250 Z"
    )
    tongue = svg("M 360 260 C 380 180 450 170 470 220 L 560 460 L 470 480 Z")
    plate.fill(tongue, tone(look.main, -0.06))
    plate.shade(tongue, (-4, -8), 12, 0.4)
    _upper(plate, upper, look.main)
    with plate.inside(upper):
        plate.fill(svg("M 730 560 C 690 620 690 690 700 740 H 920 V 540 Z"), look.accent, 0.95)
        plate.fill(svg("M 140 540 C 220 540 250 640 250 740 H 140 Z"), look.accent, 0.95)
        plate.shade(upper, (-8, -14), 24, 0.3)
    collar = svg(
        "M 186 250 C 250 214 390 220 434 250 C 440 290 436 310 432 326 C 380 300 260 296 194 326 Z"
    )
    plate.fill(collar, tone(look.accent, -0.15))
    plate.shade(collar, (-4, -8), 12, 0.4)
    _lace(plate, 5, (420, 314), (27, 37), (206, 92, 62))
    sole = svg(
        "M 160 700 C 400 716 700 716 892 690 C 908 720 900 770 880 786 L 850 770 L 820 792 L 780 774 L 740 794 L 690 776 L 640 794 L 590 776 L 540 794 L 490 776 L 440 794 L 390 776 L 340 794 L 290 776 L 240 794 L 170 788 C 150 770 150 730 160 700 Z"
    )
    plate.fill(sole, down(700, 794, (64, 56, 50)))
    plate.line("M 162 718 C 400 732 700 732 896 708", (190, 176, 150), 7, 0.9)


def _loafer(plate: Plate, look: Look) -> None:
    upper = svg(
        "M 160 520 C 200 500 240 520 280 540 C 380 570 470 530 540 470 C 590 470 640 500 690 530 C 800 560 872 600 884 680 C 888 700 886 712 882 724 H 176 C 156 660 150 590 160 520 Z"
    )
    _upper(plate, upper, look.main)
    hole = svg(
        "M 160 522 C 200 500 240 520 280 540 C 380 570 470 530 538 472 C 560 500 540 560 460 582 C 340 606 200 590 160 522 Z"
    )
    plate.fill(hole, tone(look.main, -0.55))
    plate.shade(hole, (0, 12), 10, 0.4)
    apron = svg(
        "M 540 470 C 590 470 650 500 700 540 C 760 560 800 580 820 606 C 760 626 680 616 600 584 C 560 560 540 530 530 500 Z"
    )
    plate.fill(
        apron,
        Fade((540, 470), (820, 610), ((0, tone(look.main, 0.24)), (1, tone(look.main, 0.02)))),
    )
    plate.fill(
        dashes("M 530 500 C 550 540 600 584 660 600 C 730 618 790 616 822 606", 10, 5, 6),
        tone(look.main, -0.4),
        0.8,
    )
    strap = svg("M 546 462 L 652 500 C 652 580 630 660 604 730 H 452 C 510 650 546 560 546 462 Z")
    with plate.inside(upper):
        plate.cast(strap, (3, 6), 6, 0.4)
        plate.fill(
            strap,
            Fade(
                (480, 470),
                (640, 720),
                (
                    (0, tone(look.main, 0.16)),
                    (0.5, tone(look.main, -0.04)),
                    (1, tone(look.main, -0.3)),
                ),
            ),
        )
        plate.fill(
            dashes(
                "M 642 500 C 640 580 618 660 592 724 M 556 480 C 554 560 524 650 470 724", 8, 5, 2.6
            ),
            tone(look.main, 0.4),
            0.6,
        )
    if look.style == "loafer":
        plate.fill(stroked("M 574 562 Q 600 566 624 552", 11), tone(look.main, -0.55))
    else:
        for i in range(3):
            plate.fill(
                stroked(f"M {596 + i * 6} 546 L {590 + i * 26} {620 - i * 7}", 9, 17), look.accent
            )
    plate.gleam((790, 650), (80, 26), 0.4)
    _sole(plate, (74, 56, 44), heel=True)
