"""How often a zone is wrong for who stands, against how late it is for who walks.

For several of the ways that count as a walk; drawn into docs/pictures/zones.svg. The air is the
simulator's; a second one is harder than the model believes: steeper, with larger bodies and
deeper shadows. Last, what it costs to guess where a band is.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_zones.py [--hours 10] [--moves 100] [--draw]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import pygal
from pygal.style import Style

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from firmware_sim.bands.air import USUAL, Surroundings  # noqa: E402
from gateway.presence.placing import Placer  # noqa: E402
from gateway.presence.settling import WALKED_M  # noqa: E402
from tests.real.zones import NEVER_S, PLAN, noticed_after_s, wrong_per_hour  # noqa: E402

WALKS_M = (2.0, 2.5, 3.0, 3.5, 4.0)
STROLL_M_PER_S = 0.7
HARDER = Surroundings(path_exponent=2.6, shadow_db=4.0, body_db=9.0)
WITHIN_S = 3.0
GUESSES = 2_000
PICTURE = ROOT / "docs" / "pictures" / "zones.svg"


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 2), "unit": unit}) + "\n")
    sys.stdout.flush()


def measured(
    what: str, hours: float, moves: int, walked_m: float, around: Surroundings = USUAL
) -> tuple[float, float]:
    """Report how zones do; return false changes an hour and what 19 of 20 moves take."""
    wrong = wrong_per_hour(hours, walked_m, around=around)
    late = noticed_after_s(moves, walked_m, around=around)
    slow = noticed_after_s(moves, walked_m, metres_per_s=STROLL_M_PER_S, around=around)
    in_time = sum(one <= WITHIN_S for one in late) / moves * 100
    report(f"{what}: false changes at 40 cm from a boundary", wrong, "per hour")
    report(f"{what}: a walk is noticed after, median", late[moves // 2], "s")
    report(f"{what}: 19 of 20 walks within", late[int(0.95 * moves) - 1], "s")
    report(f"{what}: walks noticed within 3 s", in_time, "%")
    report(f"{what}: a stroll is noticed after, median", slow[moves // 2], "s")
    return wrong, late[int(0.95 * moves) - 1]


def main() -> None:
    """Measure, and draw if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--draw", action="store_true", help=f"write {PICTURE.name}")
    asked = parser.parse_args()
    points = [
        (*measured(f"walk of {walked_m:g} m", asked.hours, asked.moves, walked_m), walked_m)
        for walked_m in WALKS_M
    ]
    measured("a harder air", asked.hours, asked.moves, WALKED_M, HARDER)
    placer = Placer(PLAN)
    levels = {name: -60.0 - number for number, name in enumerate(PLAN.receivers)}
    began = time.perf_counter()
    for _ in range(GUESSES):
        placer.place(levels)
    spent_us = (time.perf_counter() - began) / GUESSES * 1e6
    report(f"a guess from {len(levels)} receivers", spent_us, "µs")
    if asked.draw:
        draw(points)


def draw(points: list[tuple[float, float, float]]) -> None:
    """Draw the trade-off: one point for each way that counts as a walk."""
    style = Style(
        background="white", plot_background="white", colors=("#0b6e4f",),
        font_family="sans-serif", label_font_size=13, major_label_font_size=13,
        value_label_font_size=13, title_font_size=18,
    )  # fmt: skip
    chart = pygal.XY(
        style=style, width=900, height=420, js=(), show_legend=False, dots_size=5,
        title="What counts as a walk: false changes against delay", print_labels=True,
        x_title="false changes of zone an hour, standing 40 cm from a boundary",
        y_title="19 of 20 walks noticed within, s", range=(0, 5), xrange=(0, 4),
    )  # fmt: skip
    chart.x_labels, chart.y_labels = range(5), range(6)
    chart.add(
        "",
        [
            {"value": (wrong, late), "label": f"{walked_m:g} m"}
            for wrong, late, walked_m in points
            if late < NEVER_S
        ],
    )
    PICTURE.write_text(chart.render(is_unicode=True, disable_xml_declaration=True) + "\n")


if __name__ == "__main__":
    main()
