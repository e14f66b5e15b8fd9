"""How soon a band that is two is found out, and how often an honest one is called so.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_doubts.py [--hours 10] [--tries 50]
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from firmware_sim.bands.air import USUAL  # noqa: E402
from tests.real.doubts import HARDER, doubted_after_s, wearer  # noqa: E402

STAYS_MIN = 30.0


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 2), "unit": unit}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--tries", type=int, default=50)
    asked = parser.parse_args()
    for replayed, what in ((False, "held at two places"), (True, "an old frame sent again")):
        took = doubted_after_s(asked.tries, replayed=replayed)
        report(f"{what}: found after, median", took[asked.tries // 2], "s")
        report(f"{what}: found after, 19 of 20", took[int(0.95 * asked.tries) - 1], "s")
        report(f"{what}: found after, the last (999: not)", took[-1], "s")
    wearers = int(asked.hours * 60 / STAYS_MIN)
    for around, what in ((USUAL, "usual air"), (HARDER, "a harder air")):
        wrong = sum(len(wearer(seed, STAYS_MIN, around)) for seed in range(wearers))
        report(f"{what}: honest wearers called a copy", wrong / asked.hours, "per hour")


if __name__ == "__main__":
    main()
