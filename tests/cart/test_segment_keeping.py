"""Who is in a segment follows what happens: at once, once, and by time alone."""

import os
import signal
import subprocess
import sys
import threading
from typing import Final

import pytest
from sqlalchemy import Engine
from sqlmodel import func, select

from cart.db import make_engine, reading, unit_of_work
from cart.journeys.segments import filling, keeping, queries, service
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import read
from cart.journeys.segments.tables import SegmentDueRow, SegmentMemberRow
from cart.kernel.errors import InvalidInput
from cart.kernel.errors.segments import SegmentEnded, UnknownSegment
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind
from tests.cart.people_world import CATALOGUE, HARBOUR, LAMP, SOFA, SOFA_RED, People
from tests.fakes.clock import FakeClock

DAY_S: Final = 24 * 3_600
TWICE: Final = read(
    '{"if":"all","rules":[{"if":"did","kind":"scanned","of":{"category":"sofas"},"times":2,'
    '"days":14},{"if":"not_bought","of":{"category":"sofas"},"days":14}]}'
)
ALLOWS: Final = read('{"if":"consented","to":"ad_audiences"}')
QUIET: Final = read('{"if":"did_not","kind":"scanned","days":7}')


@pytest.fixture
def people(engine: Engine, clock: FakeClock) -> People:
    """Shops with goods, and nobody yet."""
    made = People(engine, clock)
    made.shops()
    return made


def fill(people: People, segment: Segment) -> keeping.Moved:
    """Find who is in, for everybody."""
    with unit_of_work(people.engine) as db:
        return filling.fill(db, people.clock, CATALOGUE, segment.id)


def tend(people: People) -> keeping.Moved:
    """Look at what no interaction tells."""
    with unit_of_work(people.engine) as db:
        return keeping.tend(db, people.clock, CATALOGUE)


def inside(people: People, segment: Segment) -> list[str]:
    """Return who is in."""
    with reading(people.engine) as db:
        return queries.members(db, segment.id)


def told(people: People) -> list[tuple[int, str, bool]]:
    """Return what was noted of who came and went: position, home, came."""
    with reading(people.engine) as db:
        found = queries.changes_after(db, 0)
        return [(one.position, one.home, one.entered) for one in found]


def test_one_comes_in_and_goes_out(people: People) -> None:
    """The second scan brings her in, buying takes her out, and each is noted once."""
    segment = people.begun("twice", TWICE)
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA)
    assert people.follow() == keeping.Moved(1)
    people.did("ann", Kind.SCANNED, SOFA_RED)
    assert people.follow() == keeping.Moved(1, entered=1)
    assert inside(people, segment) == ["ann"]
    assert people.follow() == keeping.Moved(0)
    people.did("ann", Kind.ORDERED, SOFA)
    people.follow()
    assert inside(people, segment) == []
    people.did("ann", Kind.RETURNED, SOFA)
    people.follow()
    assert told(people) == [(1, "ann", True), (2, "ann", False), (3, "ann", True)]


def test_time_alone_takes_her_out(people: People, clock: FakeClock) -> None:
    """Fourteen days after the older of two scans it is over, to the moment."""
    segment = people.begun("twice", TWICE)
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA, ago=4)
    people.did("ann", Kind.SCANNED, SOFA)
    people.follow()
    tend(people)
    clock.advance(10 * DAY_S - 1)
    assert tend(people).left == 0
    assert inside(people, segment) == ["ann"]
    clock.advance(1)
    assert tend(people) == keeping.Moved(1, left=1)
    assert inside(people, segment) == []


def test_time_alone_brings_her_in(people: People, clock: FakeClock) -> None:
    """Who has not scanned for a week is in, without doing anything; after a year nobody is."""
    segment = people.begun("quiet", QUIET)
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA)
    people.follow()
    tend(people)
    assert inside(people, segment) == []
    clock.advance(7 * DAY_S)
    assert tend(people).entered == 1
    clock.advance(358 * DAY_S)
    assert tend(people).left == 1
    with reading(people.engine) as db:
        assert db.exec(select(func.count()).select_from(SegmentDueRow)).one() == 0


