"""What is odd about a device is found, once for each kind; what an honest one does is not."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.errors import UnknownDevice
from cart.kernel.ids import SeededIds
from gateway.findings.clones import COPY_NOTICED_S, DEVICES_MAX, Clones
from gateway.findings.service import Found, is_open, looked_at, note, open_by_kind
from gateway.findings.tables import FindingKind
from gateway.ingest.batch import Outcome, process
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import stations_heard
from gateway.mqtt import Incoming
from gateway.wire.codec import encode
from gateway.wire.downlink import Status
from gateway.wire.events import ScannedData
from gateway.wire.topics import Channel
from store_devices.delivery import Delivery
from store_devices.spool import Spool
from tests.fakes.clock import FakeClock
from tests.fakes.shop import MUG
from tests.gateway.intake import Intake

NOW_S = 0.0


class Desk(Intake):
    """It, and what tells a device from its copy."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        super().__init__(engine, clock, ids)
        self.clones = Clones(clock.monotonic)

    def store(self, *messages: Incoming) -> Outcome:
        """Store a batch, as the loop does."""
        with unit_of_work(self.engine) as db:
            items = [read(message) for message in messages]
            return process(db, self.domain, items, copied=self.clones.lately_started)

    def status(self, at_s: float = NOW_S, **over: object) -> None:
        """Hear one."""
        at = self.clock.now() + timedelta(seconds=at_s)
        said = Status.model_validate({"online": True, "at": at} | over)
        payload = encode(said)
        message = self.tablet.message(payload, Channel.STATUS)
        self.clones.hear([(self.device_id, payload)])
        stations_heard(self.engine, self.domain, Unfenced(), [read(message)], self.clones)

    def kinds(self) -> list[str]:
        """Return of which kinds."""
        return [row.kind for row in self.found()]


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, ids: SeededIds) -> Desk:
    """One."""
    return Desk(engine, clock, ids)


def test_an_old_number_with_a_new_event_is_found(desk: Desk) -> None:
    """Two devices with one spool, or old messages with new ids: both kept, and somebody told."""
    tablet = desk.tablet
    desk.store(*[tablet.message(tablet.scanned("v1", MUG)) for _ in range(3)])
    assert desk.kinds() == []
    other = tablet.scanned("v2", MUG, sequence=2, id="another")
    assert desk.store(tablet.message(other)).fresh == 1
    (row,) = desk.found()
    assert (row.kind, row.count) == (FindingKind.FORKED, 1)
    assert row.detail == "number 2 of spool-1 came with another event before"


def test_two_events_under_one_number_in_one_batch_are_found(desk: Desk) -> None:
    """Neither was stored before the other."""
    tablet = desk.tablet
    one = tablet.scanned("v1", MUG)
    desk.store(tablet.message(one), tablet.message(one | {"id": "another"}))
    assert desk.kinds() == [FindingKind.FORKED]


@pytest.mark.parametrize("together", [True, False])
def test_a_known_id_with_something_else_in_it_is_found(desk: Desk, *, together: bool) -> None:
    """It changes nothing, as every id that comes again, in one batch or later; but it is told."""
    tablet = desk.tablet
    first = tablet.scanned("v1", MUG)
    later = first | {"time": (desk.clock.now() + timedelta(hours=1)).isoformat()}
    messages = [tablet.message(first), tablet.message(later)]
    for batch in [messages] if together else [[one] for one in messages]:
        desk.store(*batch)
    (row,) = desk.found()
    assert row.kind == FindingKind.FORKED
    assert row.detail == f"{first['id']} came again as another event"


def test_sending_again_is_honest(desk: Desk) -> None:
    """A lost receipt, a message that a broker brings twice, an order that got mixed up."""
    tablet = desk.tablet
    messages = [tablet.message(tablet.scanned("v1", MUG)) for _ in range(6)]
    desk.store(*messages[:3], messages[1])
    desk.store(*messages[:3])
    desk.store(messages[5], messages[4], messages[4])
    desk.store(*messages)
    refused = tablet.message(tablet.scanned("v1", "9506000134352"))
    desk.store(refused)
    desk.store(refused)
    assert desk.kinds() == []


def test_another_location_is_found(desk: Desk) -> None:
    """A device that was carried to another shop with its old credential: refused, and told."""
    tablet = desk.tablet
    there = tablet.address.topic(Channel.EVENTS).replace("harbour-street", "mill-lane")
    message = tablet.message(tablet.scanned("v1", MUG))._replace(topic=there)
    assert desk.store(message).dead == 1
    status = there.replace("/events", "/status")
    heard = Incoming(status, encode(Status(online=True)), 1, 1, retain=True, generation=1)
    stations_heard(desk.engine, desk.domain, Unfenced(), [read(heard)], desk.clones)
    (row,) = desk.found()
    assert (row.kind, row.count) == (FindingKind.ELSEWHERE, 2)
    assert row.detail == "it speaks for mill-lane, enrolled at harbour-street"


def test_two_processes_that_take_turns_are_found(desk: Desk) -> None:
    """At the first return: no process comes back after another has taken its place."""
    desk.status(1, boot="boot-a", spool="s")
    desk.status(2, boot="boot-b", spool="s")
    assert desk.kinds() == []
    desk.status(3, boot="boot-a", spool="s")
    (row,) = desk.found()
    assert (row.kind, row.detail) == (FindingKind.CLONED, "boot-a and boot-b take turns")
    desk.status(4, boot="boot-b", spool="s")
    assert [one.count for one in desk.found()] == [2]


