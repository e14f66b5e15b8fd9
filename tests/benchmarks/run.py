"""Runs benchmarks one after the other; prints their JSON lines, then all figures as a table.

A benchmark prints lines of ``{"name", "value", "unit"}`` on its standard output.
"""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK_MAX_S = 1_800  # the longest takes minutes; one that hangs must not hang the rest


def figures(script: str) -> list[dict[str, object]]:
    """Run one benchmark, passing its lines on; return its figures.

    Raises:
        subprocess.CalledProcessError: it failed; its errors are on standard error already.
    """
    sys.stderr.write(f"{script}\n")
    done = subprocess.run(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        timeout=BENCHMARK_MAX_S,
        check=True,
    )
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(found: list[dict[str, object]]) -> str:
    """Return the figures as a Markdown table."""
    rows = [(str(one["name"]), f"{one['value']:,}", str(one["unit"])) for one in found]
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = [f"| {'figure':<{wide[0]}} | {'value':>{wide[1]}} | {'unit':<{wide[2]}} |"]
    lines.append(f"|{'-' * (wide[0] + 2)}|{'-' * (wide[1] + 1)}:|{'-' * (wide[2] + 2)}|")
    lines += [f"| {name:<{wide[0]}} | {value:>{wide[1]}} | {unit:<{wide[2]}} |"
              for name, value, unit in rows]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Run the benchmarks named on the command line, all of this folder by default."""
    here = Path(__file__).parent
    scripts = sys.argv[1:] or [
        str(path) for path in sorted(here.glob("bench_*.py")) if path.stem != "bench_vision"
    ]
    found = [figure for script in scripts for figure in figures(script)]
    sys.stdout.write(f"\n{table(found)}\n")


if __name__ == "__main__":
    main()
