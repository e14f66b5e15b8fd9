"""Quarter hours inside opening hours, each with the shop's real capacity behind it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.ids import SeededIds
from cart.orders import slots, tickets
from cart.orders.slots import QUARTER, SLOTS_MAX, Calendar
from tests.cart.buying import HERE, HOURS, LAMP, Buyer, at_once, fill, stock_of
from tests.fakes.clock import FakeClock

ZONE = "Europe/Amsterdam"


def local(*moment: int) -> datetime:
    """Return a moment of the shop's clock."""
    year, month, day, hour, minute = moment
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def calendar(ready_at: datetime, **more: object) -> Calendar:
    """Return a calendar of a shop that opens from nine to eight, not on Sundays."""
    facts = {"hours": HOURS, "timezone": ZONE, "capacity": None, "taken": {}} | more
    return Calendar(ready_at=ready_at, **facts)  # type: ignore[arg-type]


def test_the_soonest_is_now_while_the_shop_is_open() -> None:
    """To the minute; the quarter hour that it falls in gives its place."""
    promise = calendar(local(2026, 3, 2, 10, 7)).soonest()
    assert promise is not None
    assert (promise.at, promise.starts_at) == (local(2026, 3, 2, 10, 7), local(2026, 3, 2, 10, 0))


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        ((2026, 3, 2, 7, 30), (2026, 3, 2, 9, 0)),  # before it opens
        ((2026, 3, 2, 20, 0), (2026, 3, 3, 9, 0)),  # as it closes
        ((2026, 3, 7, 21, 0), (2026, 3, 9, 9, 0)),  # Saturday evening: Monday
    ],
)
def test_a_closed_shop_promises_its_next_opening(
    ready: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """In the shop's own time zone."""
    promise = calendar(local(*ready)).soonest()
    assert promise is not None
    assert promise.at == local(*expected)


def test_clocks_that_change_move_the_opening() -> None:
    """Nine o'clock is nine o'clock on both sides of a change to summer time."""
    hours = {"sat": [["09:00", "24:00"]], "sun": [["00:00", "04:00"]], "mon": [["09:00", "10:00"]]}
    offered = calendar(local(2026, 3, 28, 23, 30), hours=hours).offered()
    starts = [slot.starts_at for slot in offered]
    night = [one for one in starts if one < local(2026, 3, 29, 12, 0)]
    assert night[0] == local(2026, 3, 28, 23, 45)
    assert night[-1] == local(2026, 3, 29, 3, 45)
    assert len(night) == 1 + 3 * 4, "the hour from two to three does not exist"
    assert starts[len(night)] == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
    autumn = calendar(local(2026, 10, 24, 23, 45), hours=hours).offered()
    assert len([one for one in autumn if one.starts_at < local(2026, 10, 25, 12, 0)]) == 5 * 4


def test_a_full_quarter_hour_is_stated_and_cannot_be_promised() -> None:
    """The promise moves to the first that has room; what is left of each is said."""
    full, half = local(2026, 3, 2, 10, 0), local(2026, 3, 2, 10, 15)
    busy = calendar(full + timedelta(minutes=1), capacity=2, taken={full: 2, half: 1})
    promise = busy.soonest()
    assert promise is not None
    assert promise.at == half
    assert [(slot.starts_at, slot.left) for slot in busy.offered()[:2]] == [
        (half, 1),
        (half + QUARTER, 2),
    ]
    assert busy.promise(full) is None
    assert busy.promise(full + 24 * QUARTER) is not None
    later = calendar(full - QUARTER, capacity=2, taken={full: 2}).offered()
    assert [(slot.starts_at, slot.left) for slot in later[:2]] == [(full, 0), (half, 2)]
    assert calendar(full, capacity=2, taken={half: 2}).promise(half) is None


def test_the_list_is_bounded() -> None:
    """A shop without hours is open; one that never opens promises nothing."""
    assert len(calendar(local(2026, 3, 2, 10, 0), hours={}).offered()) == SLOTS_MAX
    never = calendar(local(2026, 3, 2, 10, 0), hours={"mon": []})
    assert (never.soonest(), never.offered()) == (None, ())
    assert calendar(local(2026, 3, 2, 10, 0)).promise(local(2026, 3, 2, 20, 0)) is None


def test_full_days_do_not_crowd_out_those_with_room() -> None:
    """A shop that is full for longer than a list still says which time can be had."""
    start = local(2026, 3, 2, 10, 0)
    taken = {start + place * QUARTER: 1 for place in range(SLOTS_MAX + 80)}
    offered = calendar(start, hours={}, capacity=1, taken=taken).offered()
    assert [slot.left for slot in offered] == [0] * SLOTS_MAX + [1] * SLOTS_MAX


def test_the_last_place_is_taken_once(engine: Engine, clock: FakeClock) -> None:
    """Guarded by the statement that takes it."""
    at = local(2026, 3, 2, 10, 0)

    def take() -> bool:
        with unit_of_work(engine) as db:
            return slots.take(db, location_id=HERE, starts_at=at, capacity=2)

    assert sorted(at_once(*[take] * 6)) == [False] * 4 + [True] * 2
    with unit_of_work(engine) as db:
        slots.give_back(db, location_id=HERE, starts_at=at)
        assert slots.taken(db, HERE, clock.now() - timedelta(hours=1)) == {at: 1}


def test_tickets_are_short_and_tell_no_count() -> None:
    """A letter that is heard as itself and two digits; all differ for 900 orders."""
    first = [tickets.codes(HERE, given)[0] for given in range(1, 901)]
    assert len(set(first)) > 890, "the turn changes once"
    assert {len(code) for code in first} == {3}
    assert {code[0] for code in first} == set(tickets.LETTERS)
    assert first[:20] != sorted(first[:20])
    assert first != [tickets.codes("mill-lane", given)[0] for given in range(1, 901)]


def test_a_ticket_that_is_out_is_passed_over(engine: Engine, clock: FakeClock) -> None:
    """The code of an order that is still open is not given to another."""
    fill(engine, clock)
    buyer = Buyer(engine, clock, SeededIds(3))
    taken = buyer.order(buyer.buy()).ticket
    with unit_of_work(engine) as db:
        db.connection().exec_driver_sql("UPDATE ticket_sequence SET given = 0")
    following = buyer.order(buyer.buy()).ticket
    assert taken == tickets.codes(HERE, 1)[0]
    assert following == tickets.codes(HERE, 1)[1]
    assert stock_of(engine, LAMP) == (5, 0, 2)