def test_a_joining_and_its_undo_move_her_home(people: People, clock: FakeClock) -> None:
    """What she did before she signed in counts at her own home; undone, it counts where it was."""
    segment = people.begun("twice", TWICE)
    people.session("phone")
    people.session("ann", customer=True)
    tend(people)
    people.did("phone", Kind.SCANNED, SOFA)
    people.did("phone", Kind.SCANNED, SOFA)
    people.follow()
    assert inside(people, segment) == ["phone"]
    clock.advance(1)
    joining_id = people.joins("phone", "ann")
    assert tend(people) == keeping.Moved(2, entered=1, left=1)
    assert inside(people, segment) == ["ann"]
    clock.advance(1)
    people.parts(joining_id)
    tend(people)
    assert inside(people, segment) == ["phone"]
    clock.advance(1)
    people.joins_again("phone", "ann")
    people.did("phone", Kind.SCANNED, SOFA)
    people.follow()  # the touch alone finds her home, before anybody looks at joinings
    assert inside(people, segment) == ["ann", "phone"]
    tend(people)
    assert inside(people, segment) == ["ann"]


def test_a_decision_on_consent_is_heard(people: People, clock: FakeClock) -> None:
    """Granted, she is in; withdrawn, out: of a customer and of somebody without a name."""
    segment = people.begun("allows", ALLOWS)
    for name in ("ann", "bob"):
        people.session(name, customer=name == "ann")
        people.did(name, Kind.SCANNED, SOFA)
    people.follow()
    tend(people)
    clock.advance(1)
    people.decides("ann", Purpose.AD_AUDIENCES, granted=True, customer=True)
    people.decides("bob", Purpose.AD_AUDIENCES, granted=True)
    assert tend(people).entered == 2
    clock.advance(1)
    people.decides("ann", Purpose.AD_AUDIENCES, granted=False, customer=True)
    assert tend(people).left == 1
    assert inside(people, segment) == ["bob"]


def test_filling_says_what_following_says(people: People, clock: FakeClock) -> None:
    """A rule that is begun late has everybody in whom it would have had, and when they go."""
    for name in ("ann", "bob", "eve"):
        people.session(name)
        people.did(name, Kind.SCANNED, SOFA, ago=3)
    people.did("ann", Kind.SCANNED, SOFA, ago=1)
    people.did("bob", Kind.SCANNED, SOFA, ago=13)
    people.follow()
    segment = people.begun("twice", TWICE)
    with reading(people.engine) as db:
        assert filling.count(db, clock, CATALOGUE, TWICE) == 2
    assert fill(people, segment) == keeping.Moved(1, entered=2)
    assert fill(people, segment) == keeping.Moved(1)
    assert inside(people, segment) == ["ann", "bob"]
    clock.advance(DAY_S)
    tend(people)
    assert inside(people, segment) == ["ann"]
    assert told(people) == [(1, "ann", True), (2, "bob", True), (3, "bob", False)]


def test_another_rule_is_another_version(people: People, clock: FakeClock) -> None:
    """What was is kept; who is in follows; who ends a segment empties it."""
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA)
    segment = people.begun("twice", TWICE)
    fill(people, segment)
    with unit_of_work(people.engine) as db:
        same = service.change(db, clock, segment.id, rule=TWICE, by="staff")
        other = service.change(db, clock, segment.id, rule=read('{"if":"seen","days":3}'), by="eve")
    assert (same.version, other.version, other.unfilled) == (1, 2, True)
    with reading(people.engine) as db:
        assert filling.stale(db, clock, CATALOGUE) == [segment.id]
        kept = queries.versions(db, segment.id)
        assert [(one.number, one.created_by) for one in kept] == [(2, "eve"), (1, "staff")]
    fill(people, segment)
    assert inside(people, segment) == ["ann"]
    with unit_of_work(people.engine) as db:
        service.end(db, segment.id)
    fill(people, segment)
    assert inside(people, segment) == []
    with unit_of_work(people.engine) as db:
        with pytest.raises(SegmentEnded):
            service.begin(db, segment.id)
        with pytest.raises(UnknownSegment):
            service.need(db, "seg_none")
        with pytest.raises(InvalidInput):
            service.make(db, clock, people.ids, name=" twice ", rule=TWICE, by="staff")


