"""Acknowledgements by hand against a real Mosquitto: never stale, redelivered when missing."""

from collections.abc import Callable, Iterator
from queue import Queue

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.mqtt import Incoming, MqttLink, address_of
from tests.real.broker import Mosquitto
from tests.real.waiting import wait_until

TOPIC = "shop/v1/p00/l/d/events"
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
