"""Devices and gateway verify the broker: both brokers, certificates of trustme, no mercy."""

import logging
import os
import pwd
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from gateway.broker.certificate import Certificate
from gateway.broker.key import broker_key
from gateway.cli import app
from gateway.links import speaking
from gateway.mosquitto import BrokerFiles, BrokerTls, tell_mosquitto, write_broker_files
from gateway.registry import service
from gateway.registry.model import Enrolled
from gateway.settings import MqttSettings
from gateway.wire.events import ScannedData
from gateway.wiring import Gateway
from store_devices.link import UplinkOptions
from store_devices.spool import Spool
from store_devices.uplink import Uplink
from tests.fakes.hearer import DeafHearer
from tests.fakes.shop import enrolled
from tests.real.broker import Mosquitto
from tests.real.certificates import Authority, Pair
from tests.real.ports import free_port, wait_for_port
from tests.real.tls_settings import tls_settings
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
WAIT_S = 20.0
NAME = "localhost"


@dataclass
class Shop:
    """A gateway beside a broker that shows ``pair``; ``port`` is where devices speak TLS."""

    settings: MqttSettings
    port: int
    device: Enrolled
    folder: Path

    @contextmanager
    def scanning(
        self, ca_file: Path, own: Pair | None = None, *, host: str = NAME
    ) -> Iterator[Spool]:
        """Run a device with one scan in its spool; the receipt empties it."""
        spool = Spool(
            self.folder / "spool.db", device_id=self.device.device_id, clock=CLOCK, ids=IDS
        )
        spool.add(ScannedData(visit="v1", gtin=Gtin("4006381333931")))
        told = UplinkOptions(
            url=f"mqtts://{host}:{self.port}",
            address=self.device.address,
            credential=self.device.credential,
            firmware="1.0",
            back_off_min_s=0.05,
            resend_after_s=1.0,
            ca_file=ca_file,
            cert_file=own.cert_file if own else None,
            key_file=own.key_file if own else None,
        )
        uplink = Uplink(told, spool=spool, clock=CLOCK, hearer=DeafHearer())
        uplink.start()
        yield spool
        uplink.stop()
        spool.close()


def own_user() -> str:
    """Who runs the tests, and so Mosquitto."""
    return pwd.getpwuid(os.getuid()).pw_name


@contextmanager
def embedded(url: str, folder: Path, pair: Pair, client_ca: Path | None) -> Iterator[Shop]:
    """Run a gateway whose own broker speaks TLS."""
    settings = tls_settings(url, folder, pair, client_ca)
    engine = make_engine(url)
    gateway = Gateway(settings)
    gateway.start()
    assert gateway.wait_online(WAIT_S)
    yield Shop(settings, settings.mqtt_tls_port, enrolled(engine, CLOCK, IDS), folder)
    gateway.stop()
    engine.dispose()


@contextmanager
def mosquitto(url: str, folder: Path, pair: Pair, client_ca: Path | None) -> Iterator[Shop]:
    """Run a gateway that reaches Mosquitto over TLS, as the devices do."""
    engine = make_engine(url)
    tls = BrokerTls(pair.cert_file, pair.key_file, client_ca)
    made = BrokerFiles(
        folder / "mosquitto", free_port(), free_port(), "127.0.0.1", own_user(), "0.0.0.0", tls
    )
    key = broker_key(folder / "var", IDS)
    settings = MqttSettings(
        data_dir=folder / "var",
        database_url=url,
        mqtt_url=f"mqtts://server:{key}@localhost:{made.server_port}",
        mqtt_ca_file=pair.cert_file.parent / "ca.pem",
        mosquitto_password_file=made.passwords,
        mosquitto_pid_file=made.folder / "mosquitto.pid",
    )
    device = enrolled(engine, CLOCK, IDS)
    write_broker_files(engine, settings, IDS, made)
    broker = Mosquitto(made.folder, conf=made.conf, port=made.server_port)
    broker.start()
    wait_for_port(made.port)
    gateway = Gateway(settings)
    gateway.start()
    assert gateway.wait_online(WAIT_S)
    yield Shop(settings, made.port, device, folder)
    gateway.stop()
    broker.stop()
    engine.dispose()


Opens = Callable[..., Shop]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the shop believes."""
    return Authority(tmp_path / "ca")


@pytest.fixture(params=[embedded, mosquitto], ids=["embedded", "mosquitto"])
def start(
    request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path, authority: Authority
) -> Iterator[Opens]:
    """A function that starts a shop; its broker's certificate is for localhost."""
    running = []

    def begin(pair: Pair | None = None, client_ca: Path | None = None) -> Shop:
        pair = pair or authority.issue(NAME)
        running.append(request.param(sqlite_url, tmp_path, pair, client_ca))
        made: Shop = running[-1].__enter__()
        return made

    yield begin
    for one in running:
        one.__exit__(None, None, None)


def test_a_scan_arrives_over_tls(start: Opens, authority: Authority) -> None:
    """From the spool to the commit and back, every hop verified by the CA file."""
    with start().scanning(authority.ca_file) as spool:
        wait_until(lambda: len(spool) == 0, WAIT_S)


