"""Following a few interactions at once: what is read in one go is what it would be one by one."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import pytest
from sqlalchemy import Engine, text

from cart.db import make_engine, reading, unit_of_work
from cart.db.rows import FEW, AnyRow, Ask, Batch
from cart.journeys.segments import keeping, queries
from cart.journeys.segments.person import Looked
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import read
from cart.profile.timeline.model import Kind
from inventory_api.kinds import Kinds
from tests.cart.people_world import CATALOGUE, LAMP, SOFA, SOFA_RED, People
from tests.fakes.clock import FakeClock
from tests.real.waiting import wait_until

ONCE: Final = read('{"if":"did","kind":"scanned","of":{"category":"sofas"},"days":14}')
TWICE: Final = read('{"if":"did","kind":"scanned","of":{"category":"sofas"},"times":2,"days":14}')
LAMPS_IN_CART: Final = read('{"if":"in_cart","of":{"category":"lamps"}}')
BARRIER: Final = 4711


def inside(people: People, segment: Segment) -> list[str]:
    """Return who is in."""
    with reading(people.engine) as db:
        return queries.members(db, segment.id)


@pytest.mark.parametrize("number", [1, FEW - 1, FEW, FEW + 1, 3 * FEW])
def test_all_are_weighed_however_many_there_are(
    engine: Engine, clock: FakeClock, number: int
) -> None:
    """One round takes all of them: at once while they are few, else by their names."""
    people = People(engine, clock)
    people.shops()
    segment = people.begun("once", ONCE)
    homes = [people.session(f"s{one:02}") for one in range(number)]
    for home in homes:
        people.did(home, Kind.SCANNED, SOFA)
    assert people.follow() == keeping.Moved(number, entered=number)
    assert inside(people, segment) == homes
    assert people.follow() == keeping.Moved(0)


def test_a_limit_is_kept(engine: Engine, clock: FakeClock) -> None:
    """A round reads on from where the last one ended, and no further than it is told."""
    people = People(engine, clock)
    people.shops()
    segment = people.begun("once", ONCE)
    homes = [people.session(f"s{one:02}") for one in range(7)]
    for home in homes:
        people.did(home, Kind.SCANNED, SOFA)
    read_ = []
    for _ in range(4):
        with unit_of_work(engine) as db:
            read_.append(keeping.follow(db, clock, CATALOGUE, limit=3).read)
    assert read_ == [3, 3, 1, 0]
    assert inside(people, segment) == homes


def test_what_lies_in_her_cart_is_known_by_its_kind(engine: Engine, clock: FakeClock) -> None:
    """Also what she never scanned: the catalogue is asked for the cart's articles too."""
    people = People(engine, clock)
    people.shops()
    segment = people.begun("lamps", LAMPS_IN_CART)
    people.session("ann")
    people.holds("ann", LAMP)
    people.did("ann", Kind.SCANNED, SOFA)
    assert people.follow() == keeping.Moved(1, entered=1)
    assert inside(people, segment) == ["ann"]


@dataclass(frozen=True, slots=True)
class Slow:
    """A catalogue whose last answer waits until nobody holds the barrier."""

    def asks(self, gtins: Batch, *, stock: bool, places: bool) -> Sequence[Ask]:
        """Ask, and wait."""
        articles, in_stock, where = CATALOGUE.asks(gtins, stock=stock, places=places)
        waits = f", (SELECT pg_advisory_xact_lock_shared({BARRIER})) AS barrier"
        return articles, in_stock, Ask(where.template + waits, where.columns, where.rows)

    def looked(self, answers: Sequence[Sequence[AnyRow]]) -> Looked:
        """Read what was answered."""
        return Kinds().looked(answers)

    def __getattr__(self, name: str) -> object:
        """Answer all else as the catalogue does."""
        return getattr(CATALOGUE, name)


def _waits(engine: Engine) -> bool:
    with reading(engine) as db:
        asked = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(db.connection().execute(asked).scalar_one())


@pytest.mark.parametrize("change", ["joins", "another"])
def test_who_comes_along_while_it_is_read_is_not_half_read(
    postgresql_url: str, change: str
) -> None:
    """Ann joins her own session, or Ben scans, between the first statement and the last."""
    engine = make_engine(postgresql_url)
    people = People(engine, FakeClock())
    people.shops()
    segment = people.begun("twice", TWICE)
    people.session("ann")
    people.session("hers", customer=True)
    people.session("ben")
    people.did("ann", Kind.SCANNED, SOFA)
    people.did("ben", Kind.SCANNED, SOFA)
    people.follow()
    people.did("ann", Kind.SCANNED, SOFA_RED)
    moved: list[keeping.Moved] = []

    def follow() -> None:
        with unit_of_work(engine) as db:
            moved.append(keeping.follow(db, people.clock, Slow()))  # type: ignore[arg-type]  # the rest by __getattr__

    with ExitStack() as held:
        barrier = held.enter_context(engine.connect())
        barrier.execute(text(f"SELECT pg_advisory_lock({BARRIER})"))
        follower = threading.Thread(target=follow)
        follower.start()
        wait_until(lambda: _waits(engine))
        if change == "joins":
            people.joins("ann", "hers")
        else:
            people.did("ben", Kind.SCANNED, SOFA_RED)
        barrier.execute(text(f"SELECT pg_advisory_unlock({BARRIER})"))
    follower.join(timeout=30)
    expected = {"joins": (1, ["hers"]), "another": (2, ["ann", "ben"])}
    assert (moved[0].read, inside(people, segment)) == expected[change]
    engine.dispose()
