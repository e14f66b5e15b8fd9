"""One device says far too much: the others are heard as before, nothing is lost, it is seen."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cart.db import make_engine, reading
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.broker.fair import FairQueue
from gateway.broker.packets import Publish
from gateway.broker.sessions import SERVER_LIMITS, SHARE_MESSAGES_MAX, MqttSession
from gateway.findings.seen import note_seen
from gateway.findings.service import findings
from gateway.findings.tables import FindingKind
from gateway.ingest.share import Share
from gateway.limits import KNOWN_MAX, DeviceLimits, Flood
from gateway.mqtt import Incoming
from gateway.settings import MqttSettings
from gateway.wire.codec import encode
from gateway.wire.downlink import Receipt, Status
from gateway.wire.topics import Channel
from gateway.wiring import Gateway
from store_devices.spool import Limits
from tests.fakes.clock import FakeClock
from tests.fakes.shop import MUG, Tablet, enrolled, stock_catalogue
from tests.gateway.test_lanes import held_back
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
WAIT_S = 60.0
HONEST, EACH = 20, 5
FULL_SPOOL = Limits().events_max * Limits().reserve  # scans, when health has been given up


def test_a_full_spool_at_once_is_no_flood() -> None:
    """What an honest tablet can say at once, and what it may say for ever, is within the limit."""
    limits = DeviceLimits.of(MqttSettings())
    assert limits.spend("tab-1", FULL_SPOOL, 0.0) == FULL_SPOOL
    for second in range(1, 3_600):
        assert limits.spend("tab-1", 100, float(second)) == 100
    assert limits.floods() == []


def test_beyond_it_so_much_a_second() -> None:
    """A bucket that is empty fills slowly; the operator gets the rate and how many had to wait."""
    limits = DeviceLimits(100, 10)
    assert limits.spend("tab-1", 250, 5.0) == 100
    assert limits.spend("tab-1", 250, 5.5) == 5
    assert limits.spend("tab-2", 100, 5.5) == 100  # somebody else's bucket is its own
    assert limits.floods() == [Flood("tab-1", 500.0, 395)]
    assert limits.floods() == []
    assert limits.spend("tab-1", 1, 20.0) == 1  # full again: what was is forgotten
    assert limits.spend("tab-1", 100, 20.0) == 99
    assert limits.floods() == [Flood("tab-1", 101.0, 1)]


def test_buckets_of_no_end_of_names_are_bounded() -> None:
    """Whoever invents devices costs no memory, and nobody who is beyond it a fresh bucket."""
    limits = DeviceLimits(100, 10)
    assert limits.spend("tab-1", 150, 0.0) == 100
    for number in range(KNOWN_MAX + 10):
        limits.spend(f"tab-x{number}", 1, 1.0 + number)
    assert len(limits._buckets) <= KNOWN_MAX  # noqa: SLF001 - nothing else shows it


def test_only_the_first_are_taken_and_every_status() -> None:
    """Of the flood what comes first; all of the others; a status is said once and never left."""
    share = Share(DeviceLimits(100, 1), FakeClock().monotonic)

    def message(device: str, channel: Channel) -> Incoming:
        return Incoming(f"shop/v1/p00/shop/{device}/{channel}", b"", 1, 1, False, 1)  # noqa: FBT003

    flood = [message("tab-flood", Channel.EVENTS) for _ in range(150)]
    honest = [message("tab-1", Channel.EVENTS) for _ in range(90)]
    status = message("tab-flood", Channel.STATUS)
    odd = Incoming("odd", b"", 1, 1, False, 1)  # noqa: FBT003
    left = share.beyond([*flood[:75], *honest, odd, *flood[75:], status])
    assert left == {id(one) for one in flood[100:]}


def test_what_waits_for_the_gateway_is_taken_in_turns() -> None:
    """Each sender's own messages stay in order; of several senders each has its turn."""
    waiting = FairQueue()
    for number in range(4):
        waiting.append(Publish("flood", b"%d" % number, 1), "flood")
    waiting.append(Publish("one", b"a", 1), "one")
    waiting.append(Publish("two", b"b", 0), "two")
    waiting.append(Publish("one", b"c", 1), "one")
    taken = [waiting.popleft().payload for _ in range(3)]
    assert taken == [b"0", b"a", b"b"]
    assert waiting.head.payload == b"1"
    assert waiting.drop("two").payload == b"1"  # it has none: who has most gives
    assert waiting.drop("one").payload == b"c"
    assert [waiting.popleft().payload for _ in range(len(waiting))] == [b"2", b"3"]


def test_a_full_share_is_one_devices_own_affair() -> None:
    """It has to wait, the queue is far from full, and nobody else has to."""
    session = MqttSession(("server", "gateway"), SERVER_LIMITS, clean=False)
    for _ in range(SHARE_MESSAGES_MAX):
        assert not session.must_wait("flood")
        session.add(Publish("events", b"", 1), "flood", unbounded=True)
    assert session.must_wait("flood")
    assert not session.must_wait("honest")
    while not session.may_go_on("flood"):
        session.next_to_send()
    assert session.waiting.of("flood") == SHARE_MESSAGES_MAX // 2


