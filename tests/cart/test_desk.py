"""What the desk tells shoppers: a place, a time from the shop's own pace, a board without names."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from cart.picking import desk, queries, staff
from cart.picking.desk import Board, Place
from cart.picking.model import (
    SECONDS_PER_PIECE_ASSUMED,
    WALKS_MEASURED_MAX,
    WALKS_MEASURED_MIN,
    Changed,
    Finished,
    Pace,
    Staff,
    Waiting,
    pace,
    quarter,
    wait,
)
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with two zones, and nobody at work yet."""
    return Floor(engine, clock, pieces=200)


def place(floor: Floor, order_id: str) -> Place | None:
    """Return an order's place."""
    return floor.look(lambda db: desk.place_of(db, floor.clock.now(), order_id))


def board(floor: Floor) -> Board:
    """Return what the screen shows."""
    return floor.look(lambda db: desk.board(db, HERE))


def estimate(floor: Floor, pieces: int = 1) -> timedelta:
    """Return how long an order would take now."""
    return floor.look(lambda db: desk.ready_estimate(db, floor.clock.now(), HERE, pieces))


def here(floor: Floor, session_id: str, **where: str) -> list[Changed]:
    """Say that somebody stands at the desk."""
    return floor.do(lambda db: desk.here(db, floor.clock, session_id=session_id, **where))


def session_of(floor: Floor, order_id: str) -> str:
    """Return whose order it is."""
    return floor.view(order_id).session_id


def walks(floor: Floor, ada: Staff, seconds: float, number: int, lines: dict[str, int]) -> None:
    """Let somebody pick orders, each in so many seconds."""
    for _ in range(number):
        order_id = floor.order({gtin: lines[gtin] for gtin in (LAMP, MUG) if gtin in lines})
        floor.claim(ada, order_id)
        floor.pick_all(ada, order_id)
        floor.clock.advance(seconds)
        floor.stage(ada, order_id)


def finished(walk_id: str, seconds: float, pieces: int, begins: float = 0) -> Finished:
    """Return a task that took so long."""
    started_at = NOON + timedelta(seconds=begins)
    return Finished(walk_id, started_at, started_at + timedelta(seconds=seconds), pieces)


def test_few_walks_say_nothing() -> None:
    """Below the least the pace is assumed, and says so."""
    few = [finished(f"w{n}", 10, 1) for n in range(WALKS_MEASURED_MIN - 1)]
    assert pace(few) == Pace(SECONDS_PER_PIECE_ASSUMED, measured=False)
    assert pace([*few, finished("w9", 10, 1)]) == Pace(10, measured=True)


def test_one_bad_walk_does_not_move_the_pace() -> None:
    """The median: somebody who was called to the till does not make everybody slow."""
    usual = [finished(f"w{n}", 60, 2) for n in range(6)]
    assert pace([finished("till", 3_000, 1), *usual]).seconds_per_piece == 30


def test_orders_of_one_walk_are_one_walk() -> None:
    """Three orders picked together in a minute are a minute, not three."""
    batched = [
        finished(f"w{walk}", 60, 2, begins=walk * 100)
        for walk in range(WALKS_MEASURED_MIN)
        for _ in range(3)
    ]
    assert pace(batched).seconds_per_piece == 10


def test_only_the_last_walks_count() -> None:
    """They come newest first; what was before the last thirty is another season."""
    recent = [finished(f"new{n}", 20, 1) for n in range(WALKS_MEASURED_MAX)]
    old = [finished(f"old{n}", 90, 1) for n in range(WALKS_MEASURED_MAX)]
    assert pace([*recent, *old]).seconds_per_piece == 20


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.1, 600), st.integers(0, 20))
def test_more_hands_never_take_longer(ahead: int, own: int, seconds: float, people: int) -> None:
    """More pieces take longer, more people less; nobody on duty counts as one."""
    now = wait(ahead, own, seconds, people)
    assert wait(ahead, own, seconds, people + 1) <= now <= wait(ahead + 1, own, seconds, people)
    assert now >= timedelta(0)
    assert wait(ahead, own, seconds, 0) == wait(ahead, own, seconds, 1)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - its zone is given beside
def test_a_quarter_holds_its_moment(moment: datetime) -> None:
    """It begins at or before it, by less than a quarter hour, on the quarter."""
    begins = quarter(moment)
    assert begins <= moment < begins + timedelta(minutes=15)
    assert (begins.minute % 15, begins.second, begins.microsecond) == (0, 0, 0)


def test_who_stands_at_the_desk_goes_first_within_her_quarter() -> None:
    """She does not overtake who was promised an earlier quarter."""
    turns = [
        Waiting("late", NOON + timedelta(minutes=20), NOON, 1),
        Waiting("soon", NOON + timedelta(minutes=1), None, 1),
        Waiting("here", NOON + timedelta(minutes=14), NOON + timedelta(seconds=2), 1),
        Waiting("here first", NOON + timedelta(minutes=13), NOON + timedelta(seconds=1), 1),
    ]
    ordered = [one.order_id for one in sorted(turns, key=lambda one: one.turn)]
    assert ordered == ["here first", "here", "soon", "late"]


