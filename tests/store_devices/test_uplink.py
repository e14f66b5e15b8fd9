"""The uplink against a real Mosquitto: in order, exactly once after de-duplication."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Literal

import pytest

from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from gateway.wire import topics
from gateway.wire.codec import encode
from gateway.wire.downlink import (
    AckOutcome,
    Clear,
    ClearData,
    Command,
    StockNotice,
)
from gateway.wire.events import HealthData, HeardFrame, ScannedData
from gateway.wire.sightings import Sightings
from gateway.wire.topics import Channel, DeviceAddress
from store_devices.connection import SAID_MAX
from store_devices.delivery import TELEMETRY_WINDOW_MAX
from store_devices.link import Answer, LinkState, UplinkOptions
from store_devices.spool import TELEMETRY_LIMITS, Spool
from store_devices.uplink import Uplink
from tests.fakes.gateway_end import GatewayEnd
from tests.real.broker import Mosquitto
from tests.real.waiting import wait_until

ADDRESS = DeviceAddress("p01", "harbour-street", "tablet-1")
SCAN = ScannedData(visit="v1", gtin=Gtin("4006381333931"))
HEALTH = HealthData(firmware="1.0")
WAIT_S = 20


class Heard:
    """Keeps what came down; ``fails`` makes commands raise."""

    def __init__(self) -> None:
        self.commands: Queue[Command] = Queue()
        self.notices: Queue[StockNotice] = Queue()
        self.links: Queue[LinkState] = Queue()
        self.fails = False

    def command(self, command: Command) -> Answer:
        """Keep it."""
        if self.fails:
            msg = "the screen is on fire"
            raise RuntimeError(msg)
        self.commands.put(command)
        return Answer()

    def stock(self, notice: StockNotice) -> None:
        """Keep it."""
        self.notices.put(notice)

    def link(self, state: LinkState) -> None:
        """Keep it."""
        self.links.put(state)

    def wait_online(self, *, online: bool = True) -> None:
        """Wait until the line is up, or down."""
        while self.links.get(timeout=WAIT_S).online is not online:
            pass


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A fresh spool."""
    made = Spool(tmp_path / "spool.db", device_id="tablet-1", clock=SystemClock(), ids=RandomIds())
    yield made
    made.close()


@pytest.fixture
def far_end(mosquitto: Mosquitto) -> Iterator[GatewayEnd]:
    """A gateway that answers."""
    end = GatewayEnd(mosquitto.port, ADDRESS)
    end.start()
    yield end
    end.stop()


@pytest.fixture
def heard() -> Heard:
    """What the device hears."""
    return Heard()


def uplink_of(
    broker: Mosquitto,
    spool: Spool,
    heard: Heard,
    *,
    version: Literal["3.1.1", "5"] = "3.1.1",
    resend_after_s: float = 0.3,
    telemetry: Spool | None = None,
) -> Uplink:
    """Return an uplink in a hurry: short waits, a small window."""
    options = UplinkOptions(
        url=broker.url,
        address=ADDRESS,
        credential="secret",
        firmware="1.0",
        version=version,
        resend_after_s=resend_after_s,
        back_off_min_s=0.05,
        window_max=20,
    )
    return Uplink(options, spool=spool, telemetry=telemetry, clock=SystemClock(), hearer=heard)


def drained(spool: Spool, far_end: GatewayEnd, count: int) -> None:
    """Wait until the last receipt has emptied the spool."""
    far_end.wait_for(count)
    deadline = datetime.now(UTC) + timedelta(seconds=WAIT_S)
    while len(spool) and datetime.now(UTC) < deadline:
        far_end.receipt(spool.id, count)
        far_end.wait_for(count)
    assert len(spool) == 0


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_was_spooled_arrives_in_order_and_is_forgotten(
    mosquitto: Mosquitto,
    far_end: GatewayEnd,
    spool: Spool,
    heard: Heard,
    version: Literal["3.1.1", "5"],
) -> None:
    """Events from before and after the connection come in order; receipts empty the spool."""
    added = [spool.add(SCAN).id for _ in range(30)]
    uplink = uplink_of(mosquitto, spool, heard, version=version)
    uplink.start()
    heard.wait_online()
    for _ in range(30):
        added.append(spool.add(SCAN).id)
        uplink.wake()
    drained(spool, far_end, 60)
    uplink.stop()
    assert [event.id for event in far_end.events] == added