def test_the_shelves_are_heard_of(people: People, clock: FakeClock) -> None:
    """A segment that asks of stock is filled again once the shelves differ, and only then."""
    there = read(f'{{"if":"in_stock","days":9,"at":["{HARBOUR}"],"of":{{"product":"lamp"}}}}')
    segment = people.begun("there", there)
    people.session("ann")
    people.did("ann", Kind.SCANNED, LAMP)
    people.follow()
    fill(people, segment)
    for pieces, after in (([(HARBOUR, "LAMP-1")], ["ann"]), ([(HARBOUR, "SOFA-1")], [])):
        people.stocked(pieces)
        with unit_of_work(people.engine) as db:
            assert filling.stale(db, clock, CATALOGUE) == []  # looked at a moment ago
        clock.advance(filling.STOCK_EVERY_US / 1_000_000)
        with unit_of_work(people.engine) as db:
            assert filling.stale(db, clock, CATALOGUE) == [segment.id]
        fill(people, segment)
        assert inside(people, segment) == after
    clock.advance(filling.STOCK_EVERY_US / 1_000_000)
    with unit_of_work(people.engine) as db:
        assert filling.stale(db, clock, CATALOGUE) == []  # another article came, not this one's


def test_rivals_do_it_once(people: People) -> None:
    """Four who follow, fill and tend at the same time leave what one of them would."""
    segment = people.begun("twice", TWICE)
    homes = [people.session(f"s{number}") for number in range(12)]
    for home in homes:
        people.did(home, Kind.SCANNED, SOFA)
        people.did(home, Kind.SCANNED, SOFA)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(8):
                with unit_of_work(people.engine) as db:
                    keeping.follow(db, people.clock, CATALOGUE, limit=5)
                fill(people, segment)
                tend(people)
        except BaseException as error:  # noqa: BLE001 - told by the test below
            errors.append(error)

    rivals = [threading.Thread(target=work) for _ in range(4)]
    for one in rivals:
        one.start()
    for one in rivals:
        one.join(timeout=60)
    assert errors == []
    assert inside(people, segment) == sorted(homes)
    noted = told(people)
    assert sorted(home for _, home, _ in noted) == sorted(homes)
    assert [position for position, _, _ in noted] == list(range(1, 13))


KILLED: Final = """
import os, signal, sys
from cart.db import make_engine, unit_of_work
from cart.journeys.segments import keeping
from tests.cart.people_world import CATALOGUE
from tests.fakes.clock import FakeClock
engine = make_engine(sys.argv[1])
with unit_of_work(engine) as db:
    moved = keeping.follow(db, FakeClock(), CATALOGUE)
    assert moved.entered == 1
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_has_done_nothing(database_url: str) -> None:
    """Killed between the writing and the commit: the next one does all of it, once."""
    engine = make_engine(database_url)
    people = People(engine, FakeClock())
    people.shops()
    segment = people.begun("twice", TWICE)
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA)
    people.did("ann", Kind.SCANNED, SOFA)
    environment = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, database_url], check=False, env=environment, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert (inside(people, segment), told(people)) == ([], [])
    people.follow()
    assert (inside(people, segment), told(people)) == (["ann"], [(1, "ann", True)])
    engine.dispose()


def test_whoever_is_emptied_is_in_nothing(people: People, clock: FakeClock) -> None:
    """A session that was emptied is nobody's home: she leaves when it is looked at."""
    segment = people.begun("twice", TWICE)
    people.session("ann")
    people.did("ann", Kind.SCANNED, SOFA)
    people.did("ann", Kind.SCANNED, SOFA)
    people.follow()
    with unit_of_work(people.engine) as db:
        people.emptied(db, "ann")
        keeping.weigh_all(db, clock, CATALOGUE, ["ann"])
        left = db.exec(select(SegmentMemberRow.home)).all()
    assert (left, inside(people, segment)) == ([], [])
