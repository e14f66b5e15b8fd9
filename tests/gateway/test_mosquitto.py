"""A real Mosquitto, run on the files that the gateway writes for it."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cart.db import make_engine, unit_of_work
from cart.kernel.ids import RandomIds
from gateway.broker.key import broker_key
from gateway.mosquitto import BrokerFiles, tell_mosquitto, write_broker_files, write_passwords
from gateway.mosquitto_news import MosquittoNews
from gateway.mosquitto_rules import MARK, OWN_RULES_MAX, rules
from gateway.registry import service
from gateway.registry.model import Enrolled, credential_matches
from gateway.settings import MqttSettings
from gateway.wire.credential import credential_hash
from gateway.wire.topics import Channel, DeviceAddress, every_device
from tests.fakes.clock import FakeClock
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import WAIT_S, MqttClient
from tests.real.ports import free_port, wait_for_port
from tests.real.waiting import wait_until


@dataclass
class Shop:
    """A registry, and the Mosquitto that follows it."""

    engine: Engine
    settings: MqttSettings
    clock: FakeClock
    port: int
    server_port: int
    mosquitto: Mosquitto

    def enrol(self) -> Enrolled:
        """Make a tablet, as the command line does."""
        device = self.enrol_elsewhere()
        self.tell()
        return device

    def enrol_elsewhere(self) -> Enrolled:
        """Make a tablet, as a process that has not the broker's files does."""
        with unit_of_work(self.engine) as db:
            token = service.enrol(
                db, self.clock, RandomIds(), kind="tablet", location_id="mill-lane"
            )
            return service.redeem(db, self.clock, RandomIds(), token=token)

    def tell(self) -> None:
        """Hand Mosquitto the registry, and wait until it has read it."""
        before = self.mosquitto.log.count("Reloading config")
        tell_mosquitto(self.engine, self.settings, RandomIds())
        wait_until(lambda: self.mosquitto.log.count("Reloading config") > before)

    def server(self, *, clean: bool = True, name: str = "gateway") -> MqttClient:
        """Connect as a server process."""
        secret = broker_key(self.settings.data_dir, RandomIds())
        return MqttClient(self.server_port, name, "server", secret, clean=clean)

    def device(self, device: Enrolled, *, clean: bool = True) -> MqttClient:
        """Connect as a device."""
        return MqttClient(
            self.port, device.device_id, device.device_id, device.credential, clean=clean
        )


@pytest.fixture
def shop(sqlite_url: str, clock: FakeClock, tmp_path: Path) -> Iterator[Shop]:
    """A running Mosquitto with an empty registry."""
    engine = make_engine(sqlite_url)
    folder = tmp_path / "mosquitto"
    settings = MqttSettings(
        data_dir=tmp_path / "var",
        mosquitto_password_file=folder / "passwords",
        mosquitto_pid_file=folder / "mosquitto.pid",
    )
    user = pwd.getpwuid(os.getuid()).pw_name
    files = BrokerFiles(folder, free_port(), free_port(), "127.0.0.1", user)
    write_broker_files(engine, settings, RandomIds(), files)
    with files.conf.open("a") as conf:
        conf.write("log_type all\n")
    mosquitto = Mosquitto(folder, conf=files.conf, port=files.server_port)
    mosquitto.start()
    wait_for_port(files.port)
    yield Shop(engine, settings, clock, files.port, files.server_port, mosquitto)
    mosquitto.stop()
    engine.dispose()


def events(device: Enrolled) -> str:
    """The topic of a device's events."""
    return device.address.topic(Channel.EVENTS)


def test_an_enrolled_device_is_let_in_and_heard(shop: Shop) -> None:
    """The registry's hash is Mosquitto's; the next enrolment reaches the running broker."""
    device = shop.enrol()
    with shop.server() as server, shop.device(device) as tablet:
        assert tablet.accepted
        assert server.subscribe(every_device(Channel.EVENTS))
        tablet.publish(events(device), b"scanned")
        assert server.next() == (events(device), b"scanned")
        assert tablet.subscribe(device.address.topic(Channel.RECEIPTS))
        server.publish(device.address.topic(Channel.RECEIPTS), b"stored")
        assert tablet.next()[1] == b"stored"


