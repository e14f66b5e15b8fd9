"""The loop: what fails is tried again or kept with its reason; nothing is acknowledged before."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from cart.ports import CatalogueLookup, Sellable
from gateway.dead_letters import service as dead_letters
from gateway.ingest.batch import Domain, Outcome
from gateway.ingest.inbox import Inbox
from gateway.ingest.loop import STUCK_S, IngestLoop
from gateway.mqtt import Incoming
from gateway.wire.codec import decode
from gateway.wire.downlink import Status
from gateway.wire.topics import Channel, DeviceAddress
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LAMP, MUG, UNKNOWN, Tablet, enrolled, stock_catalogue
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
BUSY_MS = 50
WAIT_S = 10.0


class Ear:
    """Hears acknowledgements and what is said after commits, in their order."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.acked: list[Incoming] = []
        self.outcomes: list[Outcome] = []
        self.greeted: list[tuple[DeviceAddress, Status]] = []

    def ack(self, messages: Sequence[Incoming]) -> None:
        """Note an acknowledgement."""
        self.heard.append("ack")
        self.acked += messages

    def after(self, outcome: Outcome) -> None:
        """Note what is said."""
        self.heard.append("after")
        self.outcomes.append(outcome)

    def greet(self, address: DeviceAddress, status: Status) -> None:
        """Note a greeting."""
        self.greeted.append((address, status))


def fragile(db: Session, gtins: Collection[Gtin], *, currency: str) -> dict[Gtin, Sellable]:
    """Break on lamps, as a bug of ours would."""
    if LAMP in gtins:
        msg = "lamps break it"
        raise RuntimeError(msg)
    return sellables(db, gtins, currency=currency)


class Rig:
    """A loop on a SQLite file, and the tablet whose messages it takes."""

    def __init__(self, engine: Engine, lookup: CatalogueLookup) -> None:
        self.ear, self.inbox, self.engine = Ear(), Inbox(1000), engine
        self.tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
        self.loop = IngestLoop(
            engine,
            Domain(CLOCK, IDS, lookup),
            self.inbox,
            ack=self.ear.ack,
            voice=self.ear,
            batch_events=100,
        )

    def reasons(self) -> list[str]:
        """Return the reasons of all dead letters."""
        with reading(self.engine) as db:
            return [row.reason for row in dead_letters.listed(db, limit=100)]


