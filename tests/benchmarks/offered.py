"""A gateway as a process of its own, and devices that offer it messages at a set rate.

The devices are ``mosquitto_pub`` processes, one for each topic, fed line by line at the
moment when each line is due: an open loop, which costs the two cores little. Each message
bears that moment, and the database the one when it was taken: the difference is its latency.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psutil
from sqlalchemy import Engine, text

from cart.db import make_engine, reading
from cart.db.migrate import upgrade
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.run_files import announced
from gateway.wire.topics import Channel, DeviceAddress
from tests.fakes.shop import ARTICLES, enrolled, stock_catalogue
from tests.real.postgres import DURABLE, running_postgres

DEVICES = 20
VISIT_EVENTS = 40  # then the next person
TICK_S = 0.02  # lines that are due together go together
START_S, SETTLE_S = 60.0, 600.0
STORED = re.compile(r"^carryover_gateway_events_stored_total\{.*\} (\S+)$", re.MULTILINE)
QUEUED = re.compile(r'^carryover_gateway_queue_messages\{lane="(\w+)"\} (\S+)$', re.MULTILINE)
LINE = (
    '{"specversion":"1.0","id":"%s-%d","source":"/devices/%s","type":"%s","time":"%s",'
    '"datacontenttype":"application/json","spool":"%s","sequence":%d,"previous":%d,"data":%s}\n'
)
HEALTH = '{"firmware":"bench","battery_percent":80,"charging":false}'


class GatewayProcess:
    """``gateway run`` with these settings. Start it, look at it, stop it."""

    def __init__(self, data_dir: Path, settings: dict[str, str]) -> None:
        self._data_dir = data_dir
        data_dir.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, "DATA_DIR": str(data_dir), **settings}
        # A new connection for each look: one that is kept may be closed, as idle, while we ask.
        self._client = httpx2.Client(timeout=10, limits=httpx2.Limits(max_keepalive_connections=0))

    def start(self) -> None:
        """Start it; return when it is ready."""
        log = (self._data_dir / "gateway.log").open("ab")
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("gateway")), "run"],
            env=self._environment,
            stdout=log,
            stderr=log,
        )
        self._measured = psutil.Process(self._process.pid)
        until(lambda: self._announced() and self.ready() == 200, START_S, "the gateway")

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        self._process.wait(START_S)
        self._client.close()

    def _announced(self) -> bool:
        try:
            return bool(announced(self._data_dir, "gateway").get("monitor_port"))
        except OSError:
            return False

    def _page(self, path: str) -> httpx2.Response:
        port = announced(self._data_dir, "gateway")["monitor_port"]
        return self._client.get(f"http://127.0.0.1:{port}{path}")

    def ready(self) -> int:
        """Return the status of its readiness, 0 when nobody answers."""
        try:
            return self._page("/health/ready").status_code
        except httpx2.HTTPError:
            return 0

    def reasons(self) -> dict[str, Any]:
        """Return what readiness says of each part."""
        return dict(self._page("/health/ready").json())

    def seen(self) -> tuple[int, dict[str, int]]:
        """Return how many events it has stored, and how many messages it holds by lane."""
        page = self._page("/metrics").text
        stored = sum(int(float(one)) for one in STORED.findall(page))
        return stored, {lane: int(float(count)) for lane, count in QUEUED.findall(page)}

    def rss_mib(self) -> float:
        """Return its resident memory."""
        return float(self._measured.memory_info().rss) / 2**20


def until(holds: Callable[[], bool], wait_s: float, what: str) -> None:
    """Wait; end the run if it does not come about."""
    deadline = time.monotonic() + wait_s
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {wait_s:.0f} s")
        time.sleep(0.05)


@dataclass
class Speaker:
    """One device's end of one channel."""

    process: subprocess.Popen[bytes]
    device_id: str
    spool: str
    number: int = 0
    lines: list[str] = field(default_factory=list)

    def say(self, event_type: str, data: str, now: str) -> None:
        """Add a message to those that go next."""
        self.number += 1
        self.lines.append(
            LINE
            % (
                *(self.spool, self.number, self.device_id, event_type, now, self.spool),
                *(self.number, self.number - 1, data),
            )
        )

    def flush(self) -> None:
        """Let them go; waits while the broker is behind."""
        if self.lines and self.process.stdin is not None:
            self.process.stdin.write("".join(self.lines).encode())
            self.process.stdin.flush()
            self.lines.clear()


