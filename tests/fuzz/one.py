"""One target in a process of its own: ``python -m tests.fuzz.one NAME RUNS SEED FOLDER``.

The engine follows coverage and never returns: it ends the process, with 0 after RUNS
inputs. An input that took too long or raised is left in FOLDER, and its traceback on
standard error. ``FOLDER/counts.json`` says how the inputs were judged.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import atheris

from tests.fuzz.mutation import changed

INPUT_S_MAX: Final = 20  # one input; a hard photo takes half a second on a slow machine
MEMORY_MIB_MAX: Final = 1_500
COUNT_EVERY: Final = 1_000
ANEW: Final = 0.5
GROWTH: Final = 16  # bytes that a change of any bytes may add


def main(name: str, runs: int, seed: int, folder: Path) -> None:
    """Feed one target."""
    with atheris.instrument_imports(include=["cart", "gateway", "inventory_api", "store_devices"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported

    target = TARGETS[name]
    room, corpus = folder / "room", folder / "corpus"
    room.mkdir(parents=True)
    corpus.mkdir()
    seeds = list(target.seeds())
    for number, seeded in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seeded)
    act = target.make(room)
    counts: Counter[str] = Counter()

    def once(data: bytes) -> None:
        counts[act(data)] += 1
        total = counts.total()
        if total % COUNT_EVERY == 0 or total >= runs:
            (folder / "counts.json").write_text(json.dumps(counts))

    def mutate(data: bytes, bytes_max: int, number: int) -> bytes:
        """Change the JSON after the head of a message; every fourth time, any bytes."""
        dice = Random(number)
        if target.json and dice.random() < ANEW:
            data = dice.choice(seeds)  # one change to what is right, not one more to what is wrong
        head, separator, payload = data.partition(b"{")
        other = changed(separator + payload, dice) if target.json and number % 4 else None
        if other is None or len(head) + len(other) > bytes_max:
            return bytes(atheris.Mutate(data, min(len(data) + GROWTH, bytes_max)))
        return head + other

    atheris.Setup(
        [
            name,
            f"-runs={runs}",
            f"-seed={seed}",
            f"-max_len={target.bytes_max}",
            f"-timeout={INPUT_S_MAX}",
            f"-rss_limit_mb={MEMORY_MIB_MAX}",
            f"-artifact_prefix={folder}/found-",
            "-mutate_depth=1",  # of our changes, one at a time: five in a row leave nothing right
            "-verbosity=0",
            str(corpus),
        ],
        once,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
