"""Acknowledgements by hand against a real Mosquitto: never stale, redelivered when missing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import paho.mqtt.client as paho
import pytest
import trustme
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt import OUTGOING_MAX, Incoming, MqttLink, address_of
from gateway.swift import READ_BYTES
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

TOPIC, COMMANDS = "shop/v1/p00/l/d/events", "shop/v1/p00/l/d/commands"
Connect = Callable[[], tuple[MqttLink, Queue[Incoming]]]


def publish(broker: Mosquitto, *payloads: bytes) -> None:
    """Publish at QoS 1 and wait for the broker's word."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for payload in payloads:
        client.publish(TOPIC, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.fixture(params=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> str:
    """Both versions of the protocol."""
    value: str = request.param
    return value


@pytest.fixture
def link(
    mosquitto: Mosquitto, version: str
) -> Iterator[Callable[[], tuple[MqttLink, Queue[Incoming]]]]:
    """A function that connects the gateway's session and returns what comes in."""
    links: list[MqttLink] = []

    def connect() -> tuple[MqttLink, Queue[Incoming]]:
        came: Queue[Incoming] = Queue()
        made = MqttLink(
            lambda: address_of(mosquitto.url, version),
            client_id="gateway",
            subscriptions=[("shop/v1/+/+/+/events", 1)],
            on_message=came.put,
            by_hand=True,
        )
        links.append(made)
        made.start()
        assert made.wait_online(10)
        return made, came

    yield connect
    for made in links:
        made.stop()


def test_what_was_not_acknowledged_comes_again(mosquitto: Mosquitto, link: Connect) -> None:
    """A gateway that stops before its ack gets the message again; acknowledged, it does not."""
    first, came = link()
    publish(mosquitto, b"1", b"2")
    one, two = came.get(timeout=10), came.get(timeout=10)
    assert (one.payload, two.payload) == (b"1", b"2")
    assert first.ack([one]) == 1
    first.stop()
    _, again = link()
    assert again.get(timeout=10).payload == b"2"
    assert again.empty()


def test_an_ack_of_an_earlier_connection_is_not_sent(mosquitto: Mosquitto, link: Connect) -> None:
    """After the broker forgot the session its packet ids name other messages: the ack stays."""
    gateway, came = link()
    publish(mosquitto, b"old")
    old = came.get(timeout=10)
    mosquitto.kill()
    (mosquitto.folder / "data" / "mosquitto.db").unlink(missing_ok=True)
    mosquitto.start()
    wait_until(lambda: gateway.online, 30)
    publish(mosquitto, b"new")
    new = came.get(timeout=10)
    assert new.payload == b"new"
    assert new.generation != old.generation
    assert gateway.ack([old]) == 0
    assert gateway.ack([new]) == 1


def test_a_listener_that_raises_does_not_end_the_network(mosquitto: Mosquitto) -> None:
    """The thread goes on, and the next message is heard."""
    came: Queue[bytes] = Queue()

    def listen(message: Incoming) -> None:
        if message.payload == b"bad":
            raise ValueError(message.payload)
        came.put(message.payload)

    link = MqttLink(
        lambda: address_of(mosquitto.url, "5"),
        client_id="listener",
        subscriptions=[(TOPIC, 1)],
        on_message=listen,
    )
    link.start()
    assert link.wait_online(10)
    publish(mosquitto, b"bad", b"good")
    assert came.get(timeout=10) == b"good"
    assert link.online
    link.stop()


def test_what_is_said_while_the_broker_is_away_is_bounded(
    mosquitto: Mosquitto, link: Connect
) -> None:
    """What came first waits and is sent in order; what there is no room for is counted."""
    with MqttClient(mosquitto.port, "tablet", clean=False) as tablet:
        assert tablet.subscribe(COMMANDS)
    gateway, _ = link()
    mosquitto.stop()
    wait_until(lambda: not gateway.online, 30)
    for number in range(OUTGOING_MAX + 70):
        gateway.publish(COMMANDS, b"%d" % number, qos=1)
        gateway.publish(COMMANDS, b"a receipt: it is sent again when it is due")
    assert gateway.refused == 70
    mosquitto.start()
    with MqttClient(mosquitto.port, "tablet", clean=False) as tablet:
        heard = [tablet.next()[1] for _ in range(OUTGOING_MAX)]
        assert heard == [b"%d" % number for number in range(OUTGOING_MAX)]
        wait_until(lambda: gateway.online, 30)
        gateway.publish(COMMANDS, b"after", qos=1)
        assert tablet.next()[1] == b"after"
    assert gateway.refused == 70


def test_a_burst_of_every_size_comes_whole_and_in_order(
    mosquitto: Mosquitto, link: Connect
) -> None:
    """Larger than the read buffer, empty, with properties, of QoS 0: what was sent is what comes.

    It is acknowledged many at a time, and nothing comes again.
    """
    gateway, came = link()
    sizes = [0, 1, 127, 128, 16_383, 16_384, 300_000, READ_BYTES - 7, *range(1, 900)]
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.max_inflight_messages_set(0)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = [("traceparent", "00-" + "a" * 50)]
    for number, size in enumerate(sizes):
        client.publish(
            TOPIC, bytes([number % 256]) * size, qos=number % 7 > 0, properties=properties
        ).wait_for_publish(10)
    messages: list[Incoming] = []
    while len(messages) < len(sizes):  # by MQTT 3.1.1 the broker gives out 200 at a time
        some = [came.get(timeout=10) for _ in range(min(150, len(sizes) - len(messages)))]
        assert gateway.ack(some) == sum(one.qos for one in some)
        messages += some
    client.disconnect()
    client.loop_stop()
    for qos in (0, 1):  # MQTT promises an order within each
        sent = [
            bytes([number % 256]) * size
            for number, size in enumerate(sizes)
            if int(number % 7 > 0) == qos
        ]
        assert [one.payload for one in messages if one.qos == qos] == sent
    assert {one.topic for one in messages} == {TOPIC}
    publish(mosquitto, b"last")
    last = came.get(timeout=10)
    assert gateway.ack([last]) == 1
    # What follows an acknowledgement comes back when the broker has read it; one that we hang
    # up on before may give the message out again.
    gateway.publish(TOPIC, b"and back")
    assert came.get(timeout=10).payload == b"and back"
    gateway.stop()
    _, again = link()
    publish(mosquitto, b"after")
    assert again.get(timeout=10).payload == b"after"


def test_the_link_speaks_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ``mqtts://`` a burst comes whole: what TLS keeps to itself is asked for too."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = authority.issue_cert("127.0.0.1", "localhost")
    server.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for part in server.cert_chain_pems:
        part.write_to_path(str(tmp_path / "cert.pem"), append=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # what OpenSSL trusts
    (tmp_path / "key.pem").chmod(0o644)  # the broker gives up root before it reads
    broker = Mosquitto(
        tmp_path / "mosquitto",
        f"allow_anonymous true\ncertfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\n",
    )
    broker.start()
    came: Queue[Incoming] = Queue()
    gateway = MqttLink(
        lambda: address_of(f"mqtts://localhost:{broker.port}", "5"),
        client_id="gateway",
        subscriptions=[(TOPIC, 1)],
        on_message=came.put,
        by_hand=True,
    )
    try:
        gateway.start()
        assert gateway.wait_online(10)
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.tls_set()
        client.connect("localhost", broker.port)
        client.loop_start()
        sent = [bytes([number % 256]) * (40 * number) for number in range(500)]
        for payload in sent:
            client.publish(TOPIC, payload, qos=1)
        messages = [came.get(timeout=10) for _ in sent]
        client.disconnect()
        client.loop_stop()
        assert [one.payload for one in messages] == sent
        assert gateway.ack(messages) == len(sent)
    finally:
        gateway.stop()
        broker.stop()