def test_a_place_counts_what_is_ahead(floor: Floor) -> None:
    """Pieces ahead are shared among who is on duty; her own are one person's."""
    first, second = floor.order({LAMP: 4}), floor.order({MUG: 2})
    assumed = SECONDS_PER_PIECE_ASSUMED
    mine = place(floor, second)
    ready_at = floor.clock.now() + timedelta(seconds=6 * assumed)
    assert mine == Place(2, ready_at, assumed, measured=False, staff=1)
    ada = floor.hire("1")
    floor.hire("2")
    mine = place(floor, second)
    assert mine is not None
    assert (mine.staff, mine.ready_at) == (2, floor.clock.now() + timedelta(seconds=4 * assumed))
    floor.claim(ada, first)
    floor.pick(ada, first, quantity=2)
    mine = place(floor, second)
    assert mine is not None
    assert mine.ready_at == floor.clock.now() + timedelta(seconds=3 * assumed)
    floor.pick(ada, first, quantity=2)
    floor.stage(ada, first)
    mine = place(floor, second)
    assert mine is not None
    assert mine.position == 1
    assert place(floor, first) is None
    assert place(floor, "no such order") is None


def test_the_time_is_this_shops_own(floor: Floor) -> None:
    """Measured from its last walks; those of a month ago are forgotten."""
    ada = floor.hire()
    walks(floor, ada, 40, WALKS_MEASURED_MIN, {LAMP: 2})
    order_id = floor.order({LAMP: 3})
    mine = place(floor, order_id)
    assert mine is not None
    assert (mine.seconds_per_piece, mine.measured) == (20, True)
    assert mine.ready_at == floor.clock.now() + timedelta(seconds=60)
    with_other = floor.look(lambda db: desk.pace_of(db, THERE, floor.clock.now()))
    assert not with_other.measured
    floor.clock.advance(15 * 24 * 3600)
    assert not floor.look(lambda db: desk.pace_of(db, HERE, floor.clock.now())).measured


def test_a_promise_for_tonight_is_kept_at_its_time(floor: Floor) -> None:
    """It is not said to be ready in a minute; and who comes now passes it."""
    tonight = quarter(floor.clock.now()) + timedelta(hours=6)
    order_id = floor.order({LAMP: 2}, slot_at=tonight)
    mine = place(floor, order_id)
    assert mine is not None
    assert mine.ready_at == tonight
    assert estimate(floor) == timedelta(seconds=SECONDS_PER_PIECE_ASSUMED)
    floor.order({LAMP: 2})
    assert estimate(floor) == timedelta(seconds=3 * SECONDS_PER_PIECE_ASSUMED)
    assert [entry.order_id for entry in floor.queue()][1] == order_id


def test_the_board_shows_codes_alone(floor: Floor) -> None:
    """What is being picked and what is ready; nothing that is shipped, over, or elsewhere."""
    ada = floor.hire()
    waiting, ready, gone = floor.order(), floor.ready(ada), floor.ready(ada)
    floor.ship()
    floor.order(
        {MUG: 1},
        method="ship",
        address={
            "name": "Ada",
            "street": "Street 1",
            "postcode": "1000 AA",
            "city": "Town",
            "country": "NL",
        },
    )
    floor.hand_over(ada, gone)
    assert board(floor) == Board((floor.view(waiting).ticket,), (floor.view(ready).ticket,))
    assert floor.look(lambda db: desk.board(db, THERE)) == Board((), ())


def test_a_shopper_says_that_she_is_here_once(floor: Floor) -> None:
    """For her orders at this desk; again, or for somebody else's, nothing changes."""
    first = floor.order({LAMP: 1})
    second = floor.order({LAMP: 1})
    other = session_of(floor, first)
    mine = session_of(floor, second)
    assert here(floor, mine, location_id=THERE) == []
    assert here(floor, mine, order_id=first) == []
    (changed,) = here(floor, mine, location_id=HERE)
    assert (changed.order_id, changed.version) == (second, floor.view(second).version)
    assert here(floor, mine, order_id=second) == []
    assert [entry.order_id for entry in floor.queue()] == [second, first]
    assert floor.view(first).here_at is None
    (changed,) = here(floor, other, order_id=first)
    assert changed.order_id == first
    assert floor.told(second) == ["placed", "here"]


def test_somebody_off_duty_is_no_pair_of_hands(floor: Floor, clock: FakeClock) -> None:
    """A quarter of an hour after her last sign of life."""
    order_id = floor.order({LAMP: 2})
    floor.hire("1")
    floor.hire("2")
    clock.advance(staff.ON_DUTY.total_seconds())
    mine = place(floor, order_id)
    assert mine is not None
    assert mine.staff == 1


def test_the_ready_shelf_shows_who_is_here_first(floor: Floor) -> None:
    """Then what waits longest."""
    ada = floor.hire()
    early, late = floor.ready(ada), floor.ready(ada)
    shown = floor.look(lambda db: queries.ready(db, HERE))
    assert [one.order_id for one in shown] == [early, late]
    assert (shown[0].shelf, shown[0].pieces, shown[0].wrong_codes) == ("B3", 1, 0)
    here(floor, session_of(floor, late), order_id=late)
    shown = floor.look(lambda db: queries.ready(db, HERE))
    assert [one.order_id for one in shown] == [late, early]
