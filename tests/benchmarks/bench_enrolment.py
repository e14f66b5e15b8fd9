"""How long Mosquitto does nothing else while one more device is enrolled.

With the devices' rules in its access file and in its dynamic-security plug-in. A server
process publishes one message after the other meanwhile; the longest wait for an
acknowledgement is the figure, the median of three enrolments. Beside it how long the whole
enrolment takes. No device is connected.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_enrolment.py [--devices 2000 10000]
"""

import argparse
import json
import os
import pwd
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from cart.db import make_engine, unit_of_work  # noqa: E402
from cart.db.migrate import upgrade  # noqa: E402
from cart.kernel.clock import SystemClock  # noqa: E402
from cart.kernel.ids import RandomIds  # noqa: E402
from gateway import mosquitto_rules  # noqa: E402
from gateway.broker.key import CONTROL_FILE, broker_key  # noqa: E402
from gateway.mosquitto import (  # noqa: E402
    BrokerFiles,
    find_plugin,
    tell_mosquitto,
    write_broker_files,
)
from gateway.registry.tables import DeviceRow  # noqa: E402
from gateway.settings import MqttSettings  # noqa: E402
from gateway.wire.credential import credential_hash  # noqa: E402
from gateway.wire.topics import partition_of  # noqa: E402
from tests.fakes.shop import enrolled  # noqa: E402
from tests.real.broker import Mosquitto  # noqa: E402
from tests.real.mqtt_client import MqttClient  # noqa: E402
from tests.real.ports import free_port, wait_for_port  # noqa: E402
from tests.real.waiting import wait_until  # noqa: E402

CLOCK, IDS = SystemClock(), RandomIds()
ROUNDS = 3
BLOCKED_MAX_S = 120.0  # beyond it the figure is of no use, and the run ends
SHOPS = 50


def fill(engine: Engine, devices: int) -> None:
    """Write so many devices, all with one credential: hashing is not what is measured."""
    kept = credential_hash("credential")
    with unit_of_work(engine) as db:
        for number in range(devices):
            place = f"shop-{number % SHOPS}"
            db.add(
                DeviceRow(
                    id=f"tablet-{number:06d}",
                    kind="tablet",
                    location_id=place,
                    partition=partition_of(place),
                    credential_hash=kept,
                    enrolled_at=CLOCK.now(),
                )
            )


def enrolments(
    engine: Engine, settings: MqttSettings, broker: Mosquitto
) -> list[tuple[float, float]]:
    """Enrol devices; return for each the longest wait of another, and how long it took, in ms."""
    found = []
    for _ in range(ROUNDS):
        waits: list[float] = []
        over = threading.Event()

        def publish(waits: list[float] = waits, over: threading.Event = over) -> None:
            secret = broker_key(settings.data_dir, IDS)
            with MqttClient(broker.port, "bench", "server", secret) as client:
                while not over.is_set():
                    begun = time.perf_counter()
                    client.publish("shop/v1/changes/bench", b"x")
                    waits.append(time.perf_counter() - begun)

        publisher = threading.Thread(target=publish)
        publisher.start()
        wait_until(lambda waits=waits: len(waits) > 1)  # type: ignore[misc]
        waits.clear()
        reloads = broker.log.count("Reloading config")
        begun = time.perf_counter()
        enrolled(engine, CLOCK, IDS)
        tell_mosquitto(engine, settings, IDS)
        wait_until(lambda n=reloads: broker.log.count("Reloading config") > n, BLOCKED_MAX_S)  # type: ignore[misc]
        seen = len(waits)
        wait_until(lambda n=seen, waits=waits: len(waits) > n + 1, BLOCKED_MAX_S)  # type: ignore[misc]
        took = time.perf_counter() - begun
        over.set()
        publisher.join()
        found.append((1e3 * max(waits), 1e3 * took))
    return found


def measure(folder: Path, devices: int, *, dynamic: bool) -> None:
    """Run a broker on a registry of so many devices, and print the figures."""
    engine = make_engine(f"sqlite:///{folder / 'carryover.db'}")
    upgrade(engine)
    fill(engine, devices)
    user = pwd.getpwuid(os.getuid()).pw_name
    plugin = find_plugin() if dynamic else None
    files = BrokerFiles(folder / "b", free_port(), free_port(), "127.0.0.1", user, plugin=plugin)
    control = broker_key(folder, IDS, CONTROL_FILE)
    settings = MqttSettings(
        data_dir=folder,
        mosquitto_password_file=files.passwords,
        mosquitto_pid_file=files.folder / "mosquitto.pid",
        mosquitto_control_url=f"mqtt://control:{control}@127.0.0.1:{files.server_port}"
        if dynamic
        else "",
    )
    write_broker_files(engine, settings, IDS, files)
    broker = Mosquitto(files.folder, conf=files.conf, port=files.server_port)
    broker.start()
    try:
        wait_for_port(files.port)
        found = enrolments(engine, settings, broker)
    finally:
        broker.stop()
        engine.dispose()
    what = f"{devices:,} devices, {'dynamic security' if dynamic else 'access file'}"
    for place, name in enumerate(("broker does nothing else", "whole enrolment")):
        value = round(median(one[place] for one in found))
        sys.stdout.write(
            json.dumps({"name": f"{name}: {what}", "value": value, "unit": "ms"}) + "\n"
        )


def main() -> None:
    """Measure both ways at each number of devices."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, nargs="+", default=[2_000, 10_000])
    asked = parser.parse_args()
    # Rules of their own for all, to see what the limit of the file is there for.
    mosquitto_rules.OWN_RULES_MAX = max(asked.devices) + ROUNDS  # type: ignore[misc]
    for devices in asked.devices:
        for dynamic in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder), devices, dynamic=dynamic)


if __name__ == "__main__":
    main()
