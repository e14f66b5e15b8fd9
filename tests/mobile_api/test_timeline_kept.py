"""The timeline loses nothing and tells nothing twice: late commits, rivals, crashes, erasures."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.service import Shopping
from cart.db import is_sqlite, reading, unit_of_work
from cart.journeys.collecting.carts import Operations
from cart.journeys.collecting.collecting import collect, mark_of
from cart.journeys.collecting.model import OVERLAP, At, Told
from cart.kernel.clock import to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from cart.profile.timeline import queries, service
from cart.profile.timeline.model import Channel, Interaction, Kind
from gateway.touches import ShopDevices
from inventory_api.catalogue.queries import sellables
from mobile_api.rights import retention
from mobile_api.settings import ApiSettings
from tests.cart.buying import at_once
from tests.fakes.clock import START, FakeClock
from tests.mobile_api.shop import MUG
from tests.mobile_api.telling import all_kept, change

SOURCE = Operations(ShopDevices())
IDS = RandomIds()


@dataclass
class Shopper:
    """Somebody with a cart, and a source that tells what she puts into it."""

    engine: Engine
    clock: FakeClock
    session_id: str = field(init=False)
    cart_id: str = field(init=False)

    def __post_init__(self) -> None:
        with unit_of_work(self.engine) as db:
            begun = carts.open_session(db, self.clock, IDS)
            self.session_id, self.cart_id = begun.id, begun.cart_id

    def put(self, db: Session, name: str) -> None:
        """Put a mug on the list, in the caller's transaction."""
        shopping = Shopping(self.cart_id, self.clock, sellables)
        carts.add_line(db, shopping, operation_id=name, gtin=Gtin(MUG), quantity=1)

    def puts(self, *names: str) -> None:
        """Put mugs on the list, one after the other."""
        for name in names:
            self.clock.advance(1)
            with unit_of_work(self.engine) as db:
                self.put(db, name)

    def told(self) -> list[str]:
        """Return the ids that are kept, in the order of their positions."""
        with reading(self.engine) as db:
            return [one.id for one in all_kept(db)]


@pytest.fixture
def her(shop_engine: Engine, clock: FakeClock) -> Shopper:
    """A shopper."""
    return Shopper(shop_engine, clock)


def touch(session_id: str, name: str, at_s: float = 0) -> Interaction:
    """Return some interaction."""
    at = START + timedelta(seconds=at_s)
    return Interaction(f"op:{name}", session_id, Kind.SCANNED, Channel.PHONE, at, gtin=MUG)


def test_what_is_committed_late_is_told_too(her: Shopper) -> None:
    """A transaction that began before the last round and ended after it is found by the overlap."""
    if is_sqlite(her.engine):
        pytest.skip("one writer at a time: nothing is committed later than what came after it")
    her.puts("early")
    late = Session(her.engine)
    other = Shopper(her.engine, her.clock)
    other.put(late, "late")
    late.flush()
    her.clock.advance(OVERLAP.total_seconds() - 10)
    her.puts("newer")
    assert collect(her.engine, her.clock, [SOURCE]) == 2
    late.commit()
    late.close()
    assert collect(her.engine, her.clock, [SOURCE]) == 1
    assert her.told() == ["op:early", "op:newer", "op:late"]


def test_two_keepers_at_once_tell_everything_once(her: Shopper) -> None:
    """Each has read the same; the second finds that the first has kept it, and positions rise."""
    her.puts(*(f"m{number}" for number in range(8)))
    done = at_once(*[lambda: collect(her.engine, her.clock, [SOURCE])] * 3)
    assert sum(done) == 8
    with reading(her.engine) as db:
        rows = all_kept(db)
    assert [one.id for one in rows] == [f"op:m{number}" for number in range(8)]
    assert [one.position for one in rows] == list(range(1, 9))


@dataclass(frozen=True)
class Killed:
    """A source whose process is killed after its first page, of two facts."""

    name: str = SOURCE.name
    kinds: frozenset[Kind] = SOURCE.kinds
    overlap: timedelta = SOURCE.overlap

    def read(self, db: Session, after: At, _limit: int) -> Told:
        """Tell two facts; die when asked for more."""
        if after.name:
            raise KeyboardInterrupt
        return SOURCE.read(db, after, 2)


