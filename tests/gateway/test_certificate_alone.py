"""A device's certificate is its way in, without a credential: on both real brokers."""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from typer.testing import CliRunner

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.broker.key import CONTROL_FILE, broker_key
from gateway.cli import app
from gateway.device_ca.authority import CERT_FILE
from gateway.mosquitto import (
    BrokerFiles,
    BrokerTls,
    find_plugin,
    tell_mosquitto,
    write_broker_files,
)
from gateway.registry import service
from gateway.registry.model import Enrolled
from gateway.settings import MqttSettings
from gateway.wire.topics import Channel
from gateway.wiring import Gateway
from tests.fakes.shop import enrolled
from tests.real.broker import Mosquitto
from tests.real.certificates import Authority, Pair
from tests.real.device_certificates import certified, shop_ca, showing
from tests.real.mqtt_client import WAIT_S, MqttClient
from tests.real.ports import free_port, wait_for_port
from tests.real.tls_settings import tls_settings
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
NAME = "localhost"
NONE = "not its credential"


@dataclass
class Shop:
    """A broker that asks for certificates, and the registry behind it."""

    engine: Engine
    settings: MqttSettings
    port: int
    server_port: int
    authority: Authority
    clients: Authority | None  # None: the shop's own CA

    def issue_to(self, device_id: str) -> Pair:
        """Return a certificate of the authority that the broker believes."""
        if self.clients:
            return self.clients.issue_to(device_id)
        return certified(self.engine, self.settings, CLOCK, device_id)

    def enrol(self) -> Enrolled:
        """Make a tablet."""
        device = enrolled(self.engine, CLOCK, IDS, "tablet", "mill-lane")
        tell_mosquitto(self.engine, self.settings, IDS)
        return device

    def revoke(self, device: Enrolled) -> None:
        """Withdraw it, as the command line does."""
        with unit_of_work(self.engine) as db:
            service.revoke(db, CLOCK, device_id=device.device_id)
        tell_mosquitto(self.engine, self.settings, IDS)

    def opens(self, client: MqttClient, topic: str, said_at: str = "") -> bool:
        """Say whether the client hears what the server says there, or at ``said_at``.

        Mosquitto with its files grants every subscription, and delivers what is allowed.
        """
        if not (client.accepted and client.subscribe(topic)):
            return False
        secret = broker_key(self.settings.data_dir, IDS)
        with MqttClient(self.server_port, "server-1", "server", secret) as server:
            server.publish(said_at or topic, b"it is heard")
        return not client.hears_nothing()

    def lets_in(self, own: Pair, topic: str, username: str = "", secret: str = NONE) -> bool:
        """Say whether this certificate opens anything."""
        try:
            with self.connect(own, username, secret) as client:
                return self.opens(client, topic)
        except OSError:  # in TLS 1.2 the handshake fails; in 1.3 the line ends after it
            return False

    def connect(self, own: Pair, username: str = "", secret: str = NONE) -> MqttClient:
        """Come with this certificate, as whoever."""
        context = showing(own, self.authority.ca_file)
        name = username or None
        return MqttClient(self.port, "x", name, secret if name else None, tls=context)


@contextmanager
def embedded(url: str, folder: Path, authority: Authority, clients: Authority) -> Iterator[Shop]:
    """Run a gateway whose own broker takes certificates alone."""
    settings = tls_settings(url, folder, authority.issue(NAME), clients.ca_file, cert_alone=True)
    engine = make_engine(url)
    gateway = Gateway(settings)
    plain_port = gateway.start()
    assert gateway.wait_online(WAIT_S)
    yield Shop(engine, settings, settings.mqtt_tls_port, plain_port, authority, clients)
    gateway.stop()
    engine.dispose()


@contextmanager
def dynamic(url: str, folder: Path, authority: Authority, clients: Authority) -> Iterator[Shop]:
    """Run Mosquitto with its plug-in, and a CA of the retailer's."""
    with mosquitto(url, folder, authority, clients, find_plugin()) as made:
        yield made


@contextmanager
def own_files(url: str, folder: Path, authority: Authority, _: Authority) -> Iterator[Shop]:
    """Run Mosquitto with its files, and the shop's own CA, which lists what is withdrawn."""
    shop_ca(folder / "var", CLOCK)
    with mosquitto(url, folder, authority, None, None) as made:
        yield made


@contextmanager
def mosquitto(
    url: str, folder: Path, authority: Authority, clients: Authority | None, plugin: Path | None
) -> Iterator[Shop]:
    """Run Mosquitto on the files that are written for it."""
    pair = authority.issue(NAME)
    engine = make_engine(url)
    client_ca = clients.ca_file if clients else folder / "var" / CERT_FILE
    tls = BrokerTls(pair.cert_file, pair.key_file, client_ca, client_cert_alone=True)
    user = pwd.getpwuid(os.getuid()).pw_name
    made = BrokerFiles(
        folder / "mosquitto", free_port(), free_port(), "127.0.0.1", user, tls=tls, plugin=plugin
    )
    control = broker_key(folder / "var", IDS, CONTROL_FILE)
    server = broker_key(folder / "var", IDS)
    settings = MqttSettings(
        data_dir=folder / "var",
        database_url=url,
        mqtt_url=f"mqtt://server:{server}@127.0.0.1:{made.server_port}",
        mosquitto_password_file=made.passwords,
        mosquitto_pid_file=made.folder / "mosquitto.pid",
        mosquitto_control_url=(
            f"mqtt://control:{control}@127.0.0.1:{made.server_port}" if plugin else ""
        ),
    )
    write_broker_files(engine, settings, IDS, made)
    broker = Mosquitto(made.folder, conf=made.conf, port=made.server_port)
    broker.start()
    wait_for_port(made.port)
    yield Shop(engine, settings, made.port, made.server_port, authority, clients)
    broker.stop()
    engine.dispose()