def test_firmware_without_a_name_is_told_apart_by_its_spool(desk: Desk) -> None:
    """One return may be a file that was put back; the second is two devices."""
    for at_s, spool in enumerate(("one", "two", "one")):
        desk.status(at_s, spool=spool)
    assert desk.kinds() == []
    desk.status(9, spool="two")
    assert desk.kinds() == [FindingKind.CLONED]


def test_starts_and_bad_networks_are_honest(desk: Desk) -> None:
    """Wi-Fi that comes and goes, starts anew, and what a broker brings twice, late or retained."""
    for at_s in range(5):  # the same process, each time on a new connection
        desk.status(at_s, boot="boot-a", spool="s")
    desk.status(6, online=False)
    desk.status(7, boot="boot-b", spool="s")
    for at_s, boot in ((0, "boot-a"), (4, "boot-a"), (7, "boot-b"), (7, "boot-b")):
        desk.status(at_s, boot=boot, spool="s")
    for at_s in range(8, 20):
        desk.status(at_s, boot=f"boot-{at_s}", spool="s")
    assert desk.kinds() == []


def test_what_is_remembered_of_devices_is_bounded(clock: FakeClock) -> None:
    """The device that was heard longest ago is forgotten."""
    clones = Clones(clock.monotonic)
    status = Status(online=True, boot="a", at=clock.now())
    for number in range(DEVICES_MAX + 5):
        clones.look([(f"tab-{number}", status)])
        clones.hear([(f"tab-{number}", encode(status))])
    assert len(clones._devices) == len(clones._starts) == DEVICES_MAX  # noqa: SLF001 - nothing else shows it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a device keeps its spool."""
    made = tmp_path / "device"
    made.mkdir()
    return made


def test_a_spool_put_back_from_a_copy_loses_nothing_and_is_honest(
    desk: Desk, folder: Path, ids: SeededIds
) -> None:
    """It gives old numbers until its first receipt; then it begins anew, and that is all.

    What it kept in the copy has been stored meanwhile and counts once; what it has scanned
    since is stored although its number was given before.
    """
    tablet, name = desk.tablet, desk.tablet.device.device_id

    def opened() -> tuple[Spool, Delivery]:
        spool = Spool(folder / "spool.db", device_id=name, clock=desk.clock, ids=ids)
        return spool, Delivery(spool, desk.clock)

    def send(delivery: Delivery) -> None:
        due = delivery.due()
        for one in due:
            delivery.sent(one)
        outcome = desk.store(*[tablet.message(one.payload) for one in due])
        for _, receipt in outcome.receipts:
            delivery.receipt(receipt)

    spool, delivery = opened()
    scan(spool)
    spool.close()
    shutil.copyfile(folder / "spool.db", folder / "copy.db")
    spool, delivery = opened()
    desk.status(boot=spool.opened, spool=spool.id)
    scan(spool)
    scan(spool)
    send(delivery)
    spool.close()
    shutil.copyfile(folder / "copy.db", folder / "spool.db")

    desk.clock.advance(60)
    spool, delivery = opened()
    old = spool.id
    scan(spool)
    desk.status(boot=spool.opened, spool=spool.id)
    send(delivery)
    assert spool.id != old
    assert len(spool) == 2  # sent again, under numbers of its own
    send(delivery)
    assert len(spool) == 0
    desk.clock.advance(COPY_NOTICED_S)
    scan(spool)
    send(delivery)
    spool.close()
    assert desk.kinds() == []
    with reading(desk.engine) as db:
        stored = db.connection().exec_driver_sql("SELECT count(*) FROM device_event").scalar_one()
    assert stored == 5


def scan(spool: Spool) -> None:
    """Keep one scan."""
    spool.add(ScannedData(visit="v1", gtin=MUG))


def test_a_copy_is_only_forgiven_for_a_moment(desk: Desk) -> None:
    """Whoever gives old numbers a minute after its start is no device that did not know."""
    tablet = desk.tablet
    desk.store(*[tablet.message(tablet.scanned("v1", MUG)) for _ in range(3)])
    desk.status(boot="boot-a", spool="spool-1")
    desk.store(tablet.message(tablet.scanned("v2", MUG, sequence=1, id="another")))
    assert desk.kinds() == []
    desk.clock.advance(COPY_NOTICED_S)
    desk.store(tablet.message(tablet.scanned("v2", MUG, sequence=1, id="a-third")))
    assert desk.kinds() == [FindingKind.FORKED]


def test_looked_at_until_it_is_seen_again(desk: Desk) -> None:
    """An operator closes a finding; the next time opens it again, and what was stays."""
    device_id = desk.tablet.device.device_id

    def seen() -> None:
        with unit_of_work(desk.engine) as db:
            note(db, desk.clock, [Found(device_id, FindingKind.CLONED, "x" * 500, 2)])

    def state() -> tuple[bool, int, int]:
        (row,) = desk.found()
        with reading(desk.engine) as db:
            return is_open(row), row.count, open_by_kind(db)["cloned"]

    seen()
    assert state() == (True, 2, 1)
    desk.clock.advance(1)
    with unit_of_work(desk.engine) as db:
        looked_at(db, desk.clock, device_id=device_id, kind=FindingKind.CLONED, by="staff-1")
    assert state() == (False, 2, 0)
    desk.clock.advance(1)
    seen()
    assert state() == (True, 4, 1)
    with pytest.raises(UnknownDevice), unit_of_work(desk.engine) as db:
        looked_at(db, desk.clock, device_id=device_id, kind=FindingKind.FLOODING, by="staff-1")
    assert desk.kinds() == ["cloned"]