class Shop:
    """A gateway on a real broker, a device that floods, and twenty that do not."""

    def __init__(self, url: str, port: int, gateway: Gateway) -> None:
        self.engine, self.port, self.gateway = make_engine(url), port, gateway
        stock_catalogue(self.engine)
        self.flooding = Tablet(enrolled(self.engine, CLOCK, IDS), CLOCK)
        self.honest = [Tablet(enrolled(self.engine, CLOCK, IDS), CLOCK) for _ in range(HONEST)]

    def connected(self, tablet: Tablet) -> MqttClient:
        """Connect with its credential."""
        device = tablet.device
        return MqttClient(self.port, device.device_id, device.device_id, device.credential)

    def say(self, client: MqttClient, tablet: Tablet, count: int) -> list[bytes]:
        """Publish scans; return them."""
        scans = [json.dumps(tablet.scanned("v1", MUG)).encode() for _ in range(count)]
        client.publish_all(tablet.address.topic(Channel.EVENTS), scans)
        return scans

    def received(self) -> list[tuple[str, int]]:
        """Return whose event came and when, of all that are stored."""
        with reading(self.engine) as db:
            found = db.connection().execute(
                text("SELECT device_id, received_at_us FROM device_event")
            )
            return [(row[0], row[1]) for row in found]

    def stored_of(self, tablet: Tablet) -> int:
        """Return how many events of a device are stored."""
        return sum(name == tablet.device.device_id for name, _ in self.received())


StartShop = Callable[[MqttSettings, int], Shop]


@pytest.fixture
def start(sqlite_url: str, tmp_path: Path) -> Iterator[StartShop]:
    """Start a shop with these settings; a port of 0 is the embedded broker's."""
    with ExitStack() as after:

        def started(settings: MqttSettings, port: int) -> Shop:
            whole = settings.model_copy(
                update={"data_dir": tmp_path / "data", "database_url": sqlite_url}
            )
            gateway = Gateway(whole)
            after.callback(gateway.stop)
            port = gateway.start() or port
            assert gateway.wait_online(WAIT_S)
            shop = Shop(sqlite_url, port, gateway)
            after.callback(shop.engine.dispose)
            return shop

        yield started


def test_twenty_devices_are_heard_through_a_flood(start: StartShop) -> None:
    """Embedded broker: what they say while a flood waits is stored before most of it; all is.

    The gateway has a thousand of the flood on the way, which no order can change. Behind
    those each honest event waits for one of the flood and one of each other device.
    """
    flood = 4_000
    shop = start(MqttSettings(mqtt_port=0), 0)
    with ExitStack() as clients:
        storm = clients.enter_context(shop.connected(shop.flooding))
        others = [clients.enter_context(shop.connected(one)) for one in shop.honest]
        with held_back(shop.engine):
            topic = shop.flooding.address.topic(Channel.EVENTS)
            for _ in range(flood):
                event = json.dumps(shop.flooding.scanned("v1", MUG)).encode()
                storm.publish_soon(topic, event)
            wait_until(lambda: shop.gateway.held["events"] == SERVER_LIMITS.in_flight_max, WAIT_S)
            for client, tablet in zip(others, shop.honest, strict=True):
                shop.say(client, tablet, EACH)
        wait_until(lambda: len(shop.received()) == flood + HONEST * EACH, WAIT_S)
    received = shop.received()
    flooding = shop.flooding.device.device_id
    last = max(at for name, at in received if name != flooding)
    after = sum(name == flooding and at > last for name, at in received)
    batches = 2 * SERVER_LIMITS.in_flight_max  # what was on the way, and the batch they are in
    assert after >= flood - batches - EACH


def noted(engine: Engine, tablet: Tablet) -> list[str]:
    """Return the kinds of what was found of a device."""
    with reading(engine) as db:
        return [row.kind for row in findings(db, tablet.device.device_id)]


def test_the_embedded_broker_slows_a_flood_down(start: StartShop) -> None:
    """Beyond its limit a device is read slowly: all that it said is stored, and it is seen."""
    shop = start(
        MqttSettings(mqtt_port=0, gateway_device_burst_events=100, gateway_device_events_per_s=200),
        0,
    )
    with shop.connected(shop.flooding) as storm, shop.connected(shop.honest[0]) as other:
        topic = shop.flooding.address.topic(Channel.EVENTS)
        for _ in range(600):
            storm.publish_soon(topic, json.dumps(shop.flooding.scanned("v1", MUG)).encode())
        wait_until(lambda: shop.stored_of(shop.flooding) >= 100, WAIT_S)
        assert shop.stored_of(shop.flooding) < 600
        shop.say(other, shop.honest[0], EACH)
        wait_until(lambda: shop.stored_of(shop.honest[0]) == EACH, WAIT_S)
        assert shop.stored_of(shop.flooding) < 600
        wait_until(lambda: shop.stored_of(shop.flooding) == 600, WAIT_S)
    limits = shop.gateway.limits
    note_seen(shop.engine, CLOCK, limits)
    assert noted(shop.engine, shop.flooding) == [FindingKind.FLOODING]
    assert noted(shop.engine, shop.honest[0]) == []