@pytest.fixture(params=[embedded, dynamic, own_files], ids=["embedded", "dynamic", "own-files"])
def shop(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose devices have certificates."""
    start: Callable[..., AbstractContextManager[Shop]] = request.param
    authority, clients = Authority(tmp_path / "ca"), Authority(tmp_path / "clients")
    with start(sqlite_url, tmp_path, authority, clients) as made:
        yield made


def test_the_certificate_is_the_way_in(shop: Shop) -> None:
    """Its name is who the device is, whatever password comes along; and where it may speak."""
    device, other = shop.enrol(), shop.enrol()
    own = shop.issue_to(device.device_id)
    for username in ("", device.device_id):
        with shop.connect(own, username) as client:
            assert shop.opens(client, device.address.topic(Channel.COMMANDS))
            assert not shop.opens(client, other.address.topic(Channel.COMMANDS))


def test_nobody_is_somebody_else_by_saying_so(shop: Shop) -> None:
    """Another's name, and even her credential, do not make this certificate hers."""
    device, other = shop.enrol(), shop.enrol()
    own = shop.issue_to(device.device_id)
    hers = other.address.topic(Channel.COMMANDS)
    with shop.connect(own, other.device_id, other.credential) as client:
        assert not shop.opens(client, hers)


def test_a_certificate_that_the_registry_does_not_know_opens_nothing(shop: Shop) -> None:
    """The right authority signed it, and nobody has enrolled its device."""
    device = shop.enrol()
    said_at = device.address.topic(Channel.COMMANDS)
    for name in ("tablet-of-nobody", "server", "control"):
        with shop.connect(shop.issue_to(name), name) as client:
            for topic in (said_at, "shop/v1/#", "#", "$CONTROL/#"):
                assert not shop.opens(client, topic, said_at)


def test_a_certificate_of_another_authority_opens_nothing(shop: Shop, tmp_path: Path) -> None:
    """The name in it is right, who signed it is not."""
    device = shop.enrol()
    forged = Authority(tmp_path / "forger").issue_to(device.device_id)
    topic = device.address.topic(Channel.COMMANDS)
    assert not shop.lets_in(forged, topic, device.device_id, device.credential)


def test_revoking_puts_it_off_the_line(shop: Shop) -> None:
    """A live connection ends within seconds; its neighbour stays; it does not come back."""
    device, other = shop.enrol(), shop.enrol()
    own, hers = (shop.issue_to(one.device_id) for one in (device, other))
    with shop.connect(own) as client, shop.connect(hers) as neighbour:
        assert client.accepted
        assert client.subscribe(device.address.topic(Channel.COMMANDS))
        shop.revoke(device)
        wait_until(client.gone.is_set, WAIT_S)
        assert neighbour.subscribe(other.address.topic(Channel.COMMANDS))
        assert not neighbour.gone.is_set()
    assert not shop.lets_in(own, device.address.topic(Channel.COMMANDS))


def test_a_withdrawn_certificate_gets_no_further_than_the_greeting(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Mosquitto has the list; others' certificates are not on it."""
    authority = Authority(tmp_path / "ca")
    with own_files(sqlite_url, tmp_path, authority, authority) as shop:
        device, other = shop.enrol(), shop.enrol()
        own, hers = (shop.issue_to(one.device_id) for one in (device, other))
        shop.revoke(device)
        assert shop.lets_in(hers, other.address.topic(Channel.COMMANDS))
        with pytest.raises((OSError, AssertionError)), shop.connect(own) as client:
            assert client.accepted


def test_a_fresh_credential_ends_no_connection_of_a_certificate(shop: Shop) -> None:
    """Rotation is of credentials: who came by certificate stays."""
    device = shop.enrol()
    with shop.connect(shop.issue_to(device.device_id)) as client:
        with unit_of_work(shop.engine) as db:
            service.rotate(db, CLOCK, IDS, device_id=device.device_id)
        tell_mosquitto(shop.engine, shop.settings, IDS)
        other = shop.enrol()
        with shop.connect(shop.issue_to(other.device_id)) as leaving:
            shop.revoke(other)  # what is looked at from time to time was looked at
            wait_until(leaving.gone.is_set, WAIT_S)
        assert client.subscribe(device.address.topic(Channel.RECEIPTS))
        assert not client.gone.is_set()


def test_settings_that_would_let_anybody_in_are_refused(tmp_path: Path) -> None:
    """By the gateway, and by the command that writes Mosquitto's files, in words."""
    pair = Authority(tmp_path / "ca").issue(NAME)
    with pytest.raises(ValidationError, match="needs MQTT_TLS_CLIENT_CA_FILE"):
        MqttSettings(
            mqtt_tls_cert_file=pair.cert_file,
            mqtt_public_url="mqtts://localhost:8883",
            mqtt_tls_client_cert_alone=True,
        )
    arguments = ["broker-files", "--out", str(tmp_path / "out"), "--client-cert-alone"]
    arguments += ["--user", pwd.getpwuid(os.getuid()).pw_name]
    environment = {"DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
    plain = CliRunner().invoke(app, arguments, env=environment)
    assert plain.exit_code == 2
    assert "need --cert" in plain.output
    arguments += ["--cert", str(pair.cert_file), "--key", str(pair.key_file)]
    files = CliRunner().invoke(
        app, [*arguments, "--client-ca", str(pair.cert_file)], env=environment
    )
    assert files.exit_code == 1
    assert "needs --client-ca and --rules dynamic" in files.output
    assert not (tmp_path / "out").exists()
