"""Twice what a gateway can store is offered for a while, scans and telemetry mixed.

First the sustainable rate: how fast a heap of scans is stored while it is being offered.
Then twice that, seven scans to three reports of health. Afterwards everything has to be
stored, each scan in a cart once; said are the latencies of both lanes, how full the queues
were, and how long the rest took. Real Mosquitto with persistence. Prints JSON lines:
{"name", "value", "unit"}.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, text

from cart.db import reading
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

ACCESS = "allow_anonymous true\nmax_inflight_messages 2000\n"  # as in gateway/mosquitto.conf
FIRST_EVENTS = 30_000
TELEMETRY_TENTHS = 3


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def latencies(engine: Engine, name: str, event_type: str) -> tuple[float, float]:
    """Return median and p99 in seconds, from the moment when it was due to its transaction."""
    statement = (
        "SELECT received_at_us - at_us AS waited FROM device_event"
        " WHERE spool LIKE :spool AND type = :type ORDER BY waited"
    )
    with reading(engine) as db:
        waited = db.connection().execute(
            text(statement), {"spool": f"{name}-%", "type": event_type}
        )
        found = [row[0] / 1e6 for row in waited]
    return found[len(found) // 2], found[len(found) * 99 // 100]


def overload(kind: str, url: str, folder: Path, seconds: float) -> None:
    """Measure one database."""
    engine = prepare(url)
    (folder / kind).mkdir()
    broker = Mosquitto(folder / kind, ACCESS)
    broker.start()
    most = {"events": 0, "telemetry": 0}
    full = 0
    try:
        with running(folder / kind / "gateway", url, broker.url) as gateway:
            rate, first = sustainable(gateway, engine, broker.port, FIRST_EVENTS)
            offer = Offer(engine, broker.port, "twice", telemetry_tenths=TELEMETRY_TENTHS)

            def look(_passed_s: float) -> None:
                nonlocal full
                for lane, held in gateway.seen()[1].items():
                    most[lane] = max(most[lane], held)
                full += gateway.reasons().get("queue") != "ok"

            began_s = time.monotonic()
            offer.at(2 * rate, seconds, look)
            offered_s = time.monotonic() - began_s
            all_said = first.said + offer.said
            until(lambda: gateway.seen()[0] >= all_said, SETTLE_S, "storing the rest")
            drained_s = time.monotonic() - began_s - offered_s
            offer.end()
            check(engine, all_said, first.scans + offer.scans)
            ready = gateway.ready()
        if ready != 200:
            sys.exit(f"it is not ready afterwards: {ready}")
        say(f"overload.{kind}.sustainable", rate, "events/s")
        say(f"overload.{kind}.offered", offer.said / offered_s, "events/s")
        say(f"overload.{kind}.behind_schedule", offer.behind_s, "s")
        for lane, event_type in (
            ("scan", "carryover.item.scanned"),
            ("telemetry", "carryover.device.health"),
        ):
            middle, last = latencies(engine, "twice", event_type)
            say(f"overload.{kind}.{lane}_p50", middle, "s")
            say(f"overload.{kind}.{lane}_p99", last, "s")
        say(f"overload.{kind}.held_events", most["events"], "messages")
        say(f"overload.{kind}.held_telemetry", most["telemetry"], "messages")
        say(f"overload.{kind}.seconds_not_ready", full, "s")
        say(f"overload.{kind}.drained_after", drained_s, "s")
        say(f"overload.{kind}.lost", 0, "events")
    finally:
        broker.stop()
        engine.dispose()


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    for kind, url, folder in each_database(chosen.only):
        overload(kind, url, folder, chosen.seconds)


if __name__ == "__main__":
    main()