class Offer:
    """What is said, and how much of it was. ``telemetry_tenths``: of ten messages."""

    def __init__(self, engine: Engine, port: int, name: str, *, telemetry_tenths: int = 0) -> None:
        self._tenths = telemetry_tenths
        self._name = name
        self.said = 0
        self.behind_s = 0.0
        self._scans: list[Speaker] = []
        self._reports: list[Speaker] = []
        for _ in range(DEVICES):
            device = enrolled(engine, SystemClock(), RandomIds())
            address = DeviceAddress(device.partition, device.location_id, device.device_id)
            for channel, kept in (
                (Channel.EVENTS, self._scans),
                (Channel.TELEMETRY, self._reports),
            ):
                process = subprocess.Popen(
                    [
                        *("mosquitto_pub", "-p", str(port), "-V", "5", "-q", "1", "-l"),
                        *("-t", address.topic(channel)),
                    ],
                    stdin=subprocess.PIPE,
                )
                kept.append(Speaker(process, device.device_id, f"{name}-{channel}"))

    def at(self, rate: float, seconds: float, look: Callable[[float], None] | None = None) -> None:
        """Offer ``rate`` a second for so long; ``look`` is called about every second."""
        began_s = time.monotonic()
        due = round(rate * seconds)
        done, looked_s = 0, 0.0
        while done < due:
            passed_s = time.monotonic() - began_s
            now = datetime.now(UTC).isoformat()
            goal = min(due, round(rate * passed_s))
            self.behind_s = max(self.behind_s, passed_s - done / rate)
            for number in range(done, goal):
                self._say(number, now)
            for speaker in (*self._scans, *self._reports):
                speaker.flush()
            done = goal
            if look is not None and passed_s - looked_s >= 1:
                looked_s = passed_s
                look(passed_s)
            time.sleep(max(0.0, TICK_S - (time.monotonic() - began_s - passed_s)))
        self.said += done

    def _say(self, number: int, now: str) -> None:
        device, turn = number % DEVICES, number // DEVICES
        if turn % 10 < self._tenths:
            self._reports[device].say("carryover.device.health", HEALTH, now)
            return
        speaker = self._scans[device]
        visit = f"{self._name}-{device}-{speaker.number // VISIT_EVENTS}"
        gtin = ARTICLES[speaker.number % len(ARTICLES)][0]
        data = f'{{"visit":"{visit}","gtin":"{gtin}"}}'
        speaker.say("carryover.item.scanned", data, now)

    @property
    def scans(self) -> int:
        """How many scans were said."""
        return sum(speaker.number for speaker in self._scans)

    def end(self) -> None:
        """Wait until the broker has all of it."""
        for speaker in (*self._scans, *self._reports):
            if speaker.process.stdin is not None:
                speaker.process.stdin.close()
            if speaker.process.wait(SETTLE_S) != 0:
                sys.exit(f"a publisher ended with {speaker.process.returncode}")


def prepare(url: str) -> Engine:
    """Make the schema and the catalogue."""
    engine = make_engine(url)
    upgrade(engine)
    stock_catalogue(engine)
    return engine


def count(engine: Engine, statement: str, **values: object) -> int:
    """Return one number from the database."""
    with reading(engine) as db:
        return int(db.connection().execute(text(statement), values).scalar() or 0)


def check(engine: Engine, said: int, scans: int) -> None:
    """End the run unless all was stored, each scan is in a cart once, and nothing was refused."""
    found = {
        "events": (count(engine, "SELECT count(*) FROM device_event"), said),
        "operations": (count(engine, "SELECT count(*) FROM cart_operation"), scans),
        "pieces": (count(engine, "SELECT sum(quantity) FROM cart_line"), scans),
        "dead letters": (count(engine, "SELECT count(*) FROM dead_letter"), 0),
    }
    if wrong := {name: pair for name, pair in found.items() if pair[0] != pair[1]}:
        sys.exit(f"stored and said differ: {wrong}")


def sustainable(
    gateway: GatewayProcess, engine: Engine, port: int, events: int
) -> tuple[float, Offer]:
    """Offer ``events`` scans at once; return at how many a second they were stored."""
    before, _ = gateway.seen()
    offer = Offer(engine, port, "first")
    began_s = time.monotonic()
    offer.at(events, 1.0)
    until(lambda: gateway.seen()[0] - before >= events, SETTLE_S, "storing")
    rate = events / (time.monotonic() - began_s)
    offer.end()
    return rate, offer


@contextmanager
def running(data_dir: Path, database_url: str, broker_url: str) -> Iterator[GatewayProcess]:
    """A gateway that is ended whatever happens."""
    settings = {"DATABASE_URL": database_url, "MQTT_URL": broker_url, "LOG_LEVEL": "warning"}
    # Twenty devices speak for hundreds; what is beyond one's limit would be left with it.
    made = GatewayProcess(data_dir, settings | {"GATEWAY_DEVICE_EVENTS_PER_S": "100000"})
    made.start()
    try:
        yield made
    finally:
        made.stop()


def each_database(only: str | None) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, URL and folder: SQLite, then a PostgreSQL that keeps what it confirms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if only != "postgresql":
            yield "sqlite", f"sqlite:///{folder}/bench.db", folder
        if only != "sqlite":
            with running_postgres(DURABLE) as server:
                server.make_template(lambda _url: None)
                with server.database() as url:
                    yield "postgresql", url, folder
