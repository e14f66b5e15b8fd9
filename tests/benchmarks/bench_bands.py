"""What it costs to say whose a wristband's frame is, among 100,000 that are out.

A frame with news is the first of a period, or of a press: it is decrypted; a band's very first
one makes its key ready, too. The same again, which is what receivers hear nearly always, is
looked up. Beside them, in the same run, AES of one block by the same library, as a measure of
the machine.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_bands.py [--bands 100000]
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

import psutil
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from gateway.presence.resolving import Resolver  # noqa: E402
from gateway.wire.band import PERIOD_S, BandKey, BandState  # noqa: E402

SIGHTINGS = 100_000
BLOCKS = 100_000
PERIODS_WATCHED = 3


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def _resolve_us(resolver: Resolver, frames: list[bytes]) -> float:
    began = time.process_time()
    found = sum(resolver.resolve(frame, 1.0) is not None for frame in frames)
    spent_s = time.process_time() - began
    if found != len(frames):
        msg = f"{len(frames) - found} frames were nobody's"
        raise AssertionError(msg)
    return spent_s / len(frames) * 1e6


def main() -> None:
    """Fill the table, resolve, and let three periods go by."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bands", type=int, default=100_000)
    bands = parser.parse_args().bands
    rng = random.Random(3)
    secrets = [rng.randbytes(16) for _ in range(bands)]
    clocks = [rng.uniform(0, 1e7) for _ in range(bands)]

    encryptor = Cipher(algorithms.AES(secrets[0]), modes.ECB()).encryptor()  # noqa: S305
    began = time.process_time()
    for _ in range(BLOCKS):
        encryptor.update(bytes(16))
    block_us = (time.process_time() - began) / BLOCKS * 1e6
    report("AES of one block, the machine's measure", block_us, "µs")

    before = psutil.Process().memory_info().rss
    resolver = Resolver()
    began = time.process_time()
    for number, (secret, clock_s) in enumerate(zip(secrets, clocks, strict=True)):
        resolver.add(number, BandKey(secret), 0.0, clock_s=clock_s, off_s=1.0)
    report(f"taking in {bands:,} bands", time.process_time() - began, "s")

    heard = [rng.randrange(bands) for _ in range(SIGHTINGS)]
    periods = {number: int(clocks[number] // PERIOD_S) for number in set(heard)}
    for salt, name in ((0, "a band's first frame"), (1, "a frame with news")):
        frames = {
            number: BandKey(secrets[number]).frame(period, salt, BandState(80))
            for number, period in periods.items()
        }
        report(f"whose {name} is, among {bands:,}", _resolve_us(resolver, [*frames.values()]), "µs")
    again = [frames[number] for number in heard]
    report(f"whose the same frame again is, among {bands:,}", _resolve_us(resolver, again), "µs")
    report(
        "memory of a band that is out", (psutil.Process().memory_info().rss - before) / bands, "B"
    )

    seconds = []
    for second in range(1, PERIODS_WATCHED * PERIOD_S):
        began = time.process_time()
        resolver.advance(float(second))
        seconds.append(time.process_time() - began)
    report("keeping the table, share of a core", sum(seconds) / len(seconds) * 100, "%")
    report("keeping the table, the busiest second", max(seconds) * 1e3, "ms")
    report("identifiers of a band in the table", resolver.identifiers / bands, "")


if __name__ == "__main__":
    main()
