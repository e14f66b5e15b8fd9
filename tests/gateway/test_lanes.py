"""Scans go before telemetry wherever a queue can form, and telemetry does not starve."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, text

from cart.db import is_sqlite, make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.run_files import announced
from gateway.ingest.lanes import FULL_BATCHES_MAX, TELEMETRY_BATCH_MAX, Lanes
from gateway.mqtt import Incoming
from gateway.settings import MqttSettings
from gateway.wire.topics import Channel
from gateway.wiring import Gateway
from tests.fakes.shop import MUG, Tablet, enrolled, stock_catalogue
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
WAIT_S = 30.0
BATCH = 100
SCANS = REPORTS = 300  # three full batches, fewer than telemetry has to wait for
QUEUED = re.compile(r'^carryover_gateway_queue_messages\{lane="(\w+)"\} (\S+)', re.MULTILINE)
HEALTH = {"firmware": "1.0"}
PARTS = ("database", "ingest", "broker", "queue")


def message(channel: Channel, number: int) -> Incoming:
    """Return one as it comes from the broker."""
    topic = f"shop/v1/p00/shop/tab/{channel}"
    return Incoming(topic, b"", number, 1, retain=False, generation=1)


def lanes_with(events: int, telemetry: int) -> Lanes:
    """Return lanes in which so many messages wait, telemetry first."""
    lanes = Lanes(10_000)
    for number in range(telemetry):
        lanes.telemetry.put(message(Channel.TELEMETRY, number))
    for number in range(events):
        lanes.events.put(message(Channel.EVENTS, number))
    return lanes


def split(taken: list[Incoming]) -> tuple[list[int], list[int]]:
    """Return the numbers of the events and of the telemetry in a batch."""
    return tuple(  # type: ignore[return-value]
        [one.mid for one in taken if one.topic.endswith(channel)]
        for channel in (Channel.EVENTS, Channel.TELEMETRY)
    )


def test_telemetry_gets_the_room_that_events_leave() -> None:
    """Events first, each lane in its order; of telemetry only so much that a scan can wait."""
    lanes = lanes_with(events=130, telemetry=1_000)
    assert split(lanes.take(100, 0)) == ([*range(100)], [])
    assert split(lanes.take(100, 0)) == ([*range(100, 130)], [*range(70)])
    assert split(lanes.take(1_000, 0)) == ([], [*range(70, 70 + TELEMETRY_BATCH_MAX)])
    assert lanes.held([message(Channel.TELEMETRY, 1), message(Channel.EVENTS, 1)]) == {
        "events": 1,
        "telemetry": 1_000 - 70 - TELEMETRY_BATCH_MAX + 1,
    }


def test_in_a_rush_that_does_not_end_telemetry_has_its_turn() -> None:
    """Every tenth batch has room kept for it; without telemetry nothing is kept free."""
    lanes = lanes_with(events=9_000, telemetry=250)
    sizes = [tuple(map(len, split(lanes.take(400, 0)))) for _ in range(2 * FULL_BATCHES_MAX + 2)]
    turn = 400 - TELEMETRY_BATCH_MAX
    assert sizes[: FULL_BATCHES_MAX + 1] == [(400, 0)] * FULL_BATCHES_MAX + [
        (turn, TELEMETRY_BATCH_MAX)
    ]
    assert sizes[FULL_BATCHES_MAX + 1 :] == [(400, 0)] * FULL_BATCHES_MAX + [(350, 50)]
    assert [len(lanes.take(400, 0)) for _ in range(2)] == [400, 400]


def test_either_lane_wakes_the_loop() -> None:
    """A message that comes while nothing waits ends the wait, whichever lane it is in."""
    for channel in (Channel.EVENTS, Channel.TELEMETRY):
        lanes = Lanes(10)
        inbox = lanes.events if channel is Channel.EVENTS else lanes.telemetry
        putting = threading.Timer(0.05, inbox.put, [message(channel, 7)])
        putting.start()
        assert [one.mid for one in lanes.take(10, WAIT_S)] == [7]
        putting.join()


def test_closed_lanes_let_both_producers_go() -> None:
    """A network thread that waits for room ends with the gateway."""
    lanes = Lanes(1)
    lanes.events.put(message(Channel.EVENTS, 1))
    waiting = threading.Thread(target=lanes.events.put, args=[message(Channel.EVENTS, 2)])
    waiting.start()
    lanes.close()
    waiting.join(WAIT_S)
    assert not waiting.is_alive()


class Shop:
    """A gateway on a real broker and database, and a tablet that speaks on both channels."""

    def __init__(self, engine: Engine, settings: MqttSettings) -> None:
        self.engine, self.settings = engine, settings
        self.gateway = Gateway(settings)
        self.port = self.gateway.start()
        assert self.gateway.wait_online(WAIT_S)
        device = enrolled(engine, CLOCK, IDS)
        self.tablet, self.itself = Tablet(device, CLOCK), Tablet(device, CLOCK, "telemetry-1")

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Ask the gateway whether it is ready."""
        answer = httpx2.get(f"{self._monitor}/health/ready", timeout=10)
        return answer.status_code, answer.json()

    def queued(self) -> dict[str, int]:
        """Return by lane what the metrics say is held."""
        page = httpx2.get(f"{self._monitor}/metrics", timeout=10).text
        found = QUEUED.findall(page)
        return {lane: int(float(count)) for lane, count in found}

    @property
    def _monitor(self) -> str:
        return f"http://127.0.0.1:{announced(self.settings.data_dir, 'gateway')['monitor_port']}"

    def received(self, pattern: str) -> list[int]:
        """Return when each event of these types was received."""
        with reading(self.engine) as db:
            found = db.connection().execute(
                text("SELECT received_at_us FROM device_event WHERE type LIKE :pattern"),
                {"pattern": pattern},
            )
            return [row[0] for row in found]


