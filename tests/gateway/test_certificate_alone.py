"""A device's certificate is its way in, without a credential: on both real brokers."""

import os
import pwd
import ssl
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
    authority: Authority
    clients: Authority

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

    def connect(self, own: Pair, username: str = "", secret: str = NONE) -> MqttClient:
        """Come with this certificate, as whoever."""
        context = ssl.create_default_context(cafile=str(self.authority.ca_file))
        context.load_cert_chain(own.cert_file, own.key_file)
        name = username or None
        return MqttClient(self.port, "x", name, secret if name else None, tls=context)


@contextmanager
def embedded(url: str, folder: Path, authority: Authority, clients: Authority) -> Iterator[Shop]:
    """Run a gateway whose own broker takes certificates alone."""
    settings = tls_settings(url, folder, authority.issue(NAME), clients.ca_file, cert_alone=True)
    engine = make_engine(url)
    gateway = Gateway(settings)
    gateway.start()
    assert gateway.wait_online(WAIT_S)
    yield Shop(engine, settings, settings.mqtt_tls_port, authority, clients)
    gateway.stop()
    engine.dispose()


@contextmanager
def mosquitto(url: str, folder: Path, authority: Authority, clients: Authority) -> Iterator[Shop]:
    """Run Mosquitto on the files that are written for it."""
    pair = authority.issue(NAME)
    engine = make_engine(url)
    tls = BrokerTls(pair.cert_file, pair.key_file, clients.ca_file, client_cert_alone=True)
    user = pwd.getpwuid(os.getuid()).pw_name
    made = BrokerFiles(
        folder / "mosquitto", free_port(), free_port(), "127.0.0.1", user, tls=tls,
        plugin=find_plugin(),
    )  # fmt: skip
    secret = broker_key(folder / "var", IDS, CONTROL_FILE)
    settings = MqttSettings(
        data_dir=folder / "var",
        database_url=url,
        mosquitto_password_file=made.passwords,
        mosquitto_pid_file=made.folder / "mosquitto.pid",
        mosquitto_control_url=f"mqtt://control:{secret}@127.0.0.1:{made.server_port}",
    )
    write_broker_files(engine, settings, IDS, made)
    broker = Mosquitto(made.folder, conf=made.conf, port=made.server_port)
    broker.start()
    wait_for_port(made.port)
    yield Shop(engine, settings, made.port, authority, clients)
    broker.stop()
    engine.dispose()


@pytest.fixture(params=[embedded, mosquitto], ids=["embedded", "mosquitto"])
def shop(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose devices have certificates."""
    start: Callable[..., AbstractContextManager[Shop]] = request.param
    authority, clients = Authority(tmp_path / "ca"), Authority(tmp_path / "clients")
    with start(sqlite_url, tmp_path, authority, clients) as made:
        yield made


def test_the_certificate_is_the_way_in(shop: Shop) -> None:
    """Its name is who the device is, whatever password comes along; and where it may speak."""
    device, other = shop.enrol(), shop.enrol()
    own = shop.clients.issue_to(device.device_id)
    for username in ("", device.device_id):
        with shop.connect(own, username) as client:
            assert client.accepted
            assert client.subscribe(device.address.topic(Channel.COMMANDS))
            assert not client.subscribe(other.address.topic(Channel.COMMANDS))


def test_nobody_is_somebody_else_by_saying_so(shop: Shop) -> None:
    """Another's name, and even her credential, do not make this certificate hers."""
    device, other = shop.enrol(), shop.enrol()
    own = shop.clients.issue_to(device.device_id)
    hers = other.address.topic(Channel.COMMANDS)
    with shop.connect(own, other.device_id, other.credential) as client:
        assert not (client.accepted and client.subscribe(hers))


def test_a_certificate_that_the_registry_does_not_know_opens_nothing(shop: Shop) -> None:
    """The right authority signed it, and nobody has enrolled its device."""
    device = shop.enrol()
    for name in ("tablet-of-nobody", "server", "control"):
        with shop.connect(shop.clients.issue_to(name), name) as client:
            for topic in (device.address.topic(Channel.EVENTS), "shop/v1/#", "#", "$CONTROL/#"):
                assert not (client.accepted and client.subscribe(topic))


def test_a_certificate_of_another_authority_opens_nothing(shop: Shop, tmp_path: Path) -> None:
    """The name in it is right, who signed it is not."""
    device = shop.enrol()
    forged = Authority(tmp_path / "forger").issue_to(device.device_id)
    try:
        with shop.connect(forged, device.device_id, device.credential) as client:
            let_in = client.accepted
    except OSError:  # in TLS 1.2 the handshake fails; in 1.3 the line ends after it
        let_in = False
    assert not let_in


def test_revoking_puts_it_off_the_line(shop: Shop) -> None:
    """A live connection ends within seconds; its neighbour stays; it does not come back."""
    device, other = shop.enrol(), shop.enrol()
    own, hers = (shop.clients.issue_to(one.device_id) for one in (device, other))
    with shop.connect(own) as client, shop.connect(hers) as neighbour:
        assert client.accepted
        assert client.subscribe(device.address.topic(Channel.COMMANDS))
        shop.revoke(device)
        wait_until(client.gone.is_set, WAIT_S)
        assert neighbour.subscribe(other.address.topic(Channel.COMMANDS))
        assert not neighbour.gone.is_set()
    with shop.connect(own) as again:
        topic = device.address.topic(Channel.COMMANDS)
        assert not (again.accepted and again.subscribe(topic))


def test_a_fresh_credential_ends_no_connection_of_a_certificate(shop: Shop) -> None:
    """Rotation is of credentials: who came by certificate stays."""
    device = shop.enrol()
    with shop.connect(shop.clients.issue_to(device.device_id)) as client:
        with unit_of_work(shop.engine) as db:
            service.rotate(db, CLOCK, IDS, device_id=device.device_id)
        tell_mosquitto(shop.engine, shop.settings, IDS)
        other = shop.enrol()
        with shop.connect(shop.clients.issue_to(other.device_id)) as leaving:
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