def test_another_brokers_queue_is_not_one_devices(start: StartShop, mosquitto: Mosquitto) -> None:
    """Mosquitto: a flood in its queue is passed over for who stands behind; nothing is lost.

    What was passed over has no receipt: the device sends it again until it has one.
    """
    flood, burst = 3_000, 300
    shop = start(
        MqttSettings(
            mqtt_url=mosquitto.url,
            gateway_device_burst_events=burst,
            gateway_device_events_per_s=500,
            gateway_batch_events=200,
        ),
        mosquitto.port,
    )
    with ExitStack() as clients:
        storm = clients.enter_context(shop.connected(shop.flooding))
        assert storm.subscribe(shop.flooding.address.topic(Channel.RECEIPTS))
        others = [clients.enter_context(shop.connected(one)) for one in shop.honest]
        with held_back(shop.engine):
            scans = shop.say(storm, shop.flooding, flood)
            for client, tablet in zip(others, shop.honest, strict=True):
                shop.say(client, tablet, EACH)
        wait_until(lambda: all(shop.stored_of(one) == EACH for one in shop.honest), WAIT_S)
        assert burst <= shop.stored_of(shop.flooding) < flood
        topic = shop.flooding.address.topic(Channel.EVENTS)
        while (through := receipted(storm)) < flood:  # as a device does that keeps the rest
            storm.publish_all(topic, scans[through:][:500])
    assert shop.stored_of(shop.flooding) == flood
    note_seen(shop.engine, CLOCK, shop.gateway.limits)
    assert noted(shop.engine, shop.flooding) == [FindingKind.FLOODING]


def receipted(client: MqttClient) -> int:
    """Return how far the newest of the receipts that wait goes; there is one."""
    wait_until(lambda: not client.received.empty(), WAIT_S)
    marks: list[int] = []
    while not client.received.empty():
        marks.append(Receipt.model_validate_json(client.next()[1]).stored_through)
    return max(marks)


def test_a_flood_that_goes_on_is_one_finding(
    engine: Engine, clock: FakeClock, ids: RandomIds
) -> None:
    """It counts up, says the latest rate, and is looked at once for all."""
    stock_catalogue(engine)
    device = enrolled(engine, clock, ids)
    limits = DeviceLimits(100, 1)
    for second in (1.0, 2.0):
        assert limits.spend(device.device_id, 1_000, second) < 1_000
        assert limits.spend("tab-nobody", 1_000, second) < 1_000
        clock.advance(seconds=1)
        note_seen(engine, clock, limits)
    with reading(engine) as db:
        (row,) = findings(db, device.device_id)
        nobody = findings(db, "tab-nobody")
    assert (row.count, row.last_seen_us - row.first_seen_us) == (2, 1_000_000)
    assert row.detail == "2,000 messages a second; 999 had to wait"
    assert nobody == []


def test_a_device_that_tries_another_topic_is_shown(start: StartShop) -> None:
    """The embedded broker hangs up, and remembers who it was and where for the operator."""
    shop = start(MqttSettings(mqtt_port=0), 0)
    mine = shop.flooding.address.topic(Channel.EVENTS)
    there = mine.replace(shop.flooding.address.location_id, "mill-lane")
    with shop.connected(shop.flooding) as client:
        client.try_publish(there, b"{}")
        assert client.gone.wait(WAIT_S)
    shop.gateway.note_seen()
    with reading(shop.engine) as db:
        (row,) = findings(db, shop.flooding.device.device_id)
    assert (row.kind, row.detail) == (FindingKind.ELSEWHERE, f"it tried to speak on {there}")
    assert shop.received() == []


@pytest.mark.parametrize("broker", ["embedded", "mosquitto"])
def test_two_that_take_turns_at_a_real_broker_are_shown(
    start: StartShop, request: pytest.FixtureRequest, broker: str
) -> None:
    """Each connection ends the other's; a process that is back after another is found."""
    other: Mosquitto | None = (
        request.getfixturevalue("mosquitto") if broker == "mosquitto" else None
    )
    settings = MqttSettings(mqtt_url=other.url) if other else MqttSettings(mqtt_port=0)
    shop = start(settings, other.port if other else 0)
    tablet, topic = shop.flooding, shop.flooding.address.topic(Channel.STATUS)
    with ExitStack() as clients:
        for boot in ("boot-a", "boot-b", "boot-a"):
            client = clients.enter_context(shop.connected(tablet))
            status = Status(online=True, boot=boot, at=CLOCK.now())
            client.publish(topic, encode(status), retain=True)
        wait_until(lambda: noted(shop.engine, tablet) == [FindingKind.CLONED], WAIT_S)
