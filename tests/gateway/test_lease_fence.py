"""What came on a session that is another's by now is neither done nor acknowledged."""

from collections.abc import Collection, Iterator, Sequence

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.db import make_engine, reading
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from cart.ports import Sellable
from gateway.ingest.batch import Domain, Outcome
from gateway.ingest.inbox import Inbox
from gateway.ingest.loop import IngestLoop
from gateway.leases import service
from gateway.leases.fence import LeaseFence
from gateway.mqtt import Incoming
from gateway.wire.downlink import Status
from gateway.wire.topics import Channel, DeviceAddress, partition_of
from inventory_api.catalogue.queries import sellables
from tests.fakes.shop import LAMP, LOCATION, MUG, Tablet, enrolled, stock_catalogue
from tests.real.waiting import wait_until

CLOCK, IDS = SystemClock(), RandomIds()
PARTITION = partition_of(LOCATION)
ME = "gateway_a"


class Ear:
    """Hears acknowledgements and what is said."""

    def __init__(self) -> None:
        self.acked: list[Incoming] = []
        self.outcomes: list[Outcome] = []
        self.greeted = 0

    def ack(self, messages: Sequence[Incoming]) -> None:
        """Note them."""
        self.acked += messages

    def after(self, outcome: Outcome) -> None:
        """Note it."""
        self.outcomes.append(outcome)

    def greet(self, address: DeviceAddress, status: Status) -> None:  # noqa: ARG002
        """Count it."""
        self.greeted += 1


class Rig:
    """A loop behind a fence; ``tenure`` is the generation from which the session is ours."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.ear, self.inbox = engine, Ear(), Inbox(100)
        self.tenure = 1.0
        self.lookups = sellables
        self.tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
        self.loop = IngestLoop(
            engine,
            Domain(CLOCK, IDS, self._lookup),
            self.inbox,
            ack=self.ear.ack,
            voice=self.ear,
            batch_events=100,
            fence=LeaseFence(ME, lambda _: self.tenure),
        )
        service.join(engine, CLOCK, me=ME, name="a")
        self.pass_to(ME)

    def _lookup(
        self, db: Session, gtins: Collection[Gtin], *, currency: str
    ) -> dict[Gtin, Sellable]:
        if LAMP in gtins:  # as a bug of ours would
            msg = "lamps break it"
            raise RuntimeError(msg)
        return sellables(db, gtins, currency=currency)

    def pass_to(self, holder: str) -> None:
        """Let somebody take the partition."""
        [lease] = [one for one in service.seen(self.engine).leases if one.name == PARTITION]
        assert service.take(self.engine, lease, me=holder)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with reading(self.engine) as db:
            found = db.connection().execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            return int(found.scalar_one())

    def done(self) -> tuple[int, int, int]:
        """Return events, dead letters and devices that are online, in the database."""
        return (
            self.count("device_event"),
            self.count("dead_letter"),
            self.count("device_seen WHERE online"),
        )

    def say_everything(self) -> list[Incoming]:
        """Put in an event, one that breaks, one that cannot be read, a status and an ack."""
        messages = [
            self.tablet.message(self.tablet.scanned("v1", MUG)),
            self.tablet.message(self.tablet.scanned("v1", LAMP)),
            self.tablet.message(b"{"),
            self.tablet.message(b'{"online":true}', Channel.STATUS),
            self.tablet.message(b"{", Channel.ACKS),
            Incoming(
                f"shop/v1/{PARTITION}/Not A/name/events", b"", 9, 1, retain=False, generation=1
            ),
        ]
        for one in messages:
            self.inbox.put(one)
        return messages


@pytest.fixture
def rig(postgresql_url: str) -> Iterator[Rig]:
    """A loop that holds the shop's partition."""
    engine = make_engine(postgresql_url)
    stock_catalogue(engine)
    made = Rig(engine)
    yield made
    made.loop.stop()
    engine.dispose()


def test_what_is_ours_is_done(rig: Rig) -> None:
    """With the lease: stored, kept as dead letters, noted, acknowledged, and answered."""
    said = rig.say_everything()
    rig.loop.start()
    wait_until(lambda: len(rig.ear.acked) == len(said))
    assert rig.done() == (1, 4, 1)
    assert rig.ear.greeted == 1


def test_what_another_holds_is_set_aside(rig: Rig) -> None:
    """Nothing is stored, kept, noted, acknowledged or said; ours of the same batch is."""
    rig.pass_to("gateway_b")
    rig.say_everything()
    rig.loop.start()
    wait_until(lambda: len(rig.inbox) == 0 and not rig.loop.in_hand)
    assert rig.done() == (0, 0, 0)
    assert rig.ear.acked == []
    assert rig.ear.greeted == 0
    assert [(one.receipts, one.refused, one.notices) for one in rig.ear.outcomes] == [([], [], [])]
    assert rig.loop.trouble() == ""
    assert (rig.loop.stored, rig.loop.dead) == (0, 0)
    rig.pass_to(ME)
    rig.tenure = 5.0
    again = rig.tablet.message(rig.tablet.scanned("v1", MUG))._replace(generation=5)
    rig.inbox.put(again)
    wait_until(lambda: rig.ear.acked == [again])


def test_what_came_before_we_had_it_again_is_set_aside(rig: Rig) -> None:
    """Another gateway held it meanwhile: an old word must not come after a newer one."""
    old = rig.say_everything()
    rig.tenure = 2.0
    fresh = rig.tablet.message(b'{"online":false}', Channel.STATUS)._replace(generation=2)
    rig.inbox.put(fresh)
    rig.loop.start()
    wait_until(lambda: rig.ear.acked == [fresh])
    assert rig.done() == (0, 0, 0)
    assert old[0] not in rig.ear.acked
