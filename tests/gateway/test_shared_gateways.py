"""Two gateways on one Mosquitto and one PostgreSQL: each does its share, none is missed."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.cli import app
from gateway.leases import service
from gateway.monitor.fleet import partitions
from gateway.registry import service as registry
from gateway.settings import MqttSettings
from gateway.wire.topics import Channel, partition_of
from gateway.wiring import Gateway
from inventory_api.catalogue.tables import LocationRow
from tests.fakes.shop import MUG, Tablet, stock_catalogue
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
LOCATIONS = [f"shop-{number}" for number in range(24)]
SCANS = 20
WAIT_S = 30.0
pytestmark = pytest.mark.timeout(180)
Starts = Callable[[str], Gateway]


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    """A database with a catalogue and two dozen shops."""
    made = make_engine(postgresql_url)
    stock_catalogue(made)
    with unit_of_work(made) as db:
        for number, one in enumerate(LOCATIONS):
            db.add(
                LocationRow(
                    id=one,
                    gln=f"95060001343{number:02d}",
                    name=one,
                    country="NL",
                    timezone="Europe/Amsterdam",
                )
            )
    yield made
    made.dispose()


@pytest.fixture(params=["5", "3.1.1"])
def start(
    request: pytest.FixtureRequest, postgresql_url: str, mosquitto: Mosquitto, tmp_path: Path
) -> Iterator[Starts]:
    """A function that starts a gateway of this name; it speaks either version of MQTT."""
    running: list[Gateway] = []

    def begin(name: str) -> Gateway:
        settings = MqttSettings(
            data_dir=tmp_path / name,
            database_url=postgresql_url,
            mqtt_url=mosquitto.url,
            mqtt_version=request.param,
            gateway_shared=True,
            gateway_name=name,
        )
        made = Gateway(settings)
        made.start()
        running.append(made)
        assert made.wait_online(WAIT_S)
        return made

    yield begin
    for one in running:
        one.stop()


def tablets(engine: Engine) -> list[Tablet]:
    """Return a tablet in each shop."""
    found = []
    with unit_of_work(engine) as db:
        for one in LOCATIONS:
            token = registry.enrol(db, CLOCK, IDS, kind="tablet", location_id=one)
            found.append(Tablet(registry.redeem(db, CLOCK, IDS, token=token), CLOCK))
    return found


def scan(mosquitto: Mosquitto, speaking: list[Tablet], visit: str) -> None:
    """Let each tablet scan some mugs."""
    with MqttClient(mosquitto.port, f"devices-{visit}") as client:
        for one in speaking:
            said = [json.dumps(one.scanned(visit, MUG)).encode() for _ in range(SCANS)]
            client.publish_all(one.address.topic(Channel.EVENTS), said)


def events(engine: Engine) -> int:
    """Return how many are stored."""
    with reading(engine) as db:
        return int(db.connection().execute(text("SELECT count(*) FROM device_event")).scalar_one())


def holders(engine: Engine) -> Counter[str]:
    """Return how many partitions each gateway has, by name."""
    seen = service.seen(engine)
    return Counter(seen.name_of(one.holder) for one in seen.leases if one.name[0] == "p")


def test_both_do_their_share_and_one_does_it_all_when_it_is_alone(
    engine: Engine, start: Starts, mosquitto: Mosquitto
) -> None:
    """Each event once, whoever takes it; what is said while nobody is there waits."""
    speaking = tablets(engine)
    assert len({partition_of(one) for one in LOCATIONS}) > 8
    first, second = start("one"), start("two")
    wait_until(lambda: holders(engine) == {"one": 8, "two": 8}, WAIT_S)
    with reading(engine) as db:
        assert partitions(db) == {("nobody",): 0, ("one",): 8, ("two",): 8}
    wait_until(lambda: first.connected and second.connected, WAIT_S)
    scan(mosquitto, speaking, "v1")
    wait_until(lambda: events(engine) == SCANS * len(LOCATIONS), WAIT_S)
    assert 0 < first.counts.stored < SCANS * len(LOCATIONS)
    assert first.counts.stored + second.counts.stored == SCANS * len(LOCATIONS)
    first.stop()
    scan(mosquitto, speaking, "v2")
    wait_until(lambda: events(engine) == 2 * SCANS * len(LOCATIONS), WAIT_S)
    assert holders(engine) == {"two": 16}
    second.stop()
    assert holders(engine) == {"": 16}
    with reading(engine) as db:
        assert partitions(db) == {("nobody",): 16}
    scan(mosquitto, speaking, "v3")
    third = start("three")
    wait_until(lambda: events(engine) == 3 * SCANS * len(LOCATIONS), WAIT_S)
    assert third.counts.dead == 0


def test_the_command_line_says_who_has_what(
    engine: Engine, start: Starts, monkeypatch: pytest.MonkeyPatch, postgresql_url: str
) -> None:
    """A line for each partition and one for the chores, also as JSON."""
    monkeypatch.setenv("DATABASE_URL", postgresql_url)
    runner = CliRunner()
    assert "no gateway has been run" in runner.invoke(app, ["partitions"]).output
    start("one")
    wait_until(lambda: holders(engine) == {"one": 16}, WAIT_S)
    said = runner.invoke(app, ["partitions"]).output.splitlines()
    assert [line.split() for line in said[:2]] == [["chores", "1", "one"], ["p00", "1", "one"]]
    assert len(said) == 17
    facts = json.loads(runner.invoke(app, ["partitions", "--json"]).output)
    assert facts[-1] == {"name": "p15", "holder": "one", "fence": 1}


def test_a_session_that_nobody_needs_is_forgotten(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited in it is gone: after a change to shared gateways it would grow for a week."""
    topic = "shop/v1/p00/shop/tab/events"
    with MqttClient(mosquitto.port, "gateway", clean=False) as old:
        old.subscribe("shop/v1/+/+/+/events")
    with MqttClient(mosquitto.port, "tab") as device:
        device.publish(topic, b"1")
    monkeypatch.setenv("MQTT_URL", mosquitto.url)
    said = CliRunner().invoke(app, ["forget-session", "gateway"])
    assert (said.exit_code, said.output) == (0, "gateway is forgotten\n")
    with MqttClient(mosquitto.port, "gateway", clean=False) as anew:
        assert not anew.session_present
        assert anew.hears_nothing()
    every = CliRunner().invoke(app, ["forget-session"]).output.splitlines()
    assert (len(every), every[-1]) == (32, "gateway-p15-telemetry is forgotten")


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        ({"mqtt_url": "mqtt://broker"}, "DATABASE_URL"),
        ({"mqtt_url": "mqtt://broker", "database_url": "sqlite:///x.db"}, "DATABASE_URL"),
        ({"database_url": "postgresql://db/shop"}, "MQTT_URL"),
    ],
)
def test_what_sharing_needs_is_said_in_words(
    settings: dict[str, str], lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which setting, and what to put there; the gateway does not start."""
    with pytest.raises(ValidationError, match=f"set {lacks}=|set\n? {lacks}="):
        MqttSettings.model_validate({"gateway_shared": True, **settings})
    for name, value in {"gateway_shared": "true", **settings}.items():
        monkeypatch.setenv(name.upper(), value)
    said = CliRunner().invoke(app, ["run"])
    assert said.exit_code == 2
    assert said.output.startswith("GATEWAY_SHARED=true needs")
    assert f"{lacks}=" in said.output
