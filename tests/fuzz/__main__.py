"""``make fuzz INPUTS=1000000``: every target, its share of the inputs each, one after the other.

Prints per target how many inputs were taken and how many refused, and why. What is
found ends the run with 1; the input stays in ``var/fuzz`` and is said.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.targets import TAKEN, TARGETS

ROOM: Final = Path("var/fuzz")
FIRST_INPUTS: Final = 100  # less than this says nothing
# The engine's limit is of the most that the process ever took, and Linux counts there what took
# whoever started it. So a shell starts it, which takes nothing.
APART: Final = ("sh", "-c", '"$@"; exit $?', "sh")


@dataclass(frozen=True, slots=True)
class Run:
    """How a target fared. ``found``: what the process said, if it did not end well."""

    counts: dict[str, int]
    seconds: float
    found: str = ""

    @property
    def inputs(self) -> int:
        """How many inputs were judged."""
        return sum(self.counts.values())


def fuzz(name: str, runs: int, seed: int, room: Path) -> Run:
    """Feed one target in a process of its own."""
    folder = room / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [*APART, sys.executable, "-m", "tests.fuzz.one"]
    command += [name, str(runs), str(seed), str(folder)]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = folder / "counts.json"
    counts = json.loads(counted.read_text()) if counted.exists() else {}
    found = "" if done.returncode == 0 else f"exit {done.returncode}\n{done.stderr[-6_000:]}"
    return Run(counts, time.monotonic() - begun, found)


def said(name: str, run: Run) -> str:
    """Return a line about a run."""
    taken = run.counts.get(TAKEN, 0)
    reasons = ", ".join(
        f"{code} {count:,}" for code, count in sorted(run.counts.items()) if code != TAKEN
    )
    return (
        f"{name:12} {run.inputs:>9,} inputs in {run.seconds:6.0f} s:"
        f" {taken:,} taken; refused: {reasons or 'none'}"
    )


def main() -> int:
    """Feed all, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[*TARGETS])
    chosen = parser.parse_args()
    names = [chosen.only] if chosen.only else [*TARGETS]
    weights = sum(TARGETS[name].weight for name in names)
    total, found = 0, False
    for name in names:
        runs = max(FIRST_INPUTS, -(-chosen.inputs * TARGETS[name].weight // weights))
        run = fuzz(name, runs, chosen.seed, ROOM)
        total += run.inputs
        sys.stdout.write(said(name, run) + "\n")
        if run.found:
            found = True
            sys.stdout.write(f"FOUND, kept in {ROOM / name}: {run.found}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total:,} inputs, seed {chosen.seed}\n")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
