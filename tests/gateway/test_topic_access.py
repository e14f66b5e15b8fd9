"""Every kind of device tries every topic, at every real broker: its own, and nothing else.

The tables below are written out by hand: no broker's rules nor the wire's are asked.
"""

import os
import pwd
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cart.db import make_engine
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.broker import EmbeddedBroker
from gateway.broker.key import broker_key
from gateway.mosquitto import BrokerFiles, BrokerTls, find_plugin, write_broker_files
from gateway.registry.model import KINDS, Enrolled
from gateway.settings import MqttSettings
from tests.fakes.shop import enrolled
from tests.real.broker import Mosquitto
from tests.real.certificates import Authority
from tests.real.device_certificates import certified, shop_ca, showing
from tests.real.mqtt_client import MqttClient
from tests.real.ports import free_port, wait_for_port
from tests.real.tls_settings import tls_settings

CLOCK, IDS = SystemClock(), RandomIds()
HERE, THERE = "harbour-street", "mill-lane"
MAY_PUBLISH = {"events", "telemetry", "status", "acks"}
MAY_READ = {"receipts", "commands", "status"}
CHANNELS = sorted(MAY_PUBLISH | MAY_READ)


@dataclass
class Devices:
    """One of each kind at one location, another of its kind beside it, and one elsewhere."""

    own: dict[str, Enrolled]
    beside: dict[str, Enrolled]
    elsewhere: dict[str, Enrolled]


@dataclass
class Broker:
    """Where devices and server processes connect."""

    port: int
    server_port: int
    secret: str
    shown: Callable[[Enrolled], ssl.SSLContext] | None = None  # its certificate, in TLS

    def server(self) -> MqttClient:
        """Connect as a server process."""
        return MqttClient(self.server_port, "gateway", "server", self.secret)

    def device(self, device: Enrolled, name: str = "") -> MqttClient:
        """Connect as a device, under any client id."""
        name = name or device.device_id
        if self.shown:
            return MqttClient(self.port, name, tls=self.shown(device))
        return MqttClient(self.port, name, device.device_id, device.credential)


@pytest.fixture
def registry(sqlite_url: str) -> Iterator[Engine]:
    """A registry."""
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def devices(registry: Engine) -> Devices:
    """Enrolled before the broker starts."""
    places = (HERE, HERE, THERE)
    return Devices(
        *({kind: enrolled(registry, CLOCK, IDS, kind, place) for kind in KINDS} for place in places)
    )


@pytest.fixture(params=["embedded", "mosquitto", "dynamic", "mosquitto-certified"])
def broker(
    request: pytest.FixtureRequest, registry: Engine, devices: Devices, tmp_path: Path
) -> Iterator[Broker]:
    """The embedded broker, or Mosquitto on the files that the gateway writes for it.

    With its rules in a file, or in its dynamic-security plug-in. Certified: a certificate of
    the shop's own CA is a device's only way in.
    """
    assert devices.own
    kind, _, certificates = str(request.param).partition("-")
    settings = MqttSettings(data_dir=tmp_path / "var", mqtt_port=0)
    secret = broker_key(settings.data_dir, IDS)
    shown, tls = None, None
    if certificates:
        client_ca = shop_ca(settings.data_dir, CLOCK)
        authority = Authority(tmp_path / "ca")
        pair = authority.issue("localhost")
        tls = BrokerTls(pair.cert_file, pair.key_file, client_ca, client_cert_alone=True)
        url = registry.url.render_as_string(hide_password=False)
        settings = tls_settings(url, tmp_path, pair, client_ca, cert_alone=True)

        @cache
        def shown(device: Enrolled) -> ssl.SSLContext:
            own = certified(registry, settings, CLOCK, device.device_id)
            return showing(own, authority.ca_file)

    if kind == "embedded":
        embedded = EmbeddedBroker(registry, settings, secret)
        port = embedded.start()
        yield Broker(embedded.tls_port or port, port, secret, shown)
        embedded.stop()
        return
    user = pwd.getpwuid(os.getuid()).pw_name
    plugin = find_plugin() if kind == "dynamic" else None
    files = BrokerFiles(
        tmp_path / "mosquitto", free_port(), free_port(), "127.0.0.1", user, tls=tls, plugin=plugin
    )
    write_broker_files(registry, settings, IDS, files)
    mosquitto = Mosquitto(files.folder, conf=files.conf, port=files.server_port)
    mosquitto.start()
    wait_for_port(files.port)
    yield Broker(files.port, files.server_port, secret, shown)
    mosquitto.stop()


def place_of(device: Enrolled) -> str:
    """Return the beginning of a device's topics."""
    return f"shop/v1/{device.partition}/{device.location_id}/{device.device_id}"


