"""The embedded broker, by real paho clients and by raw bytes."""

import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import pytest
from sqlalchemy import Engine

from cart.db import make_engine, unit_of_work
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from gateway.broker import EmbeddedBroker
from gateway.broker.connection import DEVICE_PACKET_BYTES_MAX
from gateway.broker.sessions import SERVER_LIMITS
from gateway.registry import service
from gateway.registry.model import Enrolled
from gateway.settings import MqttSettings
from gateway.wire.topics import Channel, every_device
from tests.fakes.clock import FakeClock
from tests.real.mqtt_client import WAIT_S, MqttClient

SECRET = "the server's own secret"

Connect = Callable[..., MqttClient]


@pytest.fixture
def registry(sqlite_url: str) -> Iterator[Engine]:
    """A registry; the broker asks it the same things on either database."""
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def broker(registry: Engine) -> Iterator[int]:
    """The port of a running broker."""
    running = EmbeddedBroker(registry, MqttSettings(mqtt_port=0), SECRET)
    yield running.start()
    running.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("broker")]


@pytest.fixture
def enrol(registry: Engine, clock: FakeClock) -> Callable[[], Enrolled]:
    """Makes a tablet."""

    def one() -> Enrolled:
        ids = RandomIds()
        with unit_of_work(registry) as db:
            token = service.enrol(db, clock, ids, kind="tablet", location_id="mill-lane")
            return service.redeem(db, clock, ids, token=token)

    return one


@pytest.fixture
def tablet(enrol: Callable[[], Enrolled]) -> Enrolled:
    """A tablet."""
    return enrol()


@pytest.fixture
def gateway(broker: int) -> Iterator[MqttClient]:
    """The server's own client, which hears every device."""
    with MqttClient(broker, "gateway", "server", SECRET, clean=False) as client:
        for channel in (Channel.EVENTS, Channel.STATUS):
            assert client.subscribe(every_device(channel))
        yield client


def as_device(port: int, device: Enrolled, **more: object) -> MqttClient:
    """Connect with a device's credential."""
    connect: Connect = MqttClient
    return connect(port, device.device_id, device.device_id, device.credential, **more)


def events(device: Enrolled) -> str:
    """The topic of a device's events."""
    return device.address.topic(Channel.EVENTS)