@pytest.fixture
def quick_engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine that gives up on a locked file after 50 ms, so that the loop has to."""
    engine = make_engine(sqlite_url, busy_timeout_ms=BUSY_MS)
    stock_catalogue(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def rig(quick_engine: Engine) -> Iterator[Rig]:
    """A loop that works."""
    made = Rig(quick_engine, sellables)
    yield made
    made.loop.stop()


def test_a_batch_that_takes_too_long_is_said(quick_engine: Engine) -> None:
    """Not while it takes as long as a lock may; past that, until it is done."""
    clock, gate, taken = FakeClock(), threading.Event(), threading.Event()
    ear = Ear()

    def hang(_messages: Sequence[Incoming]) -> None:
        taken.set()
        gate.wait(WAIT_S)

    inbox = Inbox(10)
    tablet = Tablet(enrolled(quick_engine, clock, IDS), clock)
    domain = Domain(clock, IDS, sellables)
    loop = IngestLoop(quick_engine, domain, inbox, ack=hang, voice=ear, batch_events=1)
    loop.start()
    try:
        inbox.put(tablet.message(tablet.scanned("v1")))
        assert taken.wait(WAIT_S)
        clock.advance(STUCK_S)
        assert loop.trouble() == ""
        clock.advance(1)
        assert loop.trouble() == f"one batch has been on its way for {STUCK_S + 1:.0f} s"
        assert loop.alive
        gate.set()
        wait_until(lambda: loop.trouble() == "")
    finally:
        gate.set()
        loop.stop()
    assert loop.trouble() == "nobody takes what devices say"


def test_the_ack_comes_after_the_commit_and_before_the_receipt(rig: Rig) -> None:
    """When the broker may forget a message, a reader of the database already sees its line."""
    seen: list[int] = []

    def look(_messages: Sequence[Incoming]) -> None:
        with reading(rig.engine) as db:
            seen.append(len(dead_letters.listed(db, limit=10)))
        rig.ear.ack(_messages)

    rig.loop = IngestLoop(
        rig.engine,
        Domain(CLOCK, IDS, sellables),
        rig.inbox,
        ack=look,
        voice=rig.ear,
        batch_events=100,
    )
    rig.inbox.put(rig.tablet.message(b"{"))
    rig.loop.start()
    wait_until(lambda: rig.ear.heard == ["ack", "after"])
    assert seen == [1]


def test_a_locked_database_is_waited_for(rig: Rig) -> None:
    """While another process holds the file nothing is acknowledged; afterwards all is done."""
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with unit_of_work(rig.engine) as db:
            db.connection()
            holding.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    rig.loop.start()
    for _ in range(5):
        rig.inbox.put(rig.tablet.message(rig.tablet.scanned("v1")))
    assert not _came(lambda: bool(rig.ear.acked), 0.5)
    release.set()
    holder.join()
    wait_until(lambda: len(rig.ear.acked) == 5)
    assert (rig.loop.stored, rig.loop.dead) == (5, 0)


def _came(holds: Callable[[], bool], wait_s: float) -> bool:
    try:
        wait_until(holds, wait_s)
    except TimeoutError:
        return False
    return True


def test_one_bad_message_stops_no_other(quick_engine: Engine) -> None:
    """A bug of ours costs its own message, which is kept and covered by the receipt."""
    rig = Rig(quick_engine, fragile)
    for gtin in (MUG, LAMP, MUG):
        rig.inbox.put(rig.tablet.message(rig.tablet.scanned("v1", gtin)))
    rig.loop.start()
    wait_until(lambda: len(rig.ear.acked) == 3)
    rig.loop.stop()
    assert rig.reasons() == ["internal_error"]
    assert (rig.loop.stored, rig.loop.dead) == (2, 1)
    assert rig.ear.outcomes[0].receipts[-1][1].stored_through == 3


def test_a_full_inbox_holds_the_network_back(rig: Rig) -> None:
    """The producer waits; once there is room it goes on, and nothing is lost."""
    inbox = Inbox(2)
    message = rig.tablet.message(b"{")
    done = threading.Event()

    def produce() -> None:
        for _ in range(5):
            inbox.put(message)
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    wait_until(lambda: len(inbox) == 2)
    assert not _came(done.is_set, 0.2)
    taken = 0
    while taken < 5:
        taken += len(inbox.take(10, 1))
    producer.join(5)
    assert done.is_set()
    assert taken == 5


def test_a_device_that_comes_online_is_greeted(rig: Rig) -> None:
    """Its status is noted, a broken one is kept, and only the online one is greeted."""
    rig.loop.start()
    for payload in (b'{"online":true,"spool":"s1"}', b'{"online":false}', b'{"onlin":1}', b""):
        rig.inbox.put(rig.tablet.message(payload, Channel.STATUS))
    wait_until(lambda: len(rig.ear.acked) == 4)
    wait_until(lambda: len(rig.ear.greeted) == 1)
    assert rig.ear.greeted == [
        (rig.tablet.address, decode(Status, b'{"online":true,"spool":"s1"}'))
    ]
    assert rig.reasons() == ["invalid_payload"]


def test_a_read_only_database_is_waited_for(postgresql_url: str) -> None:
    """A standby refuses every message: none of them is at fault, and none is let go."""
    engine = make_engine(postgresql_url)
    stock_catalogue(engine)
    rig = Rig(engine, sellables)
    _set_read_only(engine, value="on")
    for _ in range(3):
        rig.inbox.put(rig.tablet.message(rig.tablet.scanned("v1")))
    rig.loop.start()
    wait_until(lambda: rig.loop.trouble() != "")
    assert rig.ear.acked == []
    _set_read_only(engine, value="off")
    wait_until(lambda: len(rig.ear.acked) == 3)
    rig.loop.stop()
    assert (rig.loop.stored, rig.loop.dead, rig.reasons()) == (3, 0, [])
    engine.dispose()


def test_what_a_failed_try_found_wrong_is_judged_afresh(postgresql_url: str) -> None:
    """A scan of an unknown code is stored with its letter, so its copy is known: one letter.

    The first try finds the code unknown and dies on its letter. A copy of an event has another
    ``previous`` where its device has forgotten the one before: its letter would be a second one.
    """
    engine = make_engine(postgresql_url)
    stock_catalogue(engine)
    within = f"'{BUSY_MS}ms'"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql(f'ALTER DATABASE "{engine.url.database}" SET lock_timeout = {within}')
    engine.dispose()  # its connections are from before
    rig = Rig(engine, sellables)
    scan = rig.tablet.scanned("v1", UNKNOWN)
    with engine.connect() as rival, rival.begin():
        rival.exec_driver_sql("LOCK TABLE dead_letter IN EXCLUSIVE MODE")
        rig.inbox.put(rig.tablet.message(scan))
        rig.loop.start()
        wait_until(lambda: rig.loop.trouble() != "")
        assert rig.ear.acked == []
    wait_until(lambda: len(rig.ear.acked) == 1)
    rig.inbox.put(rig.tablet.message(scan | {"previous": 7}))
    wait_until(lambda: len(rig.ear.acked) == 2)
    rig.loop.stop()
    assert rig.reasons() == ["unknown_gtin"]
    assert (rig.loop.stored, rig.loop.dead) == (1, 1)
    engine.dispose()


def _set_read_only(engine: Engine, *, value: str) -> None:
    """Refuse writes from now on, or take them again, in every session."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        name = db.engine.url.database
        db.exec_driver_sql("SET default_transaction_read_only = off")
        db.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')
        db.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    engine.dispose()  # the pool's own connections are the old kind
