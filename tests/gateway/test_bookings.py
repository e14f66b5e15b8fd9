"""Booking a quarter hour: rivals get no more than there are, a change loses nothing."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import make_engine, reading
from cart.kernel.errors import (
    AlreadyBooked,
    BookingClash,
    BookingFull,
    BookingOver,
    TimeNotOffered,
    UnknownBooking,
    UnknownPlan,
)
from gateway.plans import bookings, opening
from gateway.plans.model import BookingState
from gateway.plans.tables import PlanRow
from inventory_api.places import Places
from tests.cart.buying import HERE, LAMP, THERE, at_once
from tests.fakes.clock import FakeClock
from tests.gateway.planned import ADVISER, ROOM, Shop


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> Shop:
    """The shop, on either database: for what rivals do, and statements of our own."""
    return Shop(engine, clock)


@pytest.fixture
def small(sqlite_url: str, clock: FakeClock) -> Iterator[Shop]:
    """The shop, on the quicker database: for rules."""
    engine = make_engine(sqlite_url)
    yield Shop(engine, clock)
    engine.dispose()


def test_rivals_get_as_many_rooms_as_there_are(shop: Shop) -> None:
    """Six phones want one quarter hour at once: two have it, and slots and rows agree."""
    phones = [shop.shopper() for _ in range(6)]
    came_to = at_once(*[partial(shop.book, one) for one in phones])
    assert sorted(came_to) == ["", ""] + [BookingFull.code] * 4
    assert shop.taken() == shop.counted() == {0: 2}
    assert shop.book(shop.shopper(), 15) == ""


def test_rivals_of_one_phone_have_one_room(shop: Shop) -> None:
    """A phone that asks four times at once has one, and no place is lost by the others."""
    ada = shop.shopper()
    came_to = at_once(*[lambda: shop.book(ada)] * 4)
    assert sorted(came_to) == ["", *[AlreadyBooked.code] * 3]
    assert shop.taken() == shop.counted() == {0: 1}


def test_two_who_change_places_do_not_wait_for_each_other(shop: Shop) -> None:
    """Each goes to the other's quarter hour, again and again: nothing is lost, nobody is stuck."""
    ada, ben = shop.shopper(), shop.shopper()
    assert (shop.book(ada, 0), shop.book(ben, 15)) == ("", "")
    for there, back in ((15, 0), (0, 15)) * 3:
        at_once(
            partial(shop.book, ada, there, change=True),
            partial(shop.book, ben, back, change=True),
        )
    assert shop.taken() == shop.counted() == {0: 1, 15: 1}


def test_a_change_that_is_refused_leaves_what_she_had(shop: Shop) -> None:
    """Full then; and what she changes is free for somebody else."""
    ada, ben, cleo = (shop.shopper() for _ in range(3))
    assert [shop.book(ada), shop.book(ben, 15), shop.book(cleo, 15)] == ["", "", ""]
    assert shop.book(ada, 15, change=True) == BookingFull.code
    assert shop.taken() == shop.counted() == {0: 1, 15: 2}
    assert shop.book(ben, 30, change=True) == ""
    assert shop.book(ada, 15, change=True) == ""
    assert shop.taken() == shop.counted() == {15: 2, 30: 1}
    shop.cancel(cleo)
    with pytest.raises(UnknownBooking):
        shop.cancel(cleo)
    assert shop.taken() == shop.counted() == {15: 1, 30: 1}


def test_she_is_at_one_place_at_a_time(small: Shop) -> None:
    """One of each kind, never both at once; a second one is refused and changes nothing."""
    ada = small.shopper()
    assert small.book(ada) == ""
    assert small.book(ada, 15) == AlreadyBooked.code
    assert small.book(ada, 0, ADVISER) == BookingClash.code
    assert small.book(ada, 15, ADVISER) == ""
    assert small.book(ada, 15, change=True) == BookingClash.code
    assert small.book(small.shopper(), change=True) == UnknownBooking.code
    assert small.taken() == small.counted() == {0: 1}


def test_the_shop_has_its_hours(small: Shop) -> None:
    """Of its own clock; and the day of her visit."""
    refused = {
        "over": -30,
        "no quarter hour": 7,
        "20:15, closed at 20:00": 9 * 60,
        "Sunday": 24 * 60,
        "Monday is open, but she comes today": 48 * 60,
    }
    ada = small.shopper()
    came_to = {why: small.book(ada, minutes) for why, minutes in refused.items()}
    assert came_to == dict.fromkeys(refused, TimeNotOffered.code)
    assert small.book(ada, 8 * 60 + 30) == ""  # 19:45, the last


def test_what_is_free_is_told(shop: Shop) -> None:
    """Of the day of the visit, from her coming on; the full one is shown as such."""
    shop.book(shop.shopper())
    shop.book(shop.shopper())
    shop.book(shop.shopper(), 15)
    with reading(shop.engine) as db:
        facts = Places().facts(db, HERE)
        slots = opening.free(db, shop.clock, facts, ROOM, shop.at())
        assert opening.bookable(db, HERE) == (ROOM, ADVISER)
        assert opening.bookable(db, THERE) == ()
        assert opening.free(db, shop.clock, Places().facts(db, THERE), ROOM, shop.at()) == ()
    assert [one.left for one in slots[:3]] == [0, 1, 2]
    assert slots[-1].starts_at == shop.at(8 * 60 + 30)


def test_another_day_or_shop_gives_the_bookings_back(small: Shop) -> None:
    """Later on the same day they stay, unless they would be before she comes."""
    ada = small.shopper(LAMP)
    small.book(ada, 30)
    small.plan(ada, LAMP, comes_at=small.at(15))
    assert small.taken() == {30: 1}
    small.plan(ada, LAMP, comes_at=small.at(45))
    assert small.taken() == small.counted() == {}
    small.book(ada, 60)
    small.plan(ada, LAMP, comes_at=small.at(48 * 60))
    assert small.taken() == small.counted() == {}
    small.plan(ada, LAMP, comes_at=small.at(), location_id=THERE)
    assert small.book(ada) == UnknownPlan.code


def test_staff_see_the_day_and_note_what_became_of_it(shop: Shop) -> None:
    """By time; served has come; not come can be taken back; of another shop nothing."""
    ada, ben = shop.shopper(), shop.shopper()
    shop.book(ada, 30)
    shop.book(ben)
    shop.book(shop.shopper(comes_in=48 * 60), 48 * 60)

    def today(db: Session) -> list[str]:
        facts = Places().facts(db, HERE)
        return [row.id for row, _ in bookings.today(db, shop.clock, facts)]

    first, second = shop.do(today)

    def mark(booking_id: str, state: BookingState, place: str = HERE) -> PlanRow:
        return shop.do(
            lambda db: bookings.mark(
                db, shop.clock, location_id=place, booking_id=booking_id, state=state
            )
        )

    assert mark(first, BookingState.NO_SHOW).session_id == ben
    assert shop.seen(ben).arrived_at is None
    assert shop.way(ben) == []
    mark(first, BookingState.BOOKED)
    assert (shop.way(ben), shop.seen(ben).arrived_at) == (["fitting_room"], shop.clock.now())
    mark(second, BookingState.SERVED)
    assert shop.seen(ada).arrived_at == shop.clock.now()
    assert shop.book(ada, 45, change=True) == BookingOver.code
    with pytest.raises(BookingOver):
        shop.cancel(ada)
    with pytest.raises(UnknownBooking):
        mark(first, BookingState.SERVED, THERE)
