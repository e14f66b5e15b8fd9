"""A real Mosquitto whose dynamic-security plug-in follows the registry."""

import json
import os
import pwd
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from typer.testing import CliRunner

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from gateway.broker.key import CONTROL_FILE, broker_key
from gateway.broker_control import ROUND_MAX, Control, RuleKeeper, bring_in_step, control_address
from gateway.cli import app
from gateway.dynamic_rules import DEFAULT_ACCESS, STOCK, Json, Present, repairs, role_name
from gateway.mosquitto import (
    DYNAMIC_RULES,
    NO_CLIENTS,
    BrokerFiles,
    BrokerTls,
    find_plugin,
    tell_mosquitto,
    write_broker_files,
)
from gateway.mqtt import Address
from gateway.registry import service
from gateway.registry.model import Enrolled
from gateway.registry.tables import DeviceRow
from gateway.settings import MqttSettings
from gateway.wire.credential import credential_hash
from gateway.wire.topics import Channel, DeviceAddress, partition_of
from gateway.wiring import Gateway
from tests.fakes.shop import enrolled
from tests.real.broker import Mosquitto
from tests.real.certificates import Authority
from tests.real.mqtt_client import WAIT_S, MqttClient
from tests.real.ports import free_port, wait_for_port
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
DEVICES = 3_000  # above what the access file is written for
HERE = "mill-lane"


@dataclass
class Shop:
    """A registry, and the Mosquitto that follows it."""

    engine: Engine
    settings: MqttSettings
    files: BrokerFiles
    mosquitto: Mosquitto
    connections: int = 1  # as the gateway would count them
    made: list[Enrolled] = field(default_factory=list)

    def enrol(self) -> Enrolled:
        """Make a tablet, as the command line does."""
        device = enrolled(self.engine, CLOCK, IDS, "tablet", HERE)
        self.tell()
        return device

    def tell(self) -> None:
        """Hand Mosquitto the registry, and wait until it has read it."""
        before = self.mosquitto.log.count("Reloading config")
        tell_mosquitto(self.engine, self.settings, IDS)
        wait_until(lambda: self.mosquitto.log.count("Reloading config") > before)

    def revoke(self, device: Enrolled) -> None:
        """Withdraw it in the registry, and tell nobody."""
        with unit_of_work(self.engine) as db:
            service.revoke(db, CLOCK, device_id=device.device_id)

    def restart(self) -> None:
        """Kill the broker and start it again."""
        self.mosquitto.kill()
        self.mosquitto.start()
        wait_for_port(self.files.port)

    def device(self, device: Enrolled) -> MqttClient:
        """Connect as a device."""
        return MqttClient(self.files.port, "x", device.device_id, device.credential)

    def server(self) -> MqttClient:
        """Connect as a server process."""
        return MqttClient(
            self.files.server_port, "gateway", "server", broker_key(self.settings.data_dir, IDS)
        )

    @property
    def address(self) -> Address:
        """Where the plug-in is spoken to."""
        found = control_address(self.settings)
        assert found
        return found

    def present(self) -> Present:
        """What the plug-in has."""
        with Control(self.address, IDS) as control:
            return control.present()

    def ask(self, **command: object) -> Json:
        """Have one command done, as somebody who knows the secret of control."""
        with Control(self.address, IDS) as control:
            return control.ask([command])[0]

    @contextmanager
    def keeper(self) -> Iterator[RuleKeeper]:
        """Run the gateway's thread that looks after the rules."""
        keeper = RuleKeeper(
            self.engine,
            self.settings,
            IDS,
            connections=lambda: self.connections,
            is_ours=lambda: True,
        )
        keeper.start()
        yield keeper
        keeper.stop()


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A registry."""
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    """A Mosquitto that has not been started, and an empty registry."""
    folder = tmp_path / "mosquitto"
    user = pwd.getpwuid(os.getuid()).pw_name
    files = BrokerFiles(folder, free_port(), free_port(), "127.0.0.1", user, plugin=find_plugin())
    secret = broker_key(tmp_path / "var", IDS, CONTROL_FILE)
    settings = MqttSettings(
        data_dir=tmp_path / "var",
        mosquitto_password_file=files.passwords,
        mosquitto_pid_file=folder / "mosquitto.pid",
        mosquitto_control_url=f"mqtt://control:{secret}@127.0.0.1:{files.server_port}",
    )
    mosquitto = Mosquitto(folder, conf=files.conf, port=files.server_port)
    yield Shop(engine, settings, files, mosquitto)
    mosquitto.stop()


@pytest.fixture
def running(shop: Shop) -> Shop:
    """The same, started."""
    start(shop)
    return shop


def start(shop: Shop) -> None:
    """Write the files and start the broker."""
    write_broker_files(shop.engine, shop.settings, IDS, shop.files)
    with shop.files.conf.open("a") as conf:
        conf.write("log_type all\n")
    shop.mosquitto.start()
    wait_for_port(shop.files.port)


def can_use_its_topics(shop: Shop, device: Enrolled) -> bool:
    """Whether what it says is heard, and what is said to it."""
    events, commands = (device.address.topic(one) for one in (Channel.EVENTS, Channel.COMMANDS))
    with shop.server() as server, shop.device(device) as client:
        assert server.subscribe(events)
        if not (client.accepted and client.subscribe(commands)):
            return False
        client.publish(events, b"scanned")
        server.publish(commands, b"show")
        return server.next()[1] == b"scanned" and client.next()[1] == b"show"


def test_an_enrolled_device_has_its_rules_before_it_is_let_in(running: Shop) -> None:
    """Its first connection can do everything, and stays: nothing ends it afterwards."""
    device, other = running.enrol(), running.enrol()
    assert can_use_its_topics(running, device)
    with running.device(device) as client:
        assert not client.subscribe(other.address.topic(Channel.COMMANDS))
        running.enrol()
        assert bring_in_step(running.engine, running.address, IDS) == 0
        assert client.subscribe(device.address.topic(Channel.RECEIPTS))
        assert not client.gone.is_set()


def test_revocation_ends_a_live_connection(running: Shop) -> None:
    """By the plug-in alone, without a word to the password file's reader; the neighbour stays."""
    device, other = running.enrol(), running.enrol()
    quiet = running.settings.model_copy(update={"mosquitto_pid_file": None})
    with running.device(device) as client, running.device(other) as neighbour:
        assert client.accepted
        running.revoke(device)
        tell_mosquitto(running.engine, quiet, IDS)
        assert client.gone.wait(WAIT_S)
        assert not neighbour.gone.is_set()
    with running.device(device) as client:  # the password is good, and opens nothing
        assert not client.subscribe(device.address.topic(Channel.COMMANDS))
    running.tell()
    with running.device(device) as client:
        assert not client.accepted
    assert set(running.present().clients) == {other.device_id}


