"""A partition's session goes from one process to the next with what was in flight, in order."""

from collections.abc import Callable, Iterator
from queue import Empty, Queue

import pytest

from gateway.hearing import Hearing
from gateway.leases.sessions import PartitionSessions
from gateway.mqtt import Incoming, MqttLink, address_of
from tests.gateway.test_mqtt_link import TOPIC, publish
from tests.real.broker import Mosquitto
from tests.real.waiting import wait_until

PARTITION, TELEMETRY = "p00", "shop/v1/p00/l/d/telemetry"
AWAY_S = 2.5  # a link that may connect does so within one second


class Holder:
    """The sessions of one process, and what came on them."""

    def __init__(self, broker: Mosquitto) -> None:
        self._broker = broker
        self.fresh = True
        self.opened: list[str] = []
        self.came: Queue[Incoming] = Queue()
        self.sessions = PartitionSessions(
            self._links, fresh=lambda: self.fresh, on_open=self.opened.append
        )

    def _links(self, partition: str, may_connect: Callable[[], bool]) -> Hearing:
        def link(client_id: str, topic: str) -> MqttLink:
            return MqttLink(
                lambda: address_of(self._broker.url, "5"),
                client_id=client_id,
                subscriptions=[(topic, 1)],
                on_message=self.came.put,
                by_hand=True,
                may_connect=may_connect,
            )

        name = f"gateway-{partition}"
        return Hearing(link(name, TOPIC), link(f"{name}-telemetry", TELEMETRY))

    def open(self) -> None:
        """Take the partition."""
        self.sessions.open(PARTITION)
        wait_until(lambda: self.sessions.offline == [])

    def get(self, count: int) -> list[Incoming]:
        """Return the next messages."""
        return [self.came.get(timeout=10) for _ in range(count)]


@pytest.fixture
def holders(mosquitto: Mosquitto) -> Iterator[tuple[Holder, Holder]]:
    """Two processes."""
    made = Holder(mosquitto), Holder(mosquitto)
    yield made
    for one in made:
        one.sessions.close(PARTITION)
        one.sessions.wait_closed(10)


def test_the_next_holder_gets_what_was_not_acknowledged_in_order(
    mosquitto: Mosquitto, holders: tuple[Holder, Holder]
) -> None:
    """What is in flight first, then what waited; the one before can acknowledge nothing more."""
    first, second = holders
    first.open()
    publish(mosquitto, b"1", b"2", b"3")
    old = first.get(3)
    assert first.sessions.ack(old[:1]) == 1
    first.sessions.close(PARTITION)
    assert first.sessions.ack(old) == 0
    first.sessions.wait_closed(10)
    publish(mosquitto, b"4")
    second.open()
    fresh = second.get(3)
    assert [one.payload for one in fresh] == [b"2", b"3", b"4"]
    assert second.sessions.ack(old) == 0
    assert second.sessions.ack(fresh) == 3
    assert (first.sessions.acked, second.sessions.acked) == (1, 3)
    assert second.opened == [PARTITION]


def test_who_was_taken_for_dead_does_not_fight_for_the_session(
    mosquitto: Mosquitto, holders: tuple[Holder, Holder]
) -> None:
    """Thrown out while it is not fresh, it stays away, and the other one is not disturbed."""
    first, second = holders
    first.open()
    first.fresh = False
    second.open()
    wait_until(lambda: first.sessions.offline == [PARTITION])
    connections = second.sessions.connections
    with pytest.raises(TimeoutError):
        wait_until(lambda: first.sessions.offline == [], AWAY_S)
    publish(mosquitto, b"1")
    assert [one.payload for one in second.get(1)] == [b"1"]
    assert (second.sessions.offline, second.sessions.connections) == ([], connections)
    with pytest.raises(Empty):
        first.came.get_nowait()


def test_a_partition_that_is_had_again_is_another_tenure(
    mosquitto: Mosquitto, holders: tuple[Holder, Holder]
) -> None:
    """What came before is told apart from what comes now; without a link nothing is ours."""
    holder = holders[0]
    holder.open()
    publish(mosquitto, b"1")
    [old] = holder.get(1)
    assert holder.sessions.since(PARTITION) <= old.generation
    holder.sessions.close(PARTITION)
    assert not holder.sessions.holds(PARTITION)
    assert holder.sessions.since(PARTITION) == float("inf")
    holder.sessions.wait_closed(10)
    holder.open()
    [again] = holder.get(1)
    assert old.generation < holder.sessions.since(PARTITION) <= again.generation
