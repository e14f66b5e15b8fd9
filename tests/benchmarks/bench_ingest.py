"""Events per second from Mosquitto into the database, beside a paho subscriber that does nothing.

Both find the same messages waiting in the broker for their persistent session
and take them with manual acknowledgement: no publisher competes for the two
cores. One run, alternating, so that the ratio holds when the machine's speed
drifts. Prints JSON lines: {"name", "value", "unit"}.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, text

from cart.db import make_engine, reading
from cart.db.migrate import upgrade
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.links import client_ids, forget_session
from gateway.settings import MqttSettings
from gateway.wire.topics import PARTITION_NAMES, Channel, every_device
from gateway.wiring import Gateway
from tests.fakes.shop import ARTICLES, Tablet, enrolled, stock_catalogue
from tests.real.broker import Mosquitto
from tests.real.postgres import running_postgres

DEVICES = 20
WAIT_S = 40
VISIT_EVENTS = 40  # then the next person
SHARED = "shared"  # one gateway that could have others beside it, on PostgreSQL: its 16 sessions
ACCESS = "allow_anonymous true\nmax_inflight_messages 2000\n"  # as in gateway/mosquitto.conf


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def sessions(port: int, client_id: str, topic: str) -> None:
    """Leave a persistent session with a subscription, as a consumer that is away."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
    done = threading.Event()
    client.on_subscribe = lambda *_: done.set()
    client.on_connect = lambda c, *_: c.subscribe(topic, 1)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=True, properties=properties)
    client.loop_start()
    if not done.wait(WAIT_S):
        sys.exit("the broker gave no subscription")
    client.disconnect()
    client.loop_stop()


def publish(port: int, lines: dict[str, list[str]]) -> None:
    """Publish each topic's lines in order with mosquitto_pub, four topics at a time."""
    waiting = list(lines.items())
    while waiting:
        group = [
            subprocess.Popen(
                ["mosquitto_pub", "-p", str(port), "-V", "5", "-q", "1", "-t", topic, "-l"],
                stdin=subprocess.PIPE,
            )
            for topic, _ in waiting[:4]
        ]
        for process, (_, texts) in zip(group, waiting[:4], strict=True):
            threading.Thread(
                target=process.communicate, args=(("\n".join(texts) + "\n").encode(),)
            ).start()
        for process in group:
            process.wait(WAIT_S)
        waiting = waiting[4:]
    time.sleep(0.5)


def paho_rate(port: int, events: int) -> float:
    """Drain the waiting messages by hand-made acks; return the rate."""
    count, first, last = 0, 0.0, 0.0
    done = threading.Event()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="ceiling", protocol=paho.MQTTv5, manual_ack=True
    )

    def received(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        nonlocal count, first, last
        now = time.perf_counter()
        first = first or now
        count += 1
        last = now
        client.ack(message.mid, message.qos)
        if count == events:
            done.set()

    client.on_message = received
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_start()
    if not done.wait(WAIT_S):
        sys.exit(f"only {count} of {events} came")
    client.disconnect()
    client.loop_stop()
    return (events - 1) / (last - first)


def stored(engine: Engine) -> int:
    """Return how many events the database has."""
    with reading(engine) as db:
        return int(db.connection().execute(text("SELECT count(*) FROM device_event")).scalar() or 0)


def since(engine: Engine, before: int) -> int:
    """Return how many events came after ``before``."""
    return stored(engine) - before


def gateway_rate(settings: MqttSettings, count: Callable[[], int], events: int) -> float:
    """Start a gateway on the waiting messages; return committed events per second."""
    gateway = Gateway(settings)
    begun = time.perf_counter()
    gateway.start()
    while gateway.counts.stored == 0:
        time.sleep(0.0005)
    first_count, first = gateway.counts.stored, time.perf_counter()
    while gateway.counts.stored + gateway.counts.dead < events:
        if time.perf_counter() - begun > WAIT_S:
            sys.exit(f"only {gateway.counts} of {events} came")
        time.sleep(0.001)
    rate = (events - first_count) / (time.perf_counter() - first)
    gateway.stop()
    if count() != events:
        sys.exit(f"{count()} rows for {events} events")
    return rate


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Yield a URL per database."""
    with running_postgres() as server:
        server.make_template(lambda _url: None)
        with server.database() as postgresql_url, server.database() as shared_url:
            yield {
                "sqlite": f"sqlite:///{folder}/bench.db",
                "postgresql": postgresql_url,
                SHARED: shared_url,
            }


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sqlite", "postgresql", SHARED], action="append")
    chosen = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, databases(Path(name)) as urls:
        broker = Mosquitto(Path(name) / "mosquitto", ACCESS)
        broker.start()
        rates: dict[str, list[float]] = {"paho": []}
        try:
            for kind, url in urls.items():
                if not chosen.only or kind in chosen.only:
                    rates[kind] = []
                    prepare(url)
            for number in range(chosen.rounds):
                one_round(broker.port, urls, rates, chosen.events, number, Path(name))
        finally:
            broker.stop()
    ceiling = statistics.median(rates["paho"])
    say("ingest.paho_ceiling", ceiling, "events/s")
    for kind, found in rates.items():
        if kind != "paho":
            say(f"ingest.{kind}", statistics.median(found), "events/s")
            ratios = [ours / theirs for ours, theirs in zip(found, rates["paho"], strict=True)]
            say(f"ingest.{kind}.share_of_ceiling", statistics.median(ratios), "ratio")


def prepare(url: str) -> None:
    """Make the schema, the catalogue and the devices."""
    engine = make_engine(url)
    upgrade(engine)
    stock_catalogue(engine)
    engine.dispose()


def one_round(  # noqa: PLR0917
    port: int,
    urls: dict[str, str],
    rates: dict[str, list[float]],
    events: int,
    number: int,
    folder: Path,
) -> None:
    """Measure the ceiling and each database once on the same number of messages."""
    for kind in urls.keys() & rates.keys():
        engine = make_engine(urls[kind])
        tablets = [
            Tablet(
                enrolled(engine, SystemClock(), RandomIds(), location_id=f"shop-{place}"),
                SystemClock(),
                f"s{number}",
            )
            for place in range(DEVICES)
        ]
        lines = {
            tablet.address.topic(Channel.EVENTS): [
                json.dumps(
                    tablet.scanned(
                        f"v{number}-{index // VISIT_EVENTS}", ARTICLES[index % len(ARTICLES)][0]
                    )
                )
                for index in range(events // DEVICES)
            ]
            for tablet in tablets
        }
        settings = MqttSettings(
            mqtt_url=f"mqtt://127.0.0.1:{port}",
            database_url=urls[kind],
            data_dir=folder / kind,
            gateway_shared=kind == SHARED,
        )
        before = stored(engine)
        if kind == SHARED:
            forget_session(settings, "gateway", WAIT_S)  # or it would hear everything, too
        for partition in PARTITION_NAMES if kind == SHARED else ("",):
            topic = every_device(Channel.EVENTS, partition or "+")
            sessions(port, client_ids(settings, partition)[0], topic)
        if len(rates["paho"]) <= number:
            sessions(port, "ceiling", "shop/v1/+/+/+/events")
        publish(port, lines)
        if len(rates["paho"]) <= number:
            rates["paho"].append(paho_rate(port, events))
        rates[kind].append(gateway_rate(settings, partial(since, engine, before), events))
        for partition in PARTITION_NAMES if kind == SHARED else ():
            for client_id in client_ids(settings, partition):
                forget_session(settings, client_id, WAIT_S)
        engine.dispose()


if __name__ == "__main__":
    main()
