"""Scan to phone at idle and under load, and the memory of gateway and API meanwhile.

From the call that publishes a scan to its arrival on a phone's live stream, on
one machine's monotonic clock: broker, gateway, commit, fan-out, API and SSE are
all in it. Through the embedded broker, and through Mosquitto where it is
installed. Prints JSON lines: {"name", "value", "unit"}.

With ``--phones 1000 --rate 1000`` only a crowd is measured: a phone on every cart, each of
which changes once a second; and the API's memory with as many phones that say nothing.
"""

import argparse
import json
import os
import pwd
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from cart.kernel.ids import RandomIds
from firmware_sim.load.drive import PHONES_MAX, Load, Report, drive
from firmware_sim.load.run import own_shop
from firmware_sim.shop import Part, Shop
from tests.real.broker import Mosquitto, find_mosquitto
from tests.real.ports import free_port

DEVICES = 500  # each scans once a second: busier than any tablet that a person holds
PHONES = 20
IDLE_RATE = 10  # a scan every tenth of a second in the whole shop
LOADED_RATE = 500
SILENT_EVENTS = 20  # a load needs some; a phone in fifty hears of one
KIB = 1024
LOCATION = "harbour-street"
PARTS: tuple[Part, ...] = ("gateway", "api")
MIB = 1024 * 1024


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def memory_mib(shop: Shop, part: Part) -> float:
    """Return a process's proportional memory: a page shared by two counts half in each."""
    process = psutil.Process(shop.pid(part))
    full = process.memory_full_info()
    size: int = getattr(full, "pss", 0) or full.rss  # macOS has no PSS
    return size / MIB


def say_memory(shop: Shop, broker: str, when: str) -> None:
    """Print the memory of each part and of both."""
    sizes = {part: memory_mib(shop, part) for part in PARTS}
    for part, size in sizes.items():
        say(f"memory.{broker}.{when}.{part}", size, "MiB")
    say(f"memory.{broker}.{when}.sum", sum(sizes.values()), "MiB")


def say_report(report: Report, broker: str, when: str) -> None:
    """Print the latencies of one run, and what it lost."""
    for share in ("p50", "p95", "p99"):
        value = getattr(report, f"phone_{share}_ms")
        if value is not None:
            say(f"scan_to_phone.{broker}.{when}.{share}", value, "ms")
    say(f"scan_to_phone.{broker}.{when}.events", report.phone_events, "events")
    say(f"scan_to_phone.{broker}.{when}.rate", report.rate_achieved, "events/s")
    say(f"scan_to_phone.{broker}.{when}.lost", report.lost, "events")


@contextmanager
def mosquitto(folder: Path) -> Iterator[dict[str, str]]:
    """Run Mosquitto on the files of ``gateway broker-files``; yield the settings for a shop."""
    port, server_port = free_port(), free_port()
    user = pwd.getpwuid(os.getuid()).pw_name
    Shop(folder / "data").command(
        "gateway.cli", "broker-files", "--out", str(folder), "--port", str(port),
        "--server-port", str(server_port), "--bind", "127.0.0.1", "--user", user,
    )  # fmt: skip
    key = (folder / "data" / "broker.key").read_text().strip()
    broker = Mosquitto(folder, conf=folder / "mosquitto.conf", port=port)
    broker.start()
    try:
        yield {
            "MQTT_URL": f"mqtt://server:{key}@127.0.0.1:{server_port}",
            "MQTT_PUBLIC_URL": f"mqtt://127.0.0.1:{port}",
            "MOSQUITTO_PASSWORD_FILE": str(folder / "passwords"),
            "MOSQUITTO_PID_FILE": str(folder / "mosquitto.pid"),
        }
    finally:
        broker.stop()


def measure(broker: str, folder: Path, settings: dict[str, str], seconds: float) -> None:
    """Open a shop, measure it idle and loaded, close it."""
    shop = own_shop(folder, settings)
    try:
        shop.start()
        say_memory(shop, broker, "idle")
        loads = {
            "idle": Load(PHONES, IDLE_RATE, seconds, LOCATION, phones=PHONES),
            "loaded": Load(DEVICES, LOADED_RATE, seconds, LOCATION, phones=PHONES),
            "together": Load(
                DEVICES, LOADED_RATE, seconds, LOCATION, phones=PHONES, side_by_side=True
            ),
        }
        for when, load in loads.items():
            loaded = when == "loaded"

            def during(loaded: bool = loaded) -> None:  # noqa: FBT001 - bound here, said by its name
                if loaded:
                    say_memory(shop, broker, "loaded")

            say_report(drive(shop, load, RandomIds(), during=during), broker, when)
    finally:
        shop.stop()


def measure_crowd(  # noqa: PLR0917 - what is asked for, and where
    broker: str,
    folder: Path,
    settings: dict[str, str],
    seconds: float,
    phones: int,
    rate: float,
) -> None:
    """Open a shop; measure the API without phones and with silent ones, then all of them busy."""
    shop = own_shop(folder, settings)
    ids = RandomIds()
    try:
        shop.start()
        sizes: dict[str, float] = {}
        for when, open_phones in (("none", 0), ("silent", phones)):

            def during(when: str = when) -> None:
                sizes[when] = memory_mib(shop, "api")
                say_memory(shop, broker, f"phones_{when}")

            quiet = Load(phones, rate, SILENT_EVENTS / rate, LOCATION, phones=open_phones)
            drive(shop, quiet, ids, during=during)
        each_kib = (sizes["silent"] - sizes["none"]) * KIB / phones
        say(f"memory.{broker}.phone", each_kib, "KiB")
        busy = Load(phones, rate, seconds, LOCATION, phones=phones)
        say_report(
            drive(shop, busy, ids, during=lambda: say_memory(shop, broker, "crowd")),
            broker,
            "crowd",
        )
    finally:
        shop.stop()


def main() -> None:
    """Measure on each broker that there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each run")
    parser.add_argument(
        "--phones", type=int, default=0, help=f"of a crowd, {PHONES_MAX} at most; 0: no crowd"
    )
    parser.add_argument("--rate", type=float, default=1_000, help="events a second of a crowd")
    asked = parser.parse_args()
    seconds: float = asked.seconds
    if not 0 <= asked.phones <= PHONES_MAX or asked.rate <= 0:
        parser.error(f"--phones is from 0 to {PHONES_MAX}, --rate more than 0")

    def step(broker: str, where: Path, settings: dict[str, str]) -> None:
        if asked.phones:
            measure_crowd(broker, where, settings, seconds, asked.phones, asked.rate)
        else:
            measure(broker, where, settings, seconds)

    with tempfile.TemporaryDirectory(prefix="carryover-latency-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Mosquitto runs as a user of its own when started by root
        step("embedded", folder / "embedded", {})
        try:
            find_mosquitto()
        except FileNotFoundError:
            sys.stderr.write("mosquitto is not installed: measured on the embedded broker only\n")
            return
        with mosquitto(folder / "mosquitto") as settings:
            step("mosquitto", folder / "mosquitto-shop", settings)


if __name__ == "__main__":
    main()