@pytest.fixture(params=["mosquitto and postgresql", "embedded and sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A chain's parts, and a small shop's."""
    chain = str(request.param).startswith("mosquitto")
    url: str = request.getfixturevalue("postgresql_url" if chain else "sqlite_url")
    broker: Mosquitto | None = request.getfixturevalue("mosquitto") if chain else None
    engine = make_engine(url)
    stock_catalogue(engine)
    made = Shop(
        engine,
        MqttSettings(
            data_dir=tmp_path / "data",
            database_url=url,
            mqtt_url=broker.url if broker else "",
            mqtt_port=0,
            gateway_queue_events=SCANS + 1,
            gateway_batch_events=BATCH,
        ),
    )
    made.port = made.port or (broker.port if broker else 0)
    yield made
    made.gateway.stop()
    engine.dispose()


@contextmanager
def held_back(engine: Engine) -> Iterator[None]:
    """Let nobody store an event."""
    with unit_of_work(engine) as db:
        if is_sqlite(db.connection()):
            db.connection()  # begins at once: SQLite has one writer
        else:
            db.execute(text("LOCK TABLE device_event IN EXCLUSIVE MODE"))
        yield


def test_what_waited_is_stored_scans_first(shop: Shop) -> None:
    """More than can be taken at once: all is stored once, every scan before any report of health.

    Telemetry came first, so a single queue would have had it first. Meanwhile health and
    metrics say how it is.
    """
    reports = [
        json.dumps(shop.itself.event("device.health", HEALTH)).encode() for _ in range(REPORTS)
    ]
    scans = [json.dumps(shop.tablet.scanned("v1", MUG)).encode() for _ in range(SCANS + 1)]
    device, address = shop.tablet.device, shop.tablet.address
    name = device.device_id
    with MqttClient(shop.port, name, name, device.credential) as client:
        with held_back(shop.engine):
            client.publish(address.topic(Channel.EVENTS), scans[0])
            wait_until(lambda: shop.queued() == {"events": 1, "telemetry": 0}, WAIT_S)
            client.publish_all(address.topic(Channel.TELEMETRY), reports)
            wait_until(lambda: shop.queued()["telemetry"] == REPORTS, WAIT_S)
            assert shop.ready() == (200, {"ready": True, **dict.fromkeys(PARTS, "ok")})
            client.publish_all(address.topic(Channel.EVENTS), scans[1:])
            wait_until(lambda: shop.queued()["events"] == SCANS + 1, WAIT_S)
            status, said = shop.ready()
            full = f"{SCANS + 1} messages wait, {SCANS + 1} may: the broker is held back"
            assert (status, said["queue"]) == (503, full)
        wait_until(lambda: shop.gateway.counts.stored == 1 + SCANS + REPORTS, WAIT_S)
    first, last = shop.received("%.scanned"), shop.received("%.health")
    assert (len(first), len(last)) == (SCANS + 1, REPORTS)
    assert max(first) <= min(last)
    wait_until(lambda: shop.queued() == {"events": 0, "telemetry": 0}, WAIT_S)
    assert shop.ready()[0] == 200
    assert shop.gateway.acknowledged == 1 + SCANS + REPORTS