def test_nobody_but_control_reaches_the_control_topic(running: Shop) -> None:
    """Neither a device nor the server; and control can do nothing else, and only there."""
    device = running.enrol()
    command = json.dumps({"commands": [{"command": "deleteClient", "username": device.device_id}]})
    secret = broker_key(running.settings.data_dir, IDS, CONTROL_FILE)
    topic = "$CONTROL/dynamic-security/v1"
    for connect in (running.server, lambda: running.device(device)):
        with connect() as client:
            client.try_publish(topic, command.encode())
        with connect() as client, Control(running.address, IDS) as control:
            for wanted in (f"{topic}/response", topic, "$CONTROL/#"):
                client.subscribe(wanted)
            control.present()
            assert client.hears_nothing()
    assert device.device_id in running.present().clients
    with MqttClient(running.files.port, "x", "control", secret) as client:
        assert not client.accepted
    with (
        running.server() as server,
        MqttClient(running.files.server_port, "x", "control", secret) as client,
    ):
        assert server.subscribe("shop/#")
        client.try_publish(device.address.topic(Channel.COMMANDS), b"forged")
        assert server.hears_nothing()


def test_what_the_plug_in_lost_is_made_again(running: Shop) -> None:
    """Its file is gone, the broker comes back with nothing: the gateway sees to it by itself.

    A device that came in between and was refused is disconnected, so that it asks again.
    """
    device = running.enrol()
    (running.files.folder / DYNAMIC_RULES).unlink()
    running.restart()
    assert not running.present().clients
    with running.device(device) as early:
        assert early.accepted
        assert not early.subscribe(device.address.topic(Channel.COMMANDS))
        with running.keeper():
            assert early.gone.wait(WAIT_S)
    assert can_use_its_topics(running, device)
    assert (running.files.folder / NO_CLIENTS).read_text() == "{}\n"
    running.restart()  # it was saved where it is read
    assert can_use_its_topics(running, device)


