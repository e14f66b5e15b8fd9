"""A virtual queue: everybody is called once, in order, by one colleague; who stays away waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine, func
from sqlmodel import Session, select

from cart.carts.service import NewSession, open_sessions
from cart.db import reading, unit_of_work
from cart.kernel.errors import QueueFull, TurnOver, UnknownServingPlace, UnknownTurn
from cart.kernel.ids import SeededIds
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.floor import there, turns
from gateway.floor.model import TurnState, read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.floor.serving import MEASURED_OVER, Queue, forget_stays, queues
from gateway.floor.tables import TurnRow, ZoneStayRow
from gateway.notices import TurnsChanged
from gateway.presence.changes import Change, Kind
from gateway.presence.joining import ShopBands
from tests.cart.buying import at_once
from tests.fakes.clock import FakeClock

HERE = "mill-lane"
T = TypeVar("T")
ROOMS, DESK = "rooms", "desk"
PLAN = """
[[zone]]
id = "door"
areas = [[0, 0, 6, 6]]
[[zone]]
id = "rooms"
areas = [[6, 0, 12, 6]]
serves = "fitting_room"
places = 2
service_minutes = 8
"""
DESK_TOO = '[[zone]]\nid = "desk"\nareas = [[0, 6, 6, 9]]\nserves = "desk"\n'


class Shop:
    """Fitting rooms with two places, a desk, and shoppers with phones."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock, self.ids = engine, clock, SeededIds(5)
        self.redraw(PLAN + DESK_TOO)

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def redraw(self, plan: str) -> None:
        """Draw the floor."""
        self.do(lambda db: draw(db, HERE, read_plan(plan.encode())))

    def shopper(self) -> str:
        """Let a phone begin a session."""
        one = NewSession(self.ids.new("session"), self.ids.new("cart"), "en", self.ids.token())
        self.do(lambda db: open_sessions(db, self.clock, [one]))
        return one.session_id

    def join(self, session_id: str, zone_id: str = ROOMS) -> TurnRow:
        """Let her take a turn."""
        where = {"location_id": HERE, "zone_id": zone_id}
        return self.do(
            lambda db: turns.join(db, self.clock, self.ids, session_id=session_id, **where)
        )

    def leave(self, session_id: str) -> bool:
        """Let her give her turn up."""
        return self.do(
            lambda db: turns.leave(
                db, self.clock, location_id=HERE, zone_id=ROOMS, session_id=session_id
            )
        )

    def call(self, zone_id: str = ROOMS) -> TurnRow | None:
        """Call the next."""
        return self.do(
            lambda db: turns.call_next(db, self.clock, location_id=HERE, zone_id=zone_id)
        )

    def state(self, turn: TurnRow) -> str:
        """Return a turn's state."""
        with reading(self.engine) as db:
            return db.get_one(TurnRow, turn.id).state

    def queue(self, zone_id: str = ROOMS) -> Queue:
        """Return a queue."""
        with reading(self.engine) as db:
            return {one.zone_id: one for one in queues(db, self.clock, HERE)}[zone_id]

    def wear(self, session_id: str, number: int) -> None:
        """Give her a band."""
        now = self.clock.now()

        def act(db: Session) -> None:
            db.add(
                BandRow(
                    number=number, secret_sealed="x", state="out", location_id=HERE,
                    clock_low_s=0, clock_high_s=1, clock_at=now, made_at=now,
                )
            )  # fmt: skip
            db.flush()
            db.add(
                BandLoanRow(
                    id=f"loan-{number}", number=number, session_id=session_id, greeting="Ada",
                    locale="en", follow=True, handed_out_at=now, handed_out_by=None,
                )
            )  # fmt: skip

        self.do(act)

    def walk(self, zone_id: str, *numbers: int, kind: Kind = Kind.MOVED) -> None:
        """Let bands come to a zone, or go."""
        settled = [
            Settled(Change(kind, number, zone_id, "", 0.0), HERE, f"loan-{number}")
            for number in numbers
        ]
        self.do(lambda db: keep(db, self.clock, settled))


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> Shop:
    """The shop."""
    return Shop(engine, clock)


def test_they_are_called_in_their_order_and_again_changes_nothing(shop: Shop) -> None:
    """Joining twice is one turn; numbers count up; each call is the next one's."""
    ada, ben = shop.shopper(), shop.shopper()
    first = shop.join(ada)
    shop.clock.advance(1)
    second = shop.join(ben)
    assert shop.join(ada).id == first.id
    assert (first.number, second.number) == (1, 2)
    assert shop.join(ada, DESK).number == 1  # another place counts for itself
    assert [one.id for one in (shop.call(), shop.call()) if one] == [first.id, second.id]
    assert shop.call() is None
    assert (shop.queue().waiting, shop.queue().called) == (0, 2)


