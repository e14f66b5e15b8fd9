"""Minutes at 80 % of what a gateway can store: does its memory grow, is everything stored once?

First the ingest rate of this very run, then four fifths of it for ``--minutes``, scans and
telemetry mixed. Resident memory of the gateway is sampled every second; the slope is that of
the straight line through the samples after the first tenth. Real Mosquitto with persistence.
Ten minutes tell whether memory grows; by default it takes one, so that
``make bench`` has an end. Prints JSON lines: {"name", "value", "unit"}.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_overload import ACCESS, FIRST_EVENTS, TELEMETRY_TENTHS, say
from tests.benchmarks.offered import (
    SETTLE_S,
    Offer,
    check,
    each_database,
    prepare,
    running,
    sustainable,
    until,
)
from tests.real.broker import Mosquitto

SHARE = 0.8


def slope(samples: list[tuple[float, float]]) -> float:
    """Return the slope of the least-squares line, in units of y for one of x."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    across = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / across


def soak(kind: str, url: str, folder: Path, minutes: float) -> None:
    """Measure one database."""
    engine = prepare(url)
    (folder / kind).mkdir()
    broker = Mosquitto(folder / kind, ACCESS)
    broker.start()
    samples: list[tuple[float, float]] = []
    try:
        with running(folder / kind / "gateway", url, broker.url) as gateway:
            at_rest = gateway.rss_mib()
            rate, first = sustainable(gateway, engine, broker.port, FIRST_EVENTS)
            offer = Offer(engine, broker.port, "soak", telemetry_tenths=TELEMETRY_TENTHS)
            most = 0

            def look(passed_s: float) -> None:
                nonlocal most
                samples.append((passed_s / 60, gateway.rss_mib()))
                most = max(most, gateway.seen()[1]["events"])

            offer.at(SHARE * rate, minutes * 60, look)
            offer.end()
            all_said = first.said + offer.said
            until(lambda: gateway.seen()[0] >= all_said, SETTLE_S, "storing the rest")
            check(engine, all_said, first.scans + offer.scans)
        steady = samples[len(samples) // 10 :]
        say(f"soak.{kind}.rate", SHARE * rate, "events/s")
        say(f"soak.{kind}.minutes", minutes, "min")
        say(f"soak.{kind}.stored", all_said, "events")
        say(f"soak.{kind}.behind_schedule", offer.behind_s, "s")
        say(f"soak.{kind}.held_events", most, "messages")
        say(f"soak.{kind}.rss_at_rest", at_rest, "MiB")
        say(f"soak.{kind}.rss_start", steady[0][1], "MiB")
        say(f"soak.{kind}.rss_end", steady[-1][1], "MiB")
        say(f"soak.{kind}.rss_max", max(rss for _, rss in samples), "MiB")
        say(f"soak.{kind}.rss_slope", slope(steady), "MiB/min")
        for minute in range(1, int(minutes) + 1):
            largest = max(rss for at, rss in samples if minute - 1 <= at < minute)
            say(f"soak.{kind}.rss_max.minute_{minute}", largest, "MiB")
    finally:
        broker.stop()
        engine.dispose()


def main() -> None:
    """Measure both databases, or one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    for kind, url, folder in each_database(chosen.only):
        soak(kind, url, folder, chosen.minutes)


if __name__ == "__main__":
    main()