def foreign_topics(kind: str, devices: Devices) -> list[str]:
    """Return every sort of topic that is not the device's own."""
    own, beside, elsewhere = devices.own[kind], devices.beside[kind], devices.elsewhere[kind]
    name = own.device_id
    places = [
        place_of(beside),
        place_of(elsewhere),
        f"shop/v1/{elsewhere.partition}/{elsewhere.location_id}/{name}",  # its name elsewhere
        f"shop/v1/{own.partition}/{elsewhere.location_id}/{name}",
        f"shop/v1/{elsewhere.partition}/{own.location_id}/{name}",
        f"shop/v1/{own.partition}/{own.location_id}/server",
        f"shop/v0/{own.partition}/{own.location_id}/{name}",  # contracts of another time
        f"shop/v2/{own.partition}/{own.location_id}/{name}",
        f"shop/{own.location_id}/{name}",
    ]
    others = [
        place_of(own),
        f"{place_of(own)}/secrets",
        f"{place_of(own)}/events/more",
        f"{place_of(own)}/Events",
        f"/{place_of(own)}/events",
        "shop",
        "shop/v1",
        "shop/v1/changes/api",
        "shop/v1/changes/gateway",
        "shop/v1/stock",
        "shop/v1/stock/mug/more",
        "$CONTROL/dynamic-security/v1",
        "$SYS/broker/uptime",
    ]
    return [f"{place}/{channel}" for place in places for channel in CHANNELS] + others


def own_topics(device: Enrolled) -> list[str]:
    """Return all of the device's own topics, and the stock that all devices share."""
    return [*(f"{place_of(device)}/{channel}" for channel in CHANNELS), "shop/v1/stock/mug"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_publishes_to_its_own_topics_and_no_other(
    broker: Broker, devices: Devices, kind: str
) -> None:
    """What it says elsewhere reaches nobody, not even the server, which hears everything."""
    device = devices.own[kind]
    with broker.server() as server:
        assert server.subscribe("#")
        topics = [*foreign_topics(kind, devices), *own_topics(device)]
        while topics:
            with broker.device(device) as client:
                assert client.accepted
                while topics and not client.gone.is_set():  # the embedded broker hangs up
                    topic = topics.pop()
                    client.try_publish(topic, topic.encode())
        server.publish("shop/v1/changes/api", b"the end")
        heard = set(iter(lambda: server.next()[0], "shop/v1/changes/api"))
    assert heard == {f"{place_of(device)}/{channel}" for channel in MAY_PUBLISH}


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_reads_its_own_topics_and_no_other(
    broker: Broker, devices: Devices, kind: str
) -> None:
    """Whatever it asks for, by name or by wildcard; what is retained is kept from it as well."""
    device = devices.own[kind]
    foreign = foreign_topics(kind, devices)
    filters = [
        *foreign,
        *own_topics(device),
        "#",
        "+/#",
        "shop/#",
        "+/+/+/+/+/+",
        "shop/v1/+/+/+/receipts",
        "shop/v1/+/+/+/commands",
        f"shop/v1/+/+/{device.device_id}/commands",
        f"shop/v1/{device.partition}/{device.location_id}/+/commands",
        f"{place_of(device)}/#",
        f"{place_of(device)}/+",
        "shop/v1/changes/+",
        "shop/v1/stock/#",
        "shop/v1/stock/+",
        "$SYS/#",
        "$SYS/broker/uptime",
        "$CONTROL/#",
        "$share/thieves/shop/v1/+/+/+/commands",
    ]
    heard: set[str] = set()
    said = [
        one for one in foreign if one.startswith("shop")
    ]  # the rest is closed to the server too
    with broker.server() as server:
        for topic in said:
            server.publish(topic, b"kept", retain=True)
        # The embedded broker grants 64 subscriptions to one client: some at a time.
        for some in (filters[start : start + 40] for start in range(0, len(filters), 40)):
            with broker.device(device) as client:
                for topic_filter in [*some, f"{place_of(device)}/receipts"]:
                    client.subscribe(topic_filter)
                for topic in [*said, *own_topics(device)]:
                    server.publish(topic, topic.encode())
                server.publish(f"{place_of(device)}/receipts", b"the end")
                for topic, payload in iter(
                    client.next, (f"{place_of(device)}/receipts", b"the end")
                ):
                    heard.add(topic)
                    assert payload != b"kept"
    assert heard == {f"{place_of(device)}/{channel}" for channel in MAY_READ} | {
        "shop/v1/stock/mug"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_no_client_id_gives_a_device_more(broker: Broker, devices: Devices, kind: str) -> None:
    """Under the gateway's, another device's or a partition's client id it disturbs nobody."""
    device, other = devices.own[kind], devices.beside[kind]
    with broker.server() as server, broker.device(other) as neighbour:
        for name in ("gateway", other.device_id, "gateway-p00", "#"):
            with broker.device(device, name) as client:
                client.try_publish(f"{place_of(other)}/events", b"forged")
        assert not server.gone.is_set()
        assert not neighbour.gone.is_set()
