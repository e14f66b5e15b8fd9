"""How soon a tablet hides what is hers when she walks away, and how often for one who stays.

In the simulator's air, and in one that is harder than what is believed of it: steeper, with
larger bodies and deeper shadows.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_leaving.py [--hours 10] [--walks 200]
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from tests.real.leaving import HARDER, USUAL, hidden_after_s, standing_at_it  # noqa: E402

STROLL_M_PER_S = 0.7


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 2), "unit": unit}) + "\n")
    sys.stdout.flush()


def spread(name: str, seconds: list[float]) -> None:
    """Report the middle, the end for 19 of 20, and the worst; ``seconds``, shortest first."""
    report(f"{name}, median", seconds[len(seconds) // 2], "s")
    report(f"{name}, 19 of 20 within", seconds[int(0.95 * len(seconds)) - 1], "s")
    report(f"{name}, the last", seconds[-1], "s")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--walks", type=int, default=200)
    asked = parser.parse_args()
    for around, what in ((USUAL, "usual air"), (HARDER, "a harder air")):
        hidden, over = hidden_after_s(asked.walks, around=around)
        spread(f"{what}: hidden after", hidden)
        spread(f"{what}: visit over after", over)
        slow, _ = hidden_after_s(asked.walks, metres_per_s=STROLL_M_PER_S, around=around)
        spread(f"{what}: a stroll, hidden after", slow)
        veils, _, ended = standing_at_it(asked.hours, around, 0.0)
        report(f"{what}: veils of one who stays", veils, "per hour")
        report(f"{what}: visits of one who stays that are ended", ended, "per hour")
        veils, longest_s, ended = standing_at_it(asked.hours, around)
        report(f"{what}, band smothered 12 times an hour: veils", veils, "per hour")
        report(f"{what}, band smothered 12 times an hour: the longest", longest_s, "s")
        report(f"{what}, band smothered 12 times an hour: visits ended", ended, "per hour")


if __name__ == "__main__":
    main()
