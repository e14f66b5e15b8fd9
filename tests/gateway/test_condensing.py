"""Events of long ago are condensed, and go on counting once."""

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.ids import SeededIds
from gateway.ingest import queries
from gateway.ingest.batch import Outcome, process
from gateway.ingest.condensing import Condenser, Place, condense
from gateway.ingest.read import read
from tests.fakes.clock import FakeClock
from tests.gateway.intake import Intake

Event = dict[str, object]


class Desk(Intake):
    """It, and what condenses."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        super().__init__(engine, clock, ids)
        self.condenser = Condenser(engine, clock, keep_days=2, is_ours=lambda: True)

    def store(self, *events: Event, replay: bool = False) -> Outcome:
        """Store a batch."""
        with unit_of_work(self.engine) as db:
            items = [read(self.tablet.message(one)) for one in events]
            return process(db, self.domain, items, replay=replay)

    def scans(self, count: int) -> list[Event]:
        """Return the next scans."""
        return [self.tablet.scanned("v1") for _ in range(count)]

    def later(self, days: float = 3) -> None:
        """Let time pass, and condense."""
        self.clock.advance(days * 86_400)
        self.condenser.look()

    def rows(self) -> int:
        """Return how many events stand in full."""
        with reading(self.engine) as db:
            return int(db.connection().scalar(text("SELECT count(*) FROM device_event")) or 0)

    def through(self) -> int:
        """Return through which number the first spool is condensed."""
        with reading(self.engine) as db:
            asked = text("SELECT max(condensed_through) FROM device_stream")
            return int(db.connection().scalar(asked) or 0)

    def details(self) -> list[str]:
        """Return what is odd about the tablet, in words."""
        return [row.detail for row in self.found()]


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, ids: SeededIds) -> Desk:
    """One."""
    return Desk(engine, clock, ids)


def test_a_condensed_event_counts_once(desk: Desk) -> None:
    """It comes again: a receipt, no row, nothing found; and operators see as many as before."""
    events = desk.scans(5)
    assert desk.store(*events).fresh == 5
    desk.later()
    assert (desk.rows(), desk.through()) == (0, 5)
    again = desk.store(*events, *desk.scans(1))
    assert (again.fresh, desk.rows(), desk.details()) == (1, 1, [])
    assert [receipt.stored_through for _, receipt in again.receipts] == [6]
    with reading(desk.engine) as db:
        assert [one.events for one in queries.streams(db)] == [6]


def test_what_is_young_stays(desk: Desk) -> None:
    """Only what was received before the keep time."""
    desk.store(*desk.scans(2))
    desk.clock.advance(1.5 * 86_400)
    desk.store(*desk.scans(2))
    desk.later(1)
    assert (desk.rows(), desk.through()) == (2, 2)


def test_what_waits_for_a_missing_number_stays(desk: Desk) -> None:
    """3 was lost on the way: nothing past it is condensed."""
    events = desk.scans(4)
    desk.store(events[0], events[1], events[3])
    desk.later()
    assert (desk.rows(), desk.through()) == (1, 2)
    assert desk.store(events[2], events[3]).fresh == 1


def test_what_comes_late_counts_once(desk: Desk) -> None:
    """A number in a gap comes after its range is condensed."""
    first, lost, last = desk.scans(3)
    desk.store(first, last | {"previous": 1})
    desk.later()
    assert (desk.rows(), desk.through()) == (0, 3)
    assert [desk.store(lost).fresh for _ in range(2)] == [1, 0]
    desk.later()
    assert [desk.store(one).fresh for one in (first, lost, last)] == [0, 0, 0]


def test_another_event_under_a_condensed_number_counts_and_is_found(desk: Desk) -> None:
    """As ever."""
    desk.store(*desk.scans(3))
    desk.later()
    other = desk.tablet.scanned("v2", sequence=2, id="another")
    assert [desk.store(other).fresh for _ in range(2)] == [1, 0]
    assert desk.details() == ["number 2 of spool-1 came with another event before"]


def test_two_events_under_one_number_both_count_once(desk: Desk) -> None:
    """One of them is condensed."""
    (event,) = desk.scans(1)
    both = (event, event | {"id": "another"})
    assert desk.store(*both).fresh == 2
    desk.later()
    assert desk.rows() == 1
    assert desk.store(*both).fresh == 0


def test_an_altered_event_is_found(desk: Desk) -> None:
    """A known id with another time."""
    (event,) = desk.scans(1)
    desk.store(event)
    desk.later()
    assert desk.store(event | {"time": desk.clock.now().isoformat()}).fresh == 0
    assert desk.details() == ["spool-1-1 came again as another event"]


def test_a_copy_of_long_ago_counts_once(desk: Desk) -> None:
    """A spool that was put back gives its events new numbers in a new spool; ids stay."""
    events = desk.scans(3)
    desk.store(*events)
    desk.later()
    moved = [one | {"spool": "anew", "sequence": n} for n, one in enumerate(events[1:], start=1)]
    moved = [one | {"previous": n} for n, one in enumerate(moved)]
    assert desk.store(*moved).fresh == 0
    assert [r.stored_through for _, r in desk.store(*moved).receipts] == [2]


def test_a_jump_costs_nothing(desk: Desk) -> None:
    """A gap of a milliard numbers has no slots."""
    desk.store(*desk.scans(1))
    far = desk.tablet.scanned("v1", sequence=1_000_000_000, previous=1)
    desk.store(far)
    desk.later()
    assert desk.rows() == 0
    with reading(desk.engine) as db:
        asked = text("SELECT sum(length(digests)) FROM device_event_past")
        assert db.connection().scalar(asked) == 24
    assert desk.store(far).fresh == 0


def test_several_chunks_become_few_rows(desk: Desk) -> None:
    """Chunks go on where the one before ended, in the row that it began."""
    events = desk.scans(1_200)
    for place in range(0, 1_200, 400):
        desk.store(*events[place : place + 400])
    desk.later()
    with reading(desk.engine) as db:
        asked = text("SELECT events FROM device_event_past ORDER BY first")
        assert db.connection().scalars(asked).all() == [1_000, 200]
    assert desk.rows() == 0
    assert desk.store(*events[490:510], *events[990:1_010]).fresh == 0


def test_a_dead_letter_is_played_again(desk: Desk) -> None:
    """It counts although its id is known."""
    events = desk.scans(2)
    desk.store(*events)
    desk.later()
    assert desk.store(events[1], replay=True).fresh == 1
    assert desk.rows() == 0


def test_a_chunk_that_breaks_off_changes_nothing(desk: Desk) -> None:
    """It is one transaction."""
    events = desk.scans(3)
    desk.store(*events)
    desk.clock.advance(3 * 86_400)
    with suppress(KeyboardInterrupt), unit_of_work(desk.engine) as db:
        condense(db, desk.device_id, Place(), to_us(desk.clock.now()))
        raise KeyboardInterrupt
    assert (desk.rows(), desk.through()) == (3, 0)
    assert desk.store(*events).fresh == 0


def test_one_that_comes_again_while_it_is_condensed_counts_once(
    postgresql_url: str, clock: FakeClock, ids: SeededIds
) -> None:
    """Its insert waits for the row to go, and goes in; the digest is seen after that."""
    engine = make_engine(postgresql_url)
    desk = Desk(engine, clock, ids)
    (event,) = desk.scans(1)
    desk.store(event)
    fresh: list[int] = []
    again = threading.Thread(target=lambda: fresh.append(desk.store(event).fresh))
    with unit_of_work(engine) as db:
        condense(db, desk.device_id, Place(), to_us(clock.now() + timedelta(days=1)))
        again.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        end = time.monotonic() + 20
        while not db.connection().scalar(waits):
            assert time.monotonic() < end, "nobody waited"
            time.sleep(0.01)
    again.join(20)
    assert (fresh, desk.rows()) == ([0], 0)
    engine.dispose()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["store", "store", "condense"]), st.sets(st.integers(1, 12))),
        max_size=12,
    )
)
def test_it_agrees_with_a_set(desk: Desk, steps: list[tuple[str, set[int]]]) -> None:
    """Whatever comes in whatever order: new is what never came."""
    spool = desk.domain.ids.new("spool")
    desk.tablet.spool = spool
    known: set[int] = set()
    events = {
        n: desk.tablet.scanned("v1", sequence=n, previous=(n - 1) // 3 * 3) for n in range(1, 13)
    }
    for step, numbers in steps:
        if step == "condense":
            desk.later()
        elif numbers:
            assert desk.store(*[events[n] for n in sorted(numbers)]).fresh == len(numbers - known)
            known |= numbers