def test_a_keeper_that_is_killed_has_lost_nothing(her: Shopper) -> None:
    """What it had kept stays, and the next one goes on from there."""
    her.puts("a", "b", "c", "d")
    with pytest.raises(KeyboardInterrupt):
        collect(her.engine, her.clock, [Killed()])
    assert her.told() == ["op:a", "op:b"]
    assert collect(her.engine, her.clock, [SOURCE]) == 2
    assert her.told() == ["op:a", "op:b", "op:c", "op:d"]


def test_a_page_ends_between_facts_of_one_moment(her: Shopper) -> None:
    """None is missed at the seam."""
    with unit_of_work(her.engine) as db:
        for number in range(7):
            her.put(db, f"m{number}")
    seen: list[str] = []
    after: At | None = At(0)
    with reading(her.engine) as db:
        while after is not None:
            page = SOURCE.read(db, after, 3)
            seen += [one.id for one in page.interactions]
            after = page.last if page.more else None
    assert seen == [f"op:m{number}" for number in range(7)]


def test_a_clock_that_is_ahead_hides_nothing(her: Shopper, clock: FakeClock) -> None:
    """A fact from the future does not move the mark past what is written now."""
    clock.jump(86_400)
    her.puts("tomorrow")
    clock.jump(-86_400)
    collect(her.engine, clock, [SOURCE])
    with reading(her.engine) as db:
        until_us = queries.mark(db, mark_of(SOURCE)).read_until_us
    assert until_us == to_us(clock.now())
    her.puts("today")
    assert collect(her.engine, clock, [SOURCE]) == 1


def test_nothing_is_told_of_who_was_erased(app: FastAPI, her: Shopper) -> None:
    """An emptied session, or none at all: neither by a keeper nor by one that had read before."""
    other = Shopper(her.engine, her.clock)
    her.puts("hers")
    other.puts("others")
    now = her.clock.now()
    change(
        app,
        "UPDATE shopper_session SET emptied_at = :now WHERE id = :id",
        now=now,
        id=her.session_id,
    )
    assert collect(her.engine, her.clock, [SOURCE]) == 1
    with unit_of_work(her.engine) as db:
        batch = [touch("session_nobody", "x"), touch(her.session_id, "y")]
        assert service.keep(db, her.clock, batch) == 0
    assert her.told() == ["op:others"]


def test_readers_follow_by_position(her: Shopper) -> None:
    """What is kept later has a larger position, whenever it happened; twice is once."""
    one, two, three = (
        touch(her.session_id, name, at) for name, at in zip("abc", (9, 5, 7), strict=True)
    )
    for batch in ([one, one], [two, one], [three]):
        with unit_of_work(her.engine) as db:
            service.keep(db, her.clock, batch)
    with reading(her.engine) as db:
        first = queries.after(db, 0, 2)
        rest = queries.after(db, first[-1].position, 2)
    assert [each.interaction.id for each in (*first, *rest)] == ["op:a", "op:b", "op:c"]


def test_a_story_is_paged_newest_first(her: Shopper) -> None:
    """Also where two touches are of one moment."""
    with unit_of_work(her.engine) as db:
        times = (1, 3, 3, 3, 2)
        batch = [touch(her.session_id, f"m{n}", at) for n, at in enumerate(times)]
        service.keep(db, her.clock, batch)
    seen, before = [], None
    with reading(her.engine) as db:
        while page := queries.story(db, her.session_id, 2, before):
            seen += [each.interaction.id for each in page]
            before = (to_us(page[-1].interaction.at), page[-1].position)
    assert seen == ["op:m3", "op:m2", "op:m1", "op:m4", "op:m0"]


def test_the_timeline_is_kept_for_its_time(her: Shopper, clock: FakeClock) -> None:
    """Thirteen months, or what the setting says; what is younger stays."""
    with unit_of_work(her.engine) as db:
        service.keep(
            db, clock, [touch(her.session_id, "old"), touch(her.session_id, "new", 86_400)]
        )
    clock.advance(396 * 86_400 - 86_400 + 1)
    gone = retention.sweep(her.engine, clock, ApiSettings(), retention.BY_NAME["timeline"])
    assert (gone, her.told()) == (1, ["op:new"])


def test_a_mark_goes_back_only_when_it_is_set(her: Shopper) -> None:
    """A rival that is slower does not take a reader back to what it has dealt with."""
    for position in (5, 3):
        with unit_of_work(her.engine) as db:
            service.moved(db, "cdp", position=position)
    with unit_of_work(her.engine) as db:
        assert queries.mark(db, "cdp").position == 5
        service.set_back(db, "cdp", 2)
    with reading(her.engine) as db:
        assert queries.mark(db, "cdp").position == 2