def test_who_cannot_prove_it_is_refused(shop: Shop) -> None:
    """Wrong credential, nobody, and the server without its secret."""
    device = shop.enrol()
    for port in (shop.port, shop.server_port):
        for user, password in ((device.device_id, "wrong"), (None, None), ("server", "wrong")):
            with MqttClient(port, "x", user, password) as stranger:
                assert not stranger.accepted


def test_a_device_is_held_to_its_own_topics(shop: Shop) -> None:
    """What it says elsewhere reaches nobody (Mosquitto 2.0.11 also hangs up on it)."""
    device, other = shop.enrol(), shop.enrol()
    with shop.server() as server:
        assert server.subscribe("shop/#")
        for topic in (
            events(other),
            "shop/v1/changes/cart/c1",
            "shop/v1/stock/p1",
            device.address.topic(Channel.COMMANDS),
        ):
            with shop.device(device) as forger:
                forger.try_publish(topic, b"forged", qos=0)
        with shop.device(device) as tablet:
            tablet.publish(events(device), b"mine")
        assert server.next() == (events(device), b"mine")
        assert server.hears_nothing()


def test_a_device_hears_what_is_its_own_and_stock(shop: Shop) -> None:
    """Mosquitto takes every subscription and lets through only what may be read."""
    device, other = shop.enrol(), shop.enrol()
    with shop.server() as server, shop.device(device) as tablet:
        for wanted in ("shop/#", other.address.topic(Channel.RECEIPTS)):
            tablet.subscribe(wanted)
        server.publish(other.address.topic(Channel.RECEIPTS), b"not yours")
        server.publish("shop/v1/changes/cart/c1", b"not yours")
        server.publish("shop/v1/stock/p1", b"two left")
        assert tablet.next() == ("shop/v1/stock/p1", b"two left")
        assert tablet.hears_nothing()


def test_a_device_cannot_take_the_gateways_session(shop: Shop) -> None:
    """On the devices' listener the user name stands for whatever client id is claimed."""
    device = shop.enrol()
    with shop.server(name="gateway") as server:
        with MqttClient(shop.port, "gateway", device.device_id, device.credential) as tablet:
            assert tablet.accepted
        assert not server.gone.is_set()


def test_a_revoked_device_is_thrown_out(shop: Shop) -> None:
    """The running broker ends its connection, and does not let it in again."""
    device, other = shop.enrol(), shop.enrol()
    with shop.device(device) as tablet, shop.device(other) as neighbour:
        with unit_of_work(shop.engine) as db:
            service.revoke(db, shop.clock, device_id=device.device_id)
        shop.tell()
        assert tablet.gone.wait(WAIT_S)
        assert not neighbour.gone.is_set()
    with shop.device(device) as tablet:
        assert not tablet.accepted


def test_what_others_change_reaches_the_broker_beside_a_gateway(shop: Shop) -> None:
    """Enrolled and revoked by an API on another machine; told once each, and no more."""
    news = MosquittoNews(shop.engine, shop.settings, RandomIds())
    assert news.look()
    device = shop.enrol_elsewhere()
    with shop.device(device) as tablet:
        assert not tablet.accepted

    def looked() -> None:
        before = shop.mosquitto.log.count("Reloading config")
        assert news.look()
        wait_until(lambda: shop.mosquitto.log.count("Reloading config") > before)
        assert not news.look()

    looked()
    with shop.device(device) as tablet:
        assert tablet.accepted
        with unit_of_work(shop.engine) as db:
            service.revoke(db, shop.clock, device_id=device.device_id)
        looked()
        assert tablet.gone.wait(WAIT_S)


def test_a_message_for_who_is_away_survives_a_power_cut(shop: Shop) -> None:
    """Killed with a message waiting, started again: the message is there."""
    device = shop.enrol()
    with shop.server(clean=False) as server:
        assert server.subscribe(every_device(Channel.EVENTS))
    with shop.device(device) as tablet:
        tablet.publish_all(events(device), [b"1", b"2"])
    saved = shop.mosquitto.folder / "data" / "mosquitto.db"
    topic = events(device).encode()
    wait_until(lambda: saved.exists() and saved.read_bytes().count(topic) == 2)
    shop.mosquitto.kill()
    shop.mosquitto.start()
    with shop.server(clean=False) as server:
        assert server.session_present
        assert [server.next()[1] for _ in range(2)] == [b"1", b"2"]