def test_where_nobody_is_served_there_is_no_queue(shop: Shop) -> None:
    """Neither to join nor to call from; nothing is written."""
    ada = shop.shopper()
    with pytest.raises(UnknownServingPlace):
        shop.join(ada, "door")
    with pytest.raises(UnknownServingPlace):
        shop.call("door")
    with reading(shop.engine) as db:
        assert db.exec(select(func.count()).select_from(TurnRow)).one() == 0


def test_a_queue_has_an_end(shop: Shop) -> None:
    """The sixty-first is refused, and no number is taken twice meanwhile."""
    numbers = [shop.join(shop.shopper()).number for _ in range(turns.QUEUE_MAX)]
    assert len(set(numbers)) == turns.QUEUE_MAX
    with pytest.raises(QueueFull):
        shop.join(shop.shopper())
    assert shop.queue().waiting == turns.QUEUE_MAX


def test_numbers_go_round_past_those_that_wait(shop: Shop) -> None:
    """After 99 comes 1, unless somebody has it still."""
    kept = shop.join(shop.shopper())
    for _ in range(turns.NUMBER_MAX):
        session_id = shop.shopper()
        last = shop.join(session_id)
        shop.leave(session_id)
    assert (kept.number, last.number) == (1, 2)


def test_rivals_call_different_people(shop: Shop) -> None:
    """Six colleagues call five who wait at once: each of the five once, and one calls nobody."""
    waiting = {shop.join(shop.shopper()).id for _ in range(5)}
    called = [one.id for one in at_once(*[shop.call] * 6) if one is not None]
    # A rival may find all that are left in others' hands: then the rest is called next.
    while (one := shop.call()) is not None:
        called.append(one.id)
    assert sorted(called) == sorted(waiting)


def test_rivals_of_one_phone_have_one_turn(shop: Shop) -> None:
    """A phone that asks four times at once waits once."""
    ada = shop.shopper()
    assert len({one.id for one in at_once(*[lambda: shop.join(ada)] * 4)}) == 1
    assert shop.queue().waiting == 1


def test_who_does_not_come_is_missed_and_the_next_is_called(shop: Shop) -> None:
    """After five minutes, not before; asked again she is where she was, but not for ever."""
    ada, ben, cleo = (shop.shopper() for _ in range(3))
    first = shop.join(ada)
    shop.clock.advance(1)
    second = shop.join(ben)
    shop.clock.advance(1)
    shop.join(cleo)
    shop.call()
    shop.clock.advance(turns.CALL_LASTS.total_seconds() - 1)
    assert shop.do(lambda db: turns.miss(db, shop.clock)) == set()
    shop.clock.advance(1)
    assert shop.do(lambda db: turns.miss(db, shop.clock)) == {HERE}
    assert (shop.state(first), shop.state(second)) == ("missed", "called")
    again = shop.join(ada)
    assert (again.id, again.number, again.state) == (first.id, first.number, TurnState.WAITING)
    called = shop.call()
    assert called is not None
    assert called.id == first.id  # before Cleo, who came later
    shop.clock.advance(turns.CALL_LASTS.total_seconds())
    shop.do(lambda db: turns.miss(db, shop.clock))
    assert shop.join(ada).id != first.id  # twice is enough: at the end of the queue


def test_who_left_or_came_is_not_called_any_more(shop: Shop) -> None:
    """Her word is the last; staff's buttons say so too, and do nothing to others' turns."""
    ada, ben = shop.shopper(), shop.shopper()
    first, second = shop.join(ada), shop.join(ben)
    assert shop.leave(ada)
    assert not shop.leave(ada)
    with pytest.raises(TurnOver):
        shop.do(lambda db: turns.came(db, shop.clock, location_id=HERE, turn_id=second.id))
    shop.call()
    with pytest.raises(UnknownTurn):
        shop.do(lambda db: turns.came(db, shop.clock, location_id="elsewhere", turn_id=second.id))
    for _ in range(2):
        shop.do(lambda db: turns.came(db, shop.clock, location_id=HERE, turn_id=second.id))
    with pytest.raises(TurnOver):
        shop.do(lambda db: turns.not_here(db, shop.clock, location_id=HERE, turn_id=second.id))
    assert (shop.state(first), shop.state(second)) == ("gave_up", "came")


