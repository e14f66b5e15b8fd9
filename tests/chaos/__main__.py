"""``make chaos RUNS=50 SEED=1``: seeded runs, one line of JSON each, and a table at the end.

Ends with 1 if anything was lost, done twice or left hanging in any run. Each run says its
seed first, which replays it: ``make chaos RUNS=1 SEED=…``. A run that ends early is not
clean, and the others are played. With ``AWAY=3`` a broker and a
database that are away for three minutes follow.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence

from tests.chaos.away import away
from tests.chaos.plan import Plan, Scale, plan_of
from tests.chaos.run import Result, played

COLUMNS = (
    ("broker", 10), ("database", 11), ("gateways", 9), ("runs", 5), ("events", 9), ("kills", 6),
    ("lost", 5), ("doubled", 8), ("carts", 6), ("wrong", 6), ("phones", 7), ("behind", 7),
    ("orders", 7), ("held", 5), ("clean", 6),
)  # fmt: skip


def main(arguments: Sequence[str], play: Callable[[Plan], Result] = played) -> int:
    """Do the runs, each by ``play``; return 1 if one was not clean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--away-minutes", type=float, default=0.0)
    parser.add_argument("--events", type=int, default=Scale().events)
    asked = parser.parse_args(arguments)
    results: list[Result] = []
    for seed in range(asked.seed, asked.seed + asked.runs):
        _say(json.dumps({"begun": seed}))
        results.append(play(plan_of(seed, Scale(events=asked.events))))
        _say(json.dumps(results[-1].as_row()))
    if asked.away_minutes:
        for result in away(asked.away_minutes):
            results.append(result)
            _say(json.dumps(result.as_row()))
    _say(table(results))
    return 0 if all(one.clean for one in results) else 1


def table(results: Sequence[Result]) -> str:
    """Return one row for each kind of shop, and one for all."""
    kinds: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for one in results:
        kinds[one.broker, one.database, str(one.gateways)].append(one)
    rows = [_row(kind, of_kind) for kind, of_kind in sorted(kinds.items())]
    rows.append(_row(("all", "", ""), results))
    head = [name for name, _ in COLUMNS]
    return "\n".join(_line(row) for row in [head, *rows])


def _row(kind: tuple[str, str, str], results: Sequence[Result]) -> list[str]:
    verdicts = [one.verdict for one in results]
    wrong = sum(v.wrong_carts + v.wrong_operations + v.wrong_letters for v in verdicts)
    numbers = (
        len(results),
        sum(v.events for v in verdicts),
        sum(sum(one.kills.values()) for one in results),
        sum(v.lost for v in verdicts),
        sum(v.doubled for v in verdicts),
        sum(v.carts for v in verdicts),
        wrong + sum(len(one.wrong) for one in results),
        sum(one.phones for one in results),
        sum(one.phones_behind for one in results),
        sum(one.orders for one in results),
        sum(v.reserved for v in verdicts),
        sum(one.clean for one in results),
    )
    return [*kind, *(f"{number:,}" for number in numbers)]


def _line(cells: Sequence[str]) -> str:
    return " ".join(
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, (_, width)) in enumerate(zip(cells, COLUMNS, strict=True))
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