def test_a_revoked_device_is_put_off_the_line(
    start: Opens, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Its live connection ends, it is refused when it comes back, and keeps what it has to say."""
    shop = start()
    with shop.scanning(authority.ca_file) as spool:
        wait_until(lambda: len(spool) == 0, WAIT_S)
        assert "Not authorized" not in caplog.text
        engine = make_engine(shop.settings.database_url)
        with unit_of_work(engine) as db:
            service.revoke(db, CLOCK, device_id=shop.device.device_id)
        tell_mosquitto(engine, shop.settings, IDS)
        engine.dispose()
        wait_until(lambda: "the broker is gone: Not authorized" in caplog.text, WAIT_S)
        spool.add(ScannedData(visit="v1", gtin=Gtin("96385074")))
        assert len(spool) == 1


def test_a_broker_of_an_unknown_authority_is_told_nothing(
    start: Opens, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The device says whose word it would take, sends nothing, and says it once."""
    stranger = Authority(tmp_path / "stranger")
    shop = start()
    with shop.scanning(stranger.ca_file) as spool:
        wait_until(lambda: "is not trusted" in caplog.text, WAIT_S)
        assert len(spool) == 1
    complaints = [one.message for one in caplog.records if "not trusted" in one.message]
    assert len(complaints) == 1
    assert f"the broker localhost:{shop.port} is not trusted" in complaints[0]
    assert f"signed by none of the authorities in {stranger.ca_file}" in complaints[0]
    assert "Set MQTT_CA_FILE" in complaints[0]


def test_a_certificate_for_another_name_is_refused(
    start: Opens, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Under an address that is not in the certificate the device says so."""
    with start().scanning(authority.ca_file, host="127.0.0.1") as spool:
        wait_until(lambda: "not valid for '127.0.0.1'" in caplog.text, WAIT_S)
        assert len(spool) == 1
    assert "Connect under a name that the certificate has" in caplog.text


def test_plain_text_on_the_tls_port_is_refused(start: Opens) -> None:
    """Whoever says CONNECT without TLS hears no CONNACK; the credential opens nothing."""
    shop = start()
    with socket.create_connection(("127.0.0.1", shop.port), timeout=WAIT_S) as plain:
        name, secret = shop.device.device_id.encode(), shop.device.credential.encode()
        body = b"\x00\x04MQTT\x04\xc2\x00\x3c\x00\x00"
        body += len(name).to_bytes(2, "big") + name + len(secret).to_bytes(2, "big") + secret
        plain.sendall(bytes([0x10, len(body)]) + body)
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
    assert answer[:1] != b"\x20"  # at most an alert of TLS


def refused_by(secured: ssl.SSLSocket) -> bool:
    """Say whether the other end hangs up, with an alert or without."""
    try:
        return secured.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def test_with_a_client_ca_a_device_shows_its_own_certificate(
    start: Opens, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without one it stays outside, whatever it knows; with it, it is heard."""
    clients = Authority(tmp_path / "clients")
    shop = start(client_ca=clients.ca_file)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    with (
        socket.create_connection(("127.0.0.1", shop.port), timeout=WAIT_S) as line,
        context.wrap_socket(line, server_hostname=NAME) as secured,
    ):
        secured.settimeout(WAIT_S)
        assert refused_by(secured)  # in TLS 1.3 that comes with the first bytes from there
    own = clients.issue_to(shop.device.device_id)
    with shop.scanning(authority.ca_file, own) as spool:
        wait_until(lambda: len(spool) == 0, WAIT_S)
    assert "not trusted" not in caplog.text


def test_an_expired_certificate_is_refused_by_the_server_too(
    sqlite_url: str, tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """A process of the server says that it has expired, keeps that as its trouble, tries on."""
    pair = authority.issue(NAME, until=datetime(2020, 1, 1, tzinfo=UTC))
    with embedded(sqlite_url, tmp_path, pair, None) as shop:
        asked = MqttSettings(
            data_dir=tmp_path / "other",
            mqtt_url=f"mqtts://server:x@localhost:{shop.port}",
            mqtt_ca_file=authority.ca_file,
        )
        link = speaking(asked, IDS)
        link.start()
        wait_until(lambda: bool(link.trouble), WAIT_S)
        assert not link.online
        link.stop()
        assert "its certificate has expired. Renew it at the broker" in link.trouble
        assert link.trouble in caplog.text


def test_a_broker_without_tls_is_named_as_such(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """``mqtts://`` to a plain port: the words lead to the port or the scheme."""
    asked = MqttSettings(data_dir=tmp_path, mqtt_url=f"mqtts://localhost:{mosquitto.port}")
    link = speaking(asked, IDS)
    link.start()
    wait_until(lambda: bool(link.trouble), WAIT_S)
    link.stop()
    assert f"localhost:{mosquitto.port} does not speak TLS" in link.trouble


def test_the_servers_secret_opens_nothing_where_devices_connect(
    sqlite_url: str, tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """On the embedded broker's TLS listener there are devices alone."""
    with embedded(sqlite_url, tmp_path, authority.issue(NAME), None) as shop:
        key = broker_key(shop.settings.data_dir, IDS)
        asked = MqttSettings(
            data_dir=tmp_path / "other",
            mqtt_url=f"mqtts://server:{key}@localhost:{shop.port}",
            mqtt_version="3.1.1",
            mqtt_ca_file=authority.ca_file,
        )
        link = speaking(asked, IDS)
        link.start()
        wait_until(lambda: "refused a login as 'server'" in caplog.text, WAIT_S)
        assert not link.online
        link.stop()


def test_a_renewed_certificate_is_shown_without_a_restart(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a renewal changes nothing and is reported; the whole one is taken."""
    pair = authority.issue(NAME)
    shown = Certificate(pair.cert_file, pair.key_file, None)
    assert not shown.renew()
    good = pair.key_file.read_text()
    authority.issue("another", name="other")
    pair.key_file.write_text((pair.key_file.parent / "other.key").read_text())
    assert not shown.renew()
    assert "the key belongs to another certificate" in caplog.text
    pair.key_file.write_text(good)
    assert shown.renew()


def test_files_that_do_not_fit_are_refused_in_words(authority: Authority, tmp_path: Path) -> None:
    """By the gateway, by the command that writes Mosquitto's files, and by a device."""
    pair, other = authority.issue(NAME), authority.issue(NAME, name="other")
    words = "the key belongs to another certificate"
    with pytest.raises(InvalidInput, match=words):
        Certificate(pair.cert_file, other.key_file, None)
    with pytest.raises(InvalidInput, match=r"none\.pem cannot be used: No such file"):
        Certificate(tmp_path / "none.pem", None, None)
    with pytest.raises(InvalidInput, match=r"client CA .* cannot be used"):
        Certificate(pair.cert_file, pair.key_file, pair.key_file)
    arguments = ["broker-files", "--out", str(tmp_path / "out"), "--user", own_user()]
    arguments += ["--cert", str(pair.cert_file), "--key", str(other.key_file)]
    said = CliRunner().invoke(app, arguments, env={"DATA_DIR": str(tmp_path), "DATABASE_URL": ""})
    assert said.exit_code == 1
    assert words in said.output
    assert not (tmp_path / "out").exists()
    missing = tmp_path / "missing.pem"
    link = MqttSettings(data_dir=tmp_path, mqtt_url="mqtts://localhost", mqtt_ca_file=missing)
    with pytest.raises(InvalidInput, match=r"the CA file .*missing\.pem cannot be used"):
        speaking(link, IDS)


def test_settings_that_contradict_each_other_are_refused(authority: Authority) -> None:
    """A certificate for a broker that is not ours, or a name that devices would not find in it."""
    pair = authority.issue(NAME)
    with pytest.raises(ValidationError, match="broker-files --cert"):
        MqttSettings(mqtt_tls_cert_file=pair.cert_file, mqtt_url="mqtts://broker")
    with pytest.raises(ValidationError, match="MQTT_PUBLIC_URL=mqtts://NAME:8883"):
        MqttSettings(mqtt_tls_cert_file=pair.cert_file)


def test_broker_files_say_how_to_reach_them_in_tls(authority: Authority, tmp_path: Path) -> None:
    """Devices always in TLS; server processes too when they come from other machines."""
    pair = authority.issue(NAME)
    arguments = ["broker-files", "--out", str(tmp_path / "out"), "--user", own_user()]
    arguments += ["--cert", str(pair.cert_file), "--key", str(pair.key_file)]
    environment = {"DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
    here = CliRunner().invoke(app, arguments, env=environment).output
    conf = (tmp_path / "out" / "mosquitto.conf").read_text()
    assert "@127.0.0.1:1884" in here
    assert "MQTT_PUBLIC_URL=mqtts://NAME-IN-THE-CERTIFICATE:8883" in here
    assert "listener 8883" in conf
    assert conf.count("certfile") == 1
    there = CliRunner().invoke(app, [*arguments, "--server-bind", "0.0.0.0"], env=environment)
    assert 'MQTT_URL="mqtts://server:' in there.output
    assert (tmp_path / "out" / "mosquitto.conf").read_text().count("certfile") == 2
    alone = CliRunner().invoke(app, [*arguments[:5], "--client-ca", "x"], env=environment)
    assert alone.exit_code == 2


def test_a_device_whose_ca_file_is_missing_says_so_and_waits_for_it(
    start: Opens, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The uplink's thread lives on: the file comes, the scan goes out."""
    late = tmp_path / "late.pem"
    with start().scanning(late) as spool:
        wait_until(lambda: f"the CA file {late} cannot be used" in caplog.text, WAIT_S)
        late.write_bytes(authority.ca_file.read_bytes())
        wait_until(lambda: len(spool) == 0, WAIT_S)


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    """Keep what is said."""
    caplog.set_level(logging.INFO)