def test_the_password_file_keeps_what_is_not_ours(shop: Shop) -> None:
    """Users that an operator added stay, devices that were revoked go."""
    path = shop.mosquitto.folder / "passwords"
    device, gone = shop.enrol(), shop.enrol()
    path.write_text(path.read_text() + "operator:$7$101$AAAA$BBBB\n")
    path.chmod(0o600)
    with unit_of_work(shop.engine) as db:
        service.revoke(db, shop.clock, device_id=gone.device_id)
    write_passwords(shop.engine, shop.settings, RandomIds(), path)
    lines = dict(line.split(":") for line in path.read_text().splitlines())
    assert set(lines) == {"operator", device.device_id}
    assert credential_matches(device.credential, lines[device.device_id])
    assert path.stat().st_mode & 0o777 == 0o600


def test_hashes_are_those_of_mosquitto_itself(tmp_path: Path) -> None:
    """What mosquitto_passwd wrote, our check reads."""
    path = tmp_path / "passwords"
    path.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(path), "user", "secret"], check=True, timeout=20)
    theirs = path.read_text().strip().partition(":")[2]
    assert credential_matches("secret", theirs)
    assert not credential_matches("Secret", theirs)
    assert [len(part) for part in theirs.split("$")] == [
        len(part) for part in credential_hash("secret").split("$")
    ]


def test_without_a_running_broker_the_file_is_written_all_the_same(
    sqlite_url: str, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is read at the broker's next start; the operator is told."""
    engine = make_engine(sqlite_url)
    settings = MqttSettings(
        data_dir=tmp_path,
        mosquitto_password_file=tmp_path / "etc" / "passwords",
        mosquitto_pid_file=tmp_path / "none.pid",
    )
    with unit_of_work(engine) as db:
        token = service.enrol(db, clock, RandomIds(), kind="tablet", location_id="mill-lane")
        device = service.redeem(db, clock, RandomIds(), token=token)
    tell_mosquitto(engine, settings, RandomIds())
    assert f"{device.device_id}:$7$" in (tmp_path / "etc" / "passwords").read_text()
    assert "not told" in caplog.text
    tell_mosquitto(engine, MqttSettings(data_dir=tmp_path), RandomIds())  # nothing to do
    engine.dispose()


def test_rules_are_each_devices_own_until_there_are_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Beyond the limit one pattern a channel is for all, and the operator is told."""
    device = DeviceAddress("p10", "mill-lane", "tab-000001")
    few = rules([device])
    assert f"user tab-000001\ntopic write {device.topic(Channel.EVENTS)}\n" in few
    assert "%u" not in few
    assert not caplog.text
    many = rules([device] * (OWN_RULES_MAX + 1))
    assert "pattern write shop/v1/+/+/%u/events\n" in many
    assert "pattern readwrite shop/v1/+/+/%u/status\n" in many
    assert "user " not in many.replace("use ", "")
    assert "too many for rules of their own" in caplog.text


def test_an_operators_own_rules_stay(shop: Shop) -> None:
    """What stands above the mark is kept; a file without the mark is not ours to write."""
    path = shop.mosquitto.folder / "acl"
    mine = "user watcher\ntopic read $SYS/#\n"
    path.write_text(mine + path.read_text())
    device = shop.enrol()
    assert path.read_text().startswith(mine + MARK)
    assert f"user {device.device_id}\n" in path.read_text()
    path.write_text(mine)
    shop.enrol()
    assert path.read_text() == mine


def test_a_devices_credential_opens_nothing_where_the_server_connects(shop: Shop) -> None:
    """So it cannot end the gateway's session there; nor the server's secret where devices are."""
    device = shop.enrol()
    with shop.server(name="gateway") as server:
        with MqttClient(
            shop.server_port, "gateway", device.device_id, device.credential
        ) as intruder:
            assert not intruder.accepted
        secret = broker_key(shop.settings.data_dir, RandomIds())
        with MqttClient(shop.port, "gateway", "server", secret) as intruder:
            assert not intruder.accepted
        assert not server.gone.is_set()
