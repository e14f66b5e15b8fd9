"""Claims, scans and sweeps at the same moment, on PostgreSQL: SQLite has one writer at a time."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text

from cart.carts.service import Shopping, add_line
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.ids import secret_hash
from gateway.binding import queries as bindings
from gateway.binding import service as binding
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LAMP, MUG, Tablet, enrolled, ingest, stock_catalogue
from tests.gateway.test_claims import IDS, SECRET, Desk
from tests.real.waiting import wait_until

T = TypeVar("T")


@pytest.fixture
def desk(postgresql_url: str, clock: FakeClock) -> Iterator[Desk]:
    """A shop with one tablet on PostgreSQL."""
    engine = make_engine(postgresql_url)
    stock_catalogue(engine)
    yield Desk(engine, clock, Tablet(enrolled(engine, clock, IDS), clock))
    engine.dispose()


def someone_waits(engine: Engine) -> bool:
    """Say whether a connection waits for another one's lock."""
    with reading(engine) as db:
        found = db.connection().execute(
            text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
        )
        return bool(found.scalar())


def during(engine: Engine, work: Callable[[], T]) -> Callable[[], T]:
    """Start ``work``, wait until it waits for a lock; return what waits for its result."""
    done: list[T] = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    wait_until(lambda: someone_waits(engine))

    def result() -> T:
        thread.join(10)
        assert done, "it raised"
        return done[0]

    return result


def test_a_scan_that_waits_for_a_claim_goes_to_the_phone(desk: Desk) -> None:
    """The claim moves the visit to the phone's session; the scan follows it there."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    session_id = desk.phone_with(MUG)
    scan = desk.tablet.message(desk.tablet.scanned("v1", time="2030-01-01T00:00:00Z"))
    with unit_of_work(desk.engine) as db:
        binding.claim(db, desk.clock, IDS, secret=SECRET, session_id=session_id)
        result = during(desk.engine, lambda: ingest(desk.engine, desk.clock, IDS, scan))
    outcome: Outcome = result()
    assert (outcome.fresh, outcome.dead) == (1, 0)
    assert desk.list_of(session_id) == {MUG: 1, LAMP: 2}


def test_a_claim_waits_for_what_the_phones_other_tablet_has_scanned(desk: Desk) -> None:
    """The phone's cart is not taken for empty, and so not left behind, while a scan is on its way.

    The phone holds a tablet already, on which nothing was scanned until now.
    """
    desk.take_up()
    session_id = desk.claim().session_id
    other = Tablet(enrolled(desk.engine, desk.clock, IDS), desk.clock)
    begun = other.event("device.taken_up", {"visit": "w1", "claim_hash": secret_hash("other")})
    ingest(desk.engine, desk.clock, IDS, other.message(begun), other.message(other.scanned("w1")))

    def claim_other() -> int:
        with unit_of_work(desk.engine) as db:
            return binding.claim(db, desk.clock, IDS, secret="other", session_id=session_id).merged

    scan = desk.tablet.message(desk.tablet.scanned("v1", MUG))
    key = (desk.tablet.device.device_id, "v1")
    with unit_of_work(desk.engine) as db:
        bindings.visits(db, [key], lock=True)  # as the batch that brings the scan does
        result = during(desk.engine, claim_other)
        process(db, Domain(desk.clock, IDS, sellables), [read(scan)])
    assert result() == 1
    assert desk.list_of(session_id) == {MUG: 1, LAMP: 1}


def test_an_undo_counts_what_was_added_while_it_waited(desk: Desk) -> None:
    """Undoing a claim takes out what it brought, not what another request has just added."""
    desk.take_up()
    desk.say(desk.tablet.scanned("v1"))
    session_id = desk.phone_with(LAMP)
    claim = desk.claim(session_id)

    def undo() -> bool:
        with unit_of_work(desk.engine) as db:
            return bool(
                binding.undo_merge(
                    db, desk.clock, binding_id=claim.binding_id, session_id=session_id
                )
            )

    with unit_of_work(desk.engine) as db:
        shopping = Shopping(claim.cart_id, desk.clock, sellables)
        add_line(db, shopping, operation_id=IDS.new("op"), gtin=LAMP, quantity=5)
        result = during(desk.engine, undo)
    assert result()
    assert desk.list_of(session_id) == {LAMP: 6}
