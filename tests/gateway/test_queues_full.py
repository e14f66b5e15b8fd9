"""Queues that are full: of notices heard, and of the embedded broker for one client."""

import threading
from collections.abc import Sequence
from pathlib import Path

from gateway.broker.packets import Publish
from gateway.broker.sessions import DEVICE_LIMITS, MqttSession
from gateway.fanout import WAITING_MAX, CartChanged, Fanout, Notice
from gateway.notices import encode
from gateway.settings import MqttSettings
from gateway.wire.topics import change
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

WAIT_S = 30.0
OVER = 500


def test_a_listener_that_is_stuck_looks_at_everything_afterwards(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """More notices than may wait are dropped; it is told so, and hears the next."""
    going, stuck = threading.Event(), threading.Event()
    gaps: list[int] = []
    heard: list[Notice] = []

    def listen(notices: Sequence[Notice]) -> None:
        stuck.set()
        assert going.wait(WAIT_S)
        heard.extend(notices)

    fan = Fanout(
        MqttSettings(data_dir=tmp_path, mqtt_url=mosquitto.url),
        "api",
        listen=listen,
        on_gap=lambda: gaps.append(len(heard)),
    )
    fan.start()
    assert fan.wait_online(WAIT_S)
    wait_until(lambda: gaps == [0], WAIT_S)  # it has just connected
    with MqttClient(mosquitto.port, "publisher") as publisher:

        def ring(version: int) -> list[bytes]:
            return [payload for _, payload in encode("gateway", [CartChanged("cart", version)])]

        publisher.publish_all(change("gateway"), ring(0))
        assert stuck.wait(WAIT_S)
        publisher.publish_all(change("gateway"), [*ring(1) * (WAITING_MAX + OVER)])
        wait_until(lambda: fan.behind, WAIT_S)
        going.set()
        wait_until(lambda: len(gaps) == 2, WAIT_S)
        publisher.publish_all(change("gateway"), ring(2))
        wait_until(lambda: CartChanged("cart", 2) in heard, WAIT_S)
    fan.stop()
    assert len(heard) < WAITING_MAX + OVER


def test_a_device_that_is_away_finds_the_latest() -> None:
    """The embedded broker keeps so many for it, and counts what went."""
    session = MqttSession(("tab-1", "tab-1"), DEVICE_LIMITS, clean=False)
    for number in range(DEVICE_LIMITS.queue_messages_max + 70):
        session.add(Publish("commands", b"%d" % number, 1))
    kept = [int(message.payload) for message in session.waiting]
    assert kept == list(range(70, DEVICE_LIMITS.queue_messages_max + 70))
    assert session.dropped == 70
    large = Publish("commands", b"x" * (DEVICE_LIMITS.queue_bytes_max // 4), 1)
    for _ in range(9):
        session.add(large)
    assert session.waiting_bytes <= DEVICE_LIMITS.queue_bytes_max + len(large.payload)
    assert len(session.waiting) <= 5