def test_telemetry_goes_its_own_way_and_is_forgotten_by_its_own_receipts(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, tmp_path: Path, heard: Heard
) -> None:
    """Each spool on its channel; health from before an upgrade goes where it was numbered."""
    old_health, scan = spool.add(HEALTH), spool.add(SCAN)
    telemetry = Spool(
        tmp_path / "telemetry.db",
        device_id="tablet-1",
        clock=SystemClock(),
        ids=RandomIds(),
        limits=TELEMETRY_LIMITS,
    )
    reports = [telemetry.add(HEALTH) for _ in range(3 * TELEMETRY_WINDOW_MAX)]
    uplink = uplink_of(mosquitto, spool, heard, telemetry=telemetry)
    uplink.start()
    far_end.wait_for(2 + len(reports))
    wait_until(lambda: not len(spool) and not len(telemetry), WAIT_S)
    uplink.stop()
    telemetry.close()
    by_channel = {
        channel: [event.id for event in far_end.events if far_end.channels[event.id] == channel]
        for channel in ("events", "telemetry")
    }
    assert by_channel == {
        "events": [old_health.id, scan.id],
        "telemetry": [event.id for event in reports],
    }


def test_an_idle_device_learns_the_time_from_telemetry(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, tmp_path: Path, heard: Heard
) -> None:
    """So the first scan of the day has the server's time."""
    far_end.answering = False
    telemetry = Spool(
        tmp_path / "telemetry.db", device_id="tablet-1", clock=SystemClock(), ids=RandomIds()
    )
    uplink = uplink_of(mosquitto, spool, heard, telemetry=telemetry)
    uplink.start()
    heard.wait_online()
    telemetry.add(HEALTH)
    uplink.wake()
    far_end.wait_for(1)
    far_end.receipt(telemetry.id, 1, at=datetime.now(UTC) + timedelta(seconds=90))
    wait_until(lambda: not len(telemetry), WAIT_S)
    uplink.stop()
    assert abs(spool.offset_us - 90_000_000) < 2_000_000
    assert abs(telemetry.offset_us - 90_000_000) < 2_000_000
    telemetry.close()