def test_a_file_that_was_cut_off_opens_nothing(running: Shop) -> None:
    """The broker starts, lets nobody do anything, and the gateway makes the rules anew."""
    device = running.enrol()
    path = running.files.folder / DYNAMIC_RULES
    running.mosquitto.stop()
    path.write_bytes(path.read_bytes()[:-100])
    running.mosquitto.start()
    wait_for_port(running.files.port)
    with running.device(device) as client:
        assert not client.subscribe(device.address.topic(Channel.COMMANDS))
    bring_in_step(running.engine, running.address, IDS)
    assert can_use_its_topics(running, device)


def test_what_happened_while_the_broker_was_away(
    running: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """One enrolled, one revoked, by a command line that could tell nobody."""
    gone = running.enrol()
    running.mosquitto.kill()
    running.revoke(gone)
    device = enrolled(running.engine, CLOCK, IDS, "tablet", HERE)
    tell_mosquitto(running.engine, running.settings, IDS)
    assert "will be made by the gateway" in caplog.text
    running.mosquitto.start()
    wait_for_port(running.files.port)
    with running.keeper():
        wait_until(lambda: set(running.present().clients) == {device.device_id})
    assert can_use_its_topics(running, device)
    assert set(running.present().roles) == {STOCK, role_name(device.address)}


def test_what_should_not_be_goes_and_an_operators_own_stays(running: Shop) -> None:
    """A right that somebody added by hand under our names, and one under a name of his own."""
    device = running.enrol()
    running.ask(command="createRole", rolename="watcher")
    running.ask(command="createClient", username="operator", roles=[{"rolename": "watcher"}])
    running.ask(command="createRole", rolename="carryover:0:old")
    running.ask(
        command="createClient", username="tablet-nobody", roles=[{"rolename": "carryover:0:old"}]
    )
    running.ask(command="addClientRole", username=device.device_id, rolename="carryover:0:old")
    running.ask(
        command="setDefaultACLAccess", acls=[{"acltype": "publishClientSend", "allow": True}]
    )
    bring_in_step(running.engine, running.address, IDS)
    present = running.present()
    assert present.clients == {
        "operator": ["watcher"],
        device.device_id: [role_name(device.address), STOCK],
    }
    assert set(present.roles) == {"watcher", STOCK, role_name(device.address)}
    assert present.default_access == DEFAULT_ACCESS
    running.mosquitto.stop()
    write_broker_files(running.engine, running.settings, IDS, running.files)
    running.mosquitto.start()
    after = running.present()
    assert {one: set(roles) for one, roles in after.clients.items()} == {
        one: set(roles) for one, roles in present.clients.items()
    }


def test_rivals_who_bring_it_in_step_together_agree(running: Shop) -> None:
    """Two gateways and two command lines at once; more devices than one round has."""
    devices = [enrolled(running.engine, CLOCK, IDS, "tablet", HERE) for _ in range(ROUND_MAX + 10)]
    with ThreadPoolExecutor(4) as rivals:
        for one in [
            rivals.submit(bring_in_step, running.engine, running.address, IDS) for _ in range(4)
        ]:
            one.result()
    present = running.present()
    assert set(present.clients) == {one.device_id for one in devices}
    assert not list(repairs([one.address for one in devices], present))


def test_each_of_thousands_has_rules_of_its_own(shop: Shop) -> None:
    """Beyond the limit of the file: the last can use its own topics and not another's."""
    with unit_of_work(shop.engine) as db:
        made = [_device(db, number) for number in range(DEVICES)]
    start(shop)
    last, other = made[-1], made[-2]
    assert can_use_its_topics(shop, last)
    assert can_use_its_topics(shop, shop.enrol())
    elsewhere = DeviceAddress(last.partition, "elsewhere", last.device_id)  # its name, no address
    with shop.server() as server:
        assert server.subscribe("shop/#")
        for address in (other.address, elsewhere):
            with shop.device(last) as client:
                client.try_publish(address.topic(Channel.EVENTS), b"forged")
            with shop.device(last) as client:
                assert not client.subscribe(address.topic(Channel.COMMANDS))
        with shop.device(last) as client:
            client.publish(last.address.topic(Channel.EVENTS), b"mine")
        assert server.next() == (last.address.topic(Channel.EVENTS), b"mine")
    assert len(shop.present().clients) == DEVICES + 1
    assert bring_in_step(shop.engine, shop.address, IDS) == 0


def test_where_nobody_answers_it_is_said_in_words(shop: Shop) -> None:
    """The operator reads which setting to look at."""
    with pytest.raises(Unavailable, match="MOSQUITTO_CONTROL_URL"):
        bring_in_step(shop.engine, shop.address, IDS)


@pytest.mark.timeout(120)
def test_the_gateway_itself_sees_to_it(running: Shop) -> None:
    """At its start, and when a broker is back without the plug-in's file: no hand is needed."""
    enrolled(running.engine, CLOCK, IDS, "tablet", HERE)  # told to nobody
    secret = broker_key(running.settings.data_dir, IDS)
    here = f"127.0.0.1:{running.files.server_port}"
    where = {
        "mqtt_url": f"mqtt://server:{secret}@{here}",
        "database_url": running.engine.url.render_as_string(hide_password=False),
    }
    gateway = Gateway(running.settings.model_copy(update=where))
    gateway.start()
    try:
        wait_until(lambda: len(running.present().clients) == 1)
        device = running.enrol()
        running.mosquitto.kill()
        (running.files.folder / DYNAMIC_RULES).unlink()
        running.mosquitto.start()
        wait_until(lambda: len(running.present().clients) == 2, 40.0)
        assert can_use_its_topics(running, device)
    finally:
        gateway.stop()


def test_the_command_says_how_the_plug_in_is_reached(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the secret's file; a plug-in that is nowhere is asked for in words."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    asked = ["broker-files", "--out", str(tmp_path / "b"), "--user", pwd.getpwuid(os.getuid())[0]]
    said = CliRunner().invoke(app, [*asked, "--rules", "dynamic"])
    assert said.exit_code == 0
    key = tmp_path / "var" / "control.key"
    assert f'MOSQUITTO_CONTROL_URL="mqtt://control:$(cat {key})@127.0.0.1:1884"' in said.output
    assert key.stat().st_mode & 0o777 == 0o600
    assert "MOSQUITTO_CONTROL_URL" not in CliRunner().invoke(app, asked).output
    monkeypatch.setattr("gateway.mosquitto.PLUGIN_PLACES", ())
    said = CliRunner().invoke(app, [*asked, "--rules", "dynamic"])
    assert said.exit_code == 1
    assert "--plugin" in said.output


def test_the_plug_in_is_spoken_to_in_tls(shop: Shop, tmp_path: Path) -> None:
    """From another machine, by the name in the certificate; devices alone need one of theirs."""
    authority = Authority(tmp_path / "ca")
    pair = authority.issue("localhost")
    shop.files = replace(
        shop.files,
        tls=BrokerTls(pair.cert_file, pair.key_file, authority.ca_file),
        server_bind="0.0.0.0",
    )
    url = shop.settings.mosquitto_control_url
    tls = url.replace("mqtt://", "mqtts://").replace("127.0.0.1", "localhost")
    shop.settings = shop.settings.model_copy(
        update={"mosquitto_control_url": tls, "mqtt_ca_file": authority.ca_file}
    )
    start(shop)
    device = shop.enrol()
    assert set(shop.present().clients) == {device.device_id}
    shop.settings = shop.settings.model_copy(update={"mosquitto_control_url": url})
    with pytest.raises(Unavailable):
        shop.present()


def test_without_the_address_the_operator_is_told(
    running: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Rules are dynamic and this process cannot reach them: none would be made, in silence."""
    settings = running.settings.model_copy(update={"mosquitto_control_url": ""})
    tell_mosquitto(running.engine, settings, IDS)
    assert "MOSQUITTO_CONTROL_URL is not set" in caplog.text


def test_back_to_files_is_back(running: Shop) -> None:
    """Written without the plug-in, the rules are in the file again."""
    device = running.enrol()
    running.mosquitto.stop()
    files = BrokerFiles(
        running.files.folder, running.files.port, running.files.server_port, "127.0.0.1",
        running.files.user,
    )  # fmt: skip
    write_broker_files(running.engine, running.settings, IDS, files)
    assert f"user {device.device_id}\n" in (files.folder / "acl").read_text()
    assert "plugin" not in files.conf.read_text().replace("plug-in", "")
    running.mosquitto.start()
    wait_for_port(files.port)
    assert can_use_its_topics(running, device)


def _device(db: Session, number: int) -> Enrolled:
    """Write one device of many, all with the same credential: hashing costs the most."""
    location_id = f"shop-{number % 40}"
    made = Enrolled(
        f"tablet-{number}", "tablet", location_id, partition_of(location_id), "credential"
    )
    db.add(
        DeviceRow(
            id=made.device_id,
            kind=made.kind,
            location_id=location_id,
            partition=made.partition,
            credential_hash=HASH,
            enrolled_at=CLOCK.now() - timedelta(days=1),
        )
    )
    return made


HASH = credential_hash("credential")