def test_a_band_says_that_she_has_come(shop: Shop) -> None:
    """Only there, and only once she was called; who waits may look in."""
    ada = shop.shopper()
    shop.wear(ada, 7)
    turn = shop.join(ada)
    shop.walk(ROOMS, 7)

    def arrive(db: Session) -> set[str]:
        return there.arrive(db, shop.clock, [HERE])

    assert shop.do(arrive) == set()
    shop.walk("door", 7)
    shop.call()
    assert shop.do(arrive) == set()
    (band,) = shop.do(there.called_bands)
    assert (band.greeting, band.number, band.since) == ("Ada", 7, None)
    shop.walk(ROOMS, 7)
    bands = ShopBands(shop.clock, shop.ids, Sealing(b"a secret of thirty-two characters"))
    assert shop.do(lambda db: list(bands.came(db, ["elsewhere"]))) == []
    assert shop.do(lambda db: list(bands.came(db, [HERE]))) == [TurnsChanged(HERE)]
    assert shop.state(turn) == "came"


def test_who_stood_there_already_is_called_first_and_not_missed(shop: Shop) -> None:
    """Her phone has its five minutes to call her; at their end she is there, not missed."""
    ada = shop.shopper()
    shop.wear(ada, 7)
    turn = shop.join(ada)
    shop.walk(ROOMS, 7)
    shop.clock.advance(1)
    shop.call()
    assert shop.do(lambda db: there.arrive(db, shop.clock)) == set()
    assert shop.state(turn) == "called"
    shop.clock.advance(turns.CALL_LASTS.total_seconds())
    assert shop.do(lambda db: there.arrive(db, shop.clock)) == {HERE}
    assert shop.do(lambda db: turns.miss(db, shop.clock)) == set()
    assert shop.state(turn) == "came"


def test_a_place_that_serves_no_more_closes_its_queue(shop: Shop) -> None:
    """The others go on, with their numbers."""
    ada, ben = shop.shopper(), shop.shopper()
    desk, rooms = shop.join(ada, DESK), shop.join(ben)
    shop.redraw(PLAN)
    assert shop.do(lambda db: turns.miss(db, shop.clock)) == {HERE}
    assert (shop.state(desk), shop.state(rooms)) == ("closed", "waiting")
    assert shop.join(ada).number == rooms.number + 1


def test_stays_are_measured_and_nobody_is_kept(shop: Shop) -> None:
    """Five real stays make the time; who walks through counts not; after two hours it is over."""
    assert shop.queue().service.measured is False
    for number in range(1, 6):
        shop.walk(ROOMS, number)
    shop.walk(ROOMS, 9)
    shop.clock.advance(20)
    shop.walk("door", 9)  # walked through
    shop.clock.advance(280)
    shop.walk(ROOMS, 1)  # stayed: another word of the same zone ends nothing
    shop.walk("door", 2, 3)
    shop.walk("", 4, 5, kind=Kind.DEPARTED)
    assert shop.queue().service.measured is False
    shop.walk("door", 1)
    with reading(shop.engine) as db:
        rows = db.exec(select(ZoneStayRow)).all()
    assert sum(row.times for row in rows) == 4
    assert {row.seconds for row in rows} == {300}


def test_the_time_follows_what_was_measured(shop: Shop) -> None:
    """Two places of five minutes and four turns: (4 - 2 + 1) * 2.5, told as eight."""
    for number in range(1, 6):
        shop.walk(ROOMS, number)
    shop.clock.advance(300)
    shop.walk("door", *range(1, 6))
    assert shop.queue().wait().minutes == 0
    for _ in range(4):
        shop.join(shop.shopper())
    queue = shop.queue()
    assert (queue.service.seconds, queue.service.measured) == (300, True)
    assert queue.wait().minutes == 8
    assert queue.wait(turns_before=0).minutes == 0
    shop.clock.advance((MEASURED_OVER + timedelta(minutes=11)).total_seconds())
    assert shop.queue().wait().minutes == 15  # of eight minutes again, as is believed
    shop.do(lambda db: forget_stays(db, shop.clock))
    with reading(shop.engine) as db:
        assert db.exec(select(ZoneStayRow)).all() == []


def test_turns_are_forgotten_when_the_shop_has_closed(shop: Shop) -> None:
    """Ended and forgotten ones go after twelve hours."""
    ada, ben = shop.shopper(), shop.shopper()
    shop.join(ada)
    shop.join(ben)
    shop.call()
    shop.clock.advance(turns.CALL_LASTS.total_seconds())
    shop.do(lambda db: turns.miss(db, shop.clock))
    shop.clock.advance(turns.KEPT.total_seconds() - 10)
    shop.do(lambda db: turns.forget(db, shop.clock))
    assert shop.queue().called == 1
    shop.do(lambda db: turns.miss(db, shop.clock))
    shop.clock.advance(turns.KEPT.total_seconds() + 1)
    shop.do(lambda db: turns.forget(db, shop.clock))
    with reading(shop.engine) as db:
        assert db.exec(select(TurnRow)).all() == []