def test_a_broker_that_forgets_loses_nothing(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """Killed in mid-stream, its files deleted, started again: all is stored, in order, once."""
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    heard.wait_online()
    added = []
    for number in range(90):
        if number == 40:
            mosquitto.kill()
            heard.wait_online(online=False)
            for file in (mosquitto.folder / "data").iterdir():
                file.unlink()
        if number == 60:
            mosquitto.start()
            heard.wait_online()
        added.append(spool.add(SCAN).id)
        uplink.wake()
    drained(spool, far_end, 90)
    uplink.stop()
    assert far_end.chain == added
    assert len(far_end.events) == len(added)


def test_without_a_receipt_it_is_sent_again_and_the_window_holds(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """A silent gateway gets the window's 20 events again and again, and no more."""
    far_end.answering = False
    for _ in range(50):
        spool.add(SCAN)
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    far_end.wait_for_arrivals(40)
    assert {event.sequence for event in far_end.events} == set(range(1, 21))
    far_end.answering = True
    far_end.receipt(spool.id, 20)
    drained(spool, far_end, 50)
    uplink.stop()
    assert [event.sequence for event in far_end.events] == list(range(1, 51))


def test_the_status_is_retained_and_the_last_will_speaks(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """Online with spool and visit; offline after a clean stop."""
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    first = far_end.statuses.get(timeout=WAIT_S)
    assert (first.online, first.spool, first.visit) == (True, spool.id, None)
    uplink.announce("visit-7")
    assert far_end.statuses.get(timeout=WAIT_S).visit == "visit-7"
    uplink.stop()
    assert far_end.statuses.get(timeout=WAIT_S).online is False


def clear() -> Clear:
    """Return a command."""
    return Clear(id="cmd_1", time=datetime.now(UTC), data=ClearData(visit="v1", reason="operator"))


def test_a_command_is_done_and_acknowledged(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """The hearer gets it, the gateway gets the ack."""
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    heard.wait_online()
    command = clear()
    far_end.command(encode(command))
    assert heard.commands.get(timeout=WAIT_S) == command
    ack = far_end.acks.get(timeout=WAIT_S)
    assert (ack.command_id, ack.outcome) == ("cmd_1", AckOutcome.DONE)
    uplink.stop()


def test_bad_commands_do_not_kill_it(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """Garbage is let go, a failing handler is acknowledged as failed, and work goes on."""
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    heard.wait_online()
    far_end.command(b"\xff{not json")
    heard.fails = True
    far_end.command(encode(clear()))
    assert far_end.acks.get(timeout=WAIT_S).outcome is AckOutcome.FAILED
    heard.fails = False
    far_end.command(encode(clear()))
    assert far_end.acks.get(timeout=WAIT_S).outcome is AckOutcome.DONE
    spool.add(SCAN)
    uplink.wake()
    drained(spool, far_end, 1)
    uplink.stop()


def test_a_hole_is_sent_again_at_once_and_its_echoes_are_not_obeyed(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """Asked for 4, it sends from 4 on without waiting; asked again for the same, it does not."""
    far_end.answering = False
    uplink = uplink_of(mosquitto, spool, heard, resend_after_s=600)
    uplink.start()
    heard.wait_online()
    for _ in range(6):
        spool.add(SCAN)
    uplink.wake()
    far_end.wait_for_arrivals(6)
    for _ in range(3):
        far_end.receipt(spool.id, 3, resend_from=4)
    far_end.wait_for_arrivals(9)
    far_end.command(encode(clear()))  # behind the receipts: they are all done with
    far_end.acks.get(timeout=WAIT_S)
    assert far_end.arrivals == 9
    assert [event.sequence for event in far_end.events] == [1, 2, 3, 4, 5, 6]
    far_end.receipt(spool.id, 4, resend_from=5)  # another number: that one is lost, too
    far_end.wait_for_arrivals(11)
    far_end.receipt(spool.id, 6)
    far_end.command(encode(clear()))
    far_end.acks.get(timeout=WAIT_S)
    assert len(spool) == 0
    uplink.stop()


def test_only_the_watched_product_is_heard(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """One stock topic at a time, while that product is on the screen."""
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    heard.wait_online()
    uplink.watch("arc-lamp")

    def notice(product_id: str, version: int) -> None:
        message = StockNotice(
            product_id=product_id,
            sku="S1",
            gtin=Gtin("4006381333931"),
            location_id="harbour-street",
            available=3,
            version=version,
            as_of=datetime.now(UTC),
        )
        far_end.publish(topics.stock(product_id), encode(message))

    version = 0
    while heard.notices.empty():  # until the subscription stands; then each is heard
        version += 1
        notice("arc-lamp", version)
        far_end.command(encode(clear()))
        far_end.acks.get(timeout=WAIT_S)
    notice("other-chair", 1)
    far_end.command(encode(clear()))
    far_end.acks.get(timeout=WAIT_S)
    uplink.stop()
    assert {heard.notices.get().product_id for _ in range(heard.notices.qsize())} == {"arc-lamp"}


def test_the_clock_is_learnt_from_receipts_and_not_from_old_ones(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """A receipt for an event just sent tells the server's time; a repeated old one does not."""
    far_end.answering = False
    uplink = uplink_of(mosquitto, spool, heard)
    uplink.start()
    heard.wait_online()
    spool.add(SCAN)
    uplink.wake()
    far_end.wait_for(1)
    far_end.receipt(spool.id, 1, at=datetime.now(UTC) + timedelta(seconds=90))
    far_end.command(encode(clear()))
    far_end.acks.get(timeout=WAIT_S)
    assert abs(spool.offset_us - 90_000_000) < 2_000_000
    far_end.receipt(spool.id, 1, at=datetime.now(UTC) - timedelta(hours=1))
    far_end.command(encode(clear()))
    far_end.acks.get(timeout=WAIT_S)
    assert abs(spool.offset_us - 90_000_000) < 2_000_000
    uplink.stop()


def test_what_is_old_at_once_is_sent_once_or_not_at_all(
    mosquitto: Mosquitto, far_end: GatewayEnd, spool: Spool, heard: Heard
) -> None:
    """Sightings: let go while the broker is away, from any thread sent when it is there."""
    frame = HeardFrame.model_construct(frame=bytes(17), dbm=-60.0, packets=1)
    said = encode(Sightings(at=datetime.now(UTC), heard=(frame,)))
    uplink = uplink_of(mosquitto, spool, heard)
    assert not uplink.say(Channel.SIGHTINGS, said)
    uplink.start()
    heard.wait_online()
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: uplink.say(Channel.SIGHTINGS, said), range(200)))
    sent = sum(results)
    wait_until(lambda: far_end.sightings.qsize() == sent, WAIT_S)
    assert sent >= SAID_MAX
    mosquitto.kill()
    heard.wait_online(online=False)
    assert not uplink.say(Channel.SIGHTINGS, said)
    mosquitto.start()
    heard.wait_online()
    far_end.command(encode(clear()))
    far_end.acks.get(timeout=WAIT_S)
    uplink.stop()
    assert far_end.sightings.qsize() == sent