def test_an_event_reaches_the_server_and_a_receipt_the_device(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """The two directions of the contract."""
    receipts = tablet.address.topic(Channel.RECEIPTS)
    with as_device(broker, tablet) as device:
        assert device.subscribe(receipts)
        device.publish(events(tablet), b"scanned")
        assert gateway.next() == (events(tablet), b"scanned")
        gateway.publish(receipts, b"stored")
        assert device.next() == (receipts, b"stored")


def test_who_cannot_prove_it_is_refused(
    broker: int, gateway: MqttClient, tablet: Enrolled, enrol: Callable[[], Enrolled]
) -> None:
    """Wrong, missing and another's credential; the server's name without its secret."""
    other = enrol()
    for username, password in (
        (tablet.device_id, "wrong"),
        (tablet.device_id, None),
        (tablet.device_id, other.credential),
        (None, None),
        ("server", "wrong"),
        ("tab-000000", tablet.credential),
    ):
        with MqttClient(broker, "x", username, password) as stranger:
            assert not stranger.accepted
    assert not gateway.gone.is_set()


def test_a_stranger_cannot_disturb_a_session(
    broker: int, gateway: MqttClient, tablet: Enrolled, enrol: Callable[[], Enrolled]
) -> None:
    """Neither a stranger nor another device ends the gateway's session by using its client id."""
    with MqttClient(broker, "gateway", "server", "wrong") as stranger:
        assert not stranger.accepted
    other = enrol()
    with MqttClient(broker, "gateway", other.device_id, other.credential) as device:
        assert device.accepted
    assert not gateway.gone.is_set()
    with as_device(broker, tablet) as device:
        device.publish(events(tablet), b"still heard")
    assert gateway.next() == (events(tablet), b"still heard")


def test_a_device_cannot_speak_for_another(
    broker: int, gateway: MqttClient, tablet: Enrolled, enrol: Callable[[], Enrolled]
) -> None:
    """What it publishes elsewhere reaches nobody, and the broker hangs up on it."""
    other = enrol()
    for topic in (
        events(other),
        other.address.topic(Channel.STATUS),
        tablet.address.topic(Channel.COMMANDS),
        "shop/v1/changes/cart/c1",
        "shop/v1/stock/p1",
    ):
        with as_device(broker, tablet) as forger:
            forger.try_publish(topic, b"forged", qos=0, retain=True)
            assert forger.gone.wait(WAIT_S)
    with as_device(broker, tablet) as device:
        device.publish(events(tablet), b"mine")
        assert gateway.next() == (events(tablet), b"mine")
        assert gateway.hears_nothing()


def test_a_device_hears_what_is_its_own_and_stock(
    broker: int, gateway: MqttClient, tablet: Enrolled, enrol: Callable[[], Enrolled]
) -> None:
    """Every other subscription is refused, and nothing comes of it, retained or fresh."""
    other = enrol()
    with as_device(broker, other) as quiet:
        quiet.publish(other.address.topic(Channel.STATUS), b'{"online":true}', retain=True)
    with as_device(broker, tablet) as device:
        for refused in ("#", "+/+/#", every_device(Channel.STATUS), "shop/v1/changes/#"):
            assert not device.subscribe(refused)
        for channel in Channel:
            assert not device.subscribe(other.address.topic(channel))
        assert not device.subscribe(events(tablet))
        assert device.subscribe("shop/v1/stock/+")
        gateway.publish(other.address.topic(Channel.RECEIPTS), b"not yours")
        gateway.publish("shop/v1/stock/lamp", b"three left")
        assert device.next() == ("shop/v1/stock/lamp", b"three left")
        assert device.hears_nothing()


def test_a_retained_status_is_there_for_who_comes_later(broker: int, tablet: Enrolled) -> None:
    """The gateway that starts after the tablet learns that it is online; empty clears it."""
    status = tablet.address.topic(Channel.STATUS)
    with as_device(broker, tablet) as device:
        device.publish(status, b'{"online":true}', retain=True)
        with MqttClient(broker, "late", "server", SECRET) as late:
            assert late.subscribe(every_device(Channel.STATUS))
            assert late.next() == (status, b'{"online":true}')
        device.publish(status, b"", retain=True)
    with MqttClient(broker, "later", "server", SECRET) as later:
        assert later.subscribe(every_device(Channel.STATUS))
        assert later.hears_nothing()


def test_a_device_that_dies_leaves_its_will(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """The will is delivered when it dies, not when it says goodbye."""
    status = tablet.address.topic(Channel.STATUS)
    with as_device(broker, tablet, will=(status, b"off")):
        pass
    assert gateway.hears_nothing()
    as_device(broker, tablet, will=(status, b"off")).die()
    assert gateway.next() == (status, b"off")


def test_a_will_on_anothers_topic_is_refused(
    broker: int, gateway: MqttClient, tablet: Enrolled, enrol: Callable[[], Enrolled]
) -> None:
    """The connection is not accepted, so there is nothing to leave."""
    status = enrol().address.topic(Channel.STATUS)
    with as_device(broker, tablet, will=(status, b"off")) as device:
        assert not device.accepted
    assert gateway.hears_nothing()


def test_a_silent_device_is_taken_for_dead(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """One and a half keep-alive times without a word: the broker closes and sends the will."""
    status = tablet.address.topic(Channel.STATUS)
    with raw_connection(broker, tablet, keep_alive_s=1, will=(status, b"off")) as silent:
        assert gateway.next() == (status, b"off")
        assert silent.recv(16) == b""


def test_two_hundred_messages_come_in_order(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """Each exactly once, while nothing breaks."""
    payloads = [str(number).encode() for number in range(200)]
    with as_device(broker, tablet) as device:
        device.publish_all(events(tablet), payloads)
    assert [gateway.next()[1] for _ in payloads] == payloads


def test_every_quality_of_service_is_understood(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """0, 1 and 2 arrive once each; 2 is delivered as 1."""
    with as_device(broker, tablet) as device:
        for qos in (0, 1, 2):
            device.publish(events(tablet), str(qos).encode(), qos=qos)
        assert [gateway.next()[1] for _ in range(3)] == [b"0", b"1", b"2"]
        assert gateway.hears_nothing()


def test_a_persistent_session_keeps_what_came_meanwhile(broker: int, tablet: Enrolled) -> None:
    """A device that was away gets its commands when it is back, in order, and only once."""
    commands = tablet.address.topic(Channel.COMMANDS)
    with as_device(broker, tablet, clean=False) as device:
        assert not device.session_present
        assert device.subscribe(commands)
    with MqttClient(broker, "gateway", "server", SECRET) as gateway:
        gateway.publish_all(commands, [b"1", b"2", b"3"])
    with as_device(broker, tablet, clean=False) as device:
        assert device.session_present
        assert [device.next()[1] for _ in range(3)] == [b"1", b"2", b"3"]
    with as_device(broker, tablet, clean=False) as device:
        assert device.hears_nothing()
    with as_device(broker, tablet) as device:
        assert not device.session_present


def test_what_was_not_acknowledged_comes_again(broker: int, tablet: Enrolled) -> None:
    """A server process that died before its commit gets the message once more, marked as such."""
    with raw_login(broker, b"gateway", b"server", SECRET.encode(), clean=False) as first:
        topic = every_device(Channel.EVENTS).encode()
        wanted = struct.pack("!HH", 1, len(topic)) + topic + b"\x01"
        first.sendall(bytes((0x82, len(wanted))) + wanted)
        assert first.recv(5) == bytes((0x90, 3, 0, 1, 1))
        with as_device(broker, tablet) as device:
            device.publish(events(tablet), b"unsure")
        assert first.recv(1) == bytes((0x32,))
    with raw_login(broker, b"gateway", b"server", SECRET.encode(), clean=False) as second:
        assert second.recv(1) == bytes((0x3A,))  # DUP


def test_a_second_connection_of_a_client_replaces_the_first(broker: int, tablet: Enrolled) -> None:
    """A tablet that lost its network without noticing can come back at once."""
    with as_device(broker, tablet) as first, as_device(broker, tablet) as second:
        assert second.accepted
        assert first.gone.wait(WAIT_S)


def test_a_device_has_few_connections(broker: int, tablet: Enrolled) -> None:
    """The fifth with one credential is refused; the four stay."""
    clients = [
        MqttClient(broker, f"c{number}", tablet.device_id, tablet.credential) for number in range(5)
    ]
    assert [client.accepted for client in clients] == [True] * 4 + [False]
    for client in clients:
        client.__exit__(None, None, None)


def test_revoking_a_device_ends_its_connection(
    broker: int, registry: Engine, clock: FakeClock, tablet: Enrolled
) -> None:
    """Within seconds it is off, and it does not get in again."""
    with as_device(broker, tablet) as device:
        with unit_of_work(registry) as db:
            service.revoke(db, clock, device_id=tablet.device_id)
        assert device.gone.wait(WAIT_S)
    with as_device(broker, tablet) as again:
        assert not again.accepted


def test_a_rotated_credential_ends_connections_made_with_the_old_one(
    broker: int, registry: Engine, tablet: Enrolled, clock: FakeClock
) -> None:
    """Whoever has the fresh one comes in, the other goes."""
    with as_device(broker, tablet) as device:
        with unit_of_work(registry) as db:
            fresh = service.rotate(db, clock, RandomIds(), device_id=tablet.device_id)
        with MqttClient(broker, "new", tablet.device_id, fresh) as renewed:
            assert device.gone.wait(WAIT_S)
            assert renewed.accepted
            assert not renewed.gone.is_set()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
        b"\x00" * 64,
        b"\xff" * 64,
        bytes((0x10, 0xFF, 0xFF, 0xFF, 0x7F)),  # a CONNECT of 256 MB
        bytes((0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F)),
        bytes((0x30, 3)) + b"\x00\x01a",  # a PUBLISH before CONNECT
        bytes((0x10, 2, 0, 9)),
    ],
)
def test_garbage_closes_its_own_connection(
    broker: int, gateway: MqttClient, garbage: bytes
) -> None:
    """The broker hangs up on it, and nobody else notices."""
    with socket.create_connection(("127.0.0.1", broker), WAIT_S) as stranger:
        stranger.sendall(garbage)
        with suppress(ConnectionResetError):
            assert stranger.recv(16) == b""
    assert not gateway.gone.is_set()


def test_too_large_a_message_closes_the_connection(
    broker: int, gateway: MqttClient, tablet: Enrolled
) -> None:
    """It is not even read to its end; nothing of it arrives."""
    with as_device(broker, tablet) as device:
        device.publish(events(tablet), b"x" * (DEVICE_PACKET_BYTES_MAX - 100))
        assert len(gateway.next()[1]) == DEVICE_PACKET_BYTES_MAX - 100
        device._client.publish(events(tablet), b"x" * DEVICE_PACKET_BYTES_MAX, 1)  # noqa: SLF001 - not to wait for
        assert device.gone.wait(WAIT_S)
    assert gateway.hears_nothing()


def test_another_version_of_mqtt_is_told_so(broker: int) -> None:
    """The reply says which version is spoken: CONNACK with 1."""
    body = struct.pack("!H", 4) + b"MQTT" + bytes((5, 2, 0, 60, 0, 0, 0))
    with socket.create_connection(("127.0.0.1", broker), WAIT_S) as client:
        client.sendall(bytes((0x10, len(body))) + body)
        assert client.recv(4) == bytes((0x20, 2, 0, 1))


def test_a_server_that_does_not_read_makes_devices_wait(broker: int, tablet: Enrolled) -> None:
    """Nothing is dropped between a device and a gateway that is busy: all arrives in the end."""
    with raw_login(broker, b"gateway", b"server", SECRET.encode()) as busy:
        topic = every_device(Channel.EVENTS).encode()
        wanted = struct.pack("!HH", 1, len(topic)) + topic + b"\x01"
        busy.sendall(bytes((0x82, len(wanted))) + wanted)
        assert busy.recv(5) == bytes((0x90, 3, 0, 1, 1))
        with raw_connection(broker, tablet, keep_alive_s=60) as device:
            frame = publish_frame(events(tablet), b"x" * 4_000)
            sender = threading.Thread(target=lambda: device.sendall(frame * 12_000))
            drain = threading.Thread(target=lambda: drained(device))
            sender.start()
            drain.start()
            sender.join(0.5)
            assert sender.is_alive()  # held back: 48 MB do not fit into the queue's 32
            for count, size in enumerate(islice(publishes(busy), 12_000), start=1):
                assert size == len(frame) - 3
                busy.sendall(bytes((0x40, 2)) + struct.pack("!H", count))
            sender.join(WAIT_S)
            device.shutdown(socket.SHUT_WR)  # what the broker still acknowledges is read
            drain.join(WAIT_S)
            assert not sender.is_alive()
            assert not drain.is_alive()


def test_telemetry_that_nobody_reads_holds_up_no_scan(broker: int, tablet: Enrolled) -> None:
    """Its queue loses the oldest, which the device still has; scans go through all the while."""
    with (
        raw_login(broker, b"telemetry", b"server", SECRET.encode()) as slow,
        MqttClient(broker, "gateway", "server", SECRET, clean=False) as gateway,
        as_device(broker, tablet) as device,
    ):
        topic = every_device(Channel.TELEMETRY).encode()
        wanted = struct.pack("!HH", 1, len(topic)) + topic + b"\x01"
        slow.sendall(bytes((0x82, len(wanted))) + wanted)
        assert slow.recv(5) == bytes((0x90, 3, 0, 1, 1))
        assert gateway.subscribe(every_device(Channel.EVENTS))
        health = tablet.address.topic(Channel.TELEMETRY)
        over = SERVER_LIMITS.in_flight_max + SERVER_LIMITS.queue_messages_max + 500
        device.publish_all(health, [b"%d" % number for number in range(over)])
        device.publish(events(tablet), b"a scan")
        assert gateway.next() == (events(tablet), b"a scan")


def test_it_comes_back_on_the_same_port(registry: Engine, tablet: Enrolled) -> None:
    """Stopped and started, also while a client is connected."""
    first = EmbeddedBroker(registry, MqttSettings(mqtt_port=0), SECRET)
    port = first.start()
    with as_device(port, tablet) as device:
        first.stop()
        assert device.gone.wait(WAIT_S)
    first.stop()
    second = EmbeddedBroker(registry, MqttSettings(mqtt_port=port), SECRET)
    assert second.start() == port
    with as_device(port, tablet) as device:
        assert device.accepted
    second.stop()


def test_a_port_that_is_taken_is_said(broker: int, registry: Engine) -> None:
    """The error names address and port, and what helps."""
    rival = EmbeddedBroker(registry, MqttSettings(mqtt_port=broker), SECRET)
    with pytest.raises(Unavailable, match=f"{broker}.*MQTT_PORT=0"):
        rival.start()
    rival.stop()


def test_a_refusal_is_told_to_the_operator(
    broker: int, tablet: Enrolled, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the device and the topic."""
    with caplog.at_level(logging.WARNING), as_device(broker, tablet) as device:
        device.try_publish("shop/v1/stock/p1", b"forged", qos=0)
        assert device.gone.wait(WAIT_S)
    assert [one.message for one in caplog.records if one.name.startswith("gateway.broker")] == [
        f"closing the connection of {tablet.device_id}: it may not publish to shop/v1/stock/p1"
    ]


def raw_login(
    port: int,
    client_id: bytes,
    username: bytes,
    password: bytes,
    *,
    clean: bool = True,
    keep_alive_s: int = 60,
    will: tuple[str, bytes] | None = None,
) -> socket.socket:
    """Connect without a client library, so that a test can misbehave."""

    def text(value: bytes) -> bytes:
        return struct.pack("!H", len(value)) + value

    flags = 0xC0 | (2 if clean else 0) | (4 if will else 0)
    body = text(b"MQTT") + bytes((4, flags)) + struct.pack("!H", keep_alive_s) + text(client_id)
    if will:
        body += text(will[0].encode()) + text(will[1])
    body += text(username) + text(password)
    connection = socket.create_connection(("127.0.0.1", port), WAIT_S)
    connection.sendall(bytes((0x10, len(body) & 127 | 128, len(body) >> 7)) + body)
    assert connection.recv(4)[3] == 0
    return connection


def raw_connection(
    port: int, device: Enrolled, *, keep_alive_s: int, will: tuple[str, bytes] | None = None
) -> socket.socket:
    """The same with a device's credential."""
    name, password = device.device_id.encode(), device.credential.encode()
    return raw_login(port, name, name, password, keep_alive_s=keep_alive_s, will=will)


def publish_frame(topic: str, payload: bytes) -> bytes:
    """A PUBLISH of quality 1."""
    body = struct.pack("!H", len(topic)) + topic.encode() + b"\x00\x01" + payload
    return bytes((0x32, len(body) & 127 | 128, len(body) >> 7)) + body


def publishes(connection: socket.socket) -> Iterator[int]:
    """Yield the length of each PUBLISH that arrives."""
    buffer = bytearray()
    while data := connection.recv(1 << 20):
        buffer += data
        while len(buffer) > 3:
            length = buffer[1] & 127 | buffer[2] << 7
            if len(buffer) < 3 + length:
                break
            del buffer[: 3 + length]
            yield length


def drained(connection: socket.socket) -> None:
    """Read until the end."""
    while connection.recv(1 << 16):
        pass
