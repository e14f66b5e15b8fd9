"""A plan as the shop follows it: its way, ticks, who has come, and that all of it ends."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts.service import Shopping, add_line
from cart.carts.tables import ShopperSessionRow
from cart.db import make_engine, reading
from cart.kernel.errors import (
    PlanNotToday,
    TimeNotOffered,
    UnknownPlan,
)
from cart.kernel.gtin import Gtin
from gateway.bands.sealing import Sealing
from gateway.plans import opening, service
from gateway.plans.model import KEPT
from gateway.plans.tables import BookingRow, BookingSlotRow, PlanLineRow, PlanRow
from gateway.presence.joining import ShopBands
from inventory_api.catalogue.queries import sellables
from inventory_api.places import Places
from inventory_api.stock.tables import StockRow
from tests.cart.buying import HERE, JACKET, LAMP, MUG, THERE
from tests.fakes.clock import FakeClock
from tests.gateway.planned import ADVISER, Shop


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


def test_a_visit_is_planned_when_the_shop_is_open(small: Shop) -> None:
    """Not on Sunday, not in a month; seven days are offered, without the closed one."""
    with reading(small.engine) as db:
        facts = Places().facts(db, HERE)
    days = opening.days(facts, small.clock.now())
    assert [len(day.starts) for day in days] == [35, 44, 44, 44, 44, 44]
    assert days[0].starts[0].starts_at == small.at()
    for minutes in (24 * 60, 31 * 24 * 60, -60):
        with pytest.raises(TimeNotOffered):
            small.shopper(comes_in=minutes)


def test_the_way_goes_by_zones_and_what_is_booked(shop: Shop) -> None:
    """The mugs are nearer; the room after what is tried; what has no place last; none: missing."""
    ada = shop.shopper(JACKET, LAMP, MUG)
    shop.book(ada, 15)
    shop.book(ada, 0, ADVISER)
    assert shop.way(ada)[0] == "adviser"  # she comes when it is booked for
    shop.cancel(ada, ADVISER)
    assert sorted(shop.way(ada)[:2]) == sorted([LAMP, MUG])
    assert shop.way(ada)[2:] == ["fitting_room", JACKET]
    first = shop.way(ada)[0]
    shop.do(lambda db: service.let_try(db, session_id=ada, gtin=first, to_try=True))
    assert shop.way(ada)[1] == "fitting_room"
    shop.do(lambda db: setattr(db.get_one(StockRow, (HERE, "lamp")), "on_hand", 0))
    assert LAMP not in shop.way(ada)
    assert [one.gtin for one in shop.seen(ada).missing] == [LAMP]


def test_a_tick_and_its_undo(small: Shop) -> None:
    """By hand; what is not in the plan cannot be ticked; a booking's stop can."""
    ada = small.shopper(LAMP, MUG)
    small.book(ada)

    def tick(key: str, *, done: bool = True) -> None:
        small.do(lambda db: service.tick(db, small.clock, session_id=ada, key=key, done=done))

    tick(LAMP)
    tick("fitting_room")
    assert small.way(ada) == [MUG]
    assert {one.key for one in small.seen(ada).done} == {LAMP, "fitting_room"}
    tick(LAMP, done=False)
    assert LAMP in small.way(ada)
    for key in (JACKET, "adviser", "nonsense"):
        with pytest.raises(UnknownPlan):
            tick(key)


def test_a_scan_in_the_shop_ticks_its_stop(shop: Shop) -> None:
    """By a device there; neither the phone at home nor another shop; an undo holds till then."""
    ada = shop.shopper(LAMP, MUG)
    with reading(shop.engine) as db:
        cart_id = db.get_one(ShopperSessionRow, ada).cart_id

    def put(gtin: Gtin, source: str, place: str = HERE) -> None:
        shop.clock.advance(1)
        shopping = Shopping(cart_id, shop.clock, sellables, location_id=place, source=source)
        shop.do(
            lambda db: add_line(
                db, shopping, operation_id=shop.ids.new("op"), gtin=gtin, quantity=1
            )
        )

    put(LAMP, "phone")
    put(LAMP, "/devices/tab-1", THERE)
    assert sorted(shop.way(ada)) == sorted([LAMP, MUG])
    put(LAMP, "/devices/tab-1")
    assert shop.way(ada) == [MUG]
    shop.clock.advance(1)
    shop.do(lambda db: service.tick(db, shop.clock, session_id=ada, key=LAMP, done=False))
    assert sorted(shop.way(ada)) == sorted([LAMP, MUG])
    put(LAMP, "/devices/tab-1")
    assert shop.way(ada) == [MUG]


def test_her_band_says_that_she_has_come(shop: Shop) -> None:
    """Once; from then on each zone she comes to is rung for, and the way begins there."""
    ada = shop.shopper(LAMP, MUG)
    shop.wear(ada)
    (came,) = shop.walk("door")
    assert (came.location_id, came.session_id) == (HERE, ada)
    seen = shop.seen(ada)
    assert (seen.arrived_at, seen.here) == (shop.clock.now(), "door")
    assert shop.way(ada) == [MUG, LAMP]
    shop.clock.advance(60)
    assert shop.do(lambda db: service.seen(db, shop.clock, [HERE])) == []
    assert len(shop.walk("lamps")) == 1
    assert shop.way(ada) == [LAMP, MUG]
    assert shop.do(lambda db: service.seen(db, shop.clock, [THERE])) == []
    bands = ShopBands(shop.clock, shop.ids, Sealing(b"a secret of thirty-two characters"))
    assert shop.do(lambda db: list(bands.came(db, [HERE]))) == [came]


def test_who_may_not_be_followed_is_nowhere(small: Shop) -> None:
    """Her band is there; nobody hears of it. Her own word is enough, on the day."""
    ada = small.shopper(LAMP)
    small.wear(ada, follow=False)
    assert small.walk("door") == []
    assert (small.seen(ada).arrived_at, small.seen(ada).here) == (None, "")
    small.do(lambda db: service.arrive(db, small.clock, Places(), ada))
    assert small.seen(ada).arrived_at == small.clock.now()
    ben = small.shopper(comes_in=48 * 60)
    with pytest.raises(PlanNotToday):
        small.do(lambda db: service.arrive(db, small.clock, Places(), ben))
    assert small.seen(ben).arrived_at is None


def test_tomorrows_guest_has_not_come_today(small: Shop) -> None:
    """Her band is here in the evening; she is expected the next morning, by the shop's clock."""
    ada = small.shopper(LAMP, comes_in=46 * 60 + 45)  # on Monday at ten
    small.wear(ada)
    small.until(small.at(38 * 60))  # Monday at 01:15: hours before, and the same day
    assert len(small.walk("door")) == 1
    ben = small.shopper(LAMP, comes_in=70 * 60 + 45)  # on Tuesday at ten
    small.wear(ben, 8)
    small.until(small.at(60 * 60))  # Monday at 23:15
    assert [one.session_id for one in small.walk("lamps", 8)] == []
    assert small.seen(ben).arrived_at is None


def test_a_plan_goes_along_to_her_account(shop: Shop) -> None:
    """With lines and bookings; she who has one there keeps that, and the other's room is free."""
    ada, own, taken_up = shop.shopper(LAMP), shop.shopper(), shop.shopper(MUG)
    shop.book(ada)
    shop.do(lambda db: service.end(db, own))

    def move(from_id: str, to: str) -> bool:
        return shop.do(
            lambda db: service.move(
                db,
                from_id=from_id,
                cart_id=db.get_one(ShopperSessionRow, from_id).cart_id,
                session_id=to,
            )
        )

    assert move(ada, own)
    assert shop.way(own) == [LAMP, "fitting_room"]
    assert not move(ada, own)
    assert not move(own, taken_up)
    assert shop.way(taken_up) == [MUG]
    assert shop.taken() == shop.counted() == {}


def test_given_up_or_over_nothing_stays(shop: Shop) -> None:
    """Given up: at once, the room is free. Else a day after the visit, not an hour before."""
    ada, ben = shop.shopper(LAMP), shop.shopper(LAMP)
    shop.book(ada)
    shop.book(ben)
    shop.do(lambda db: service.end(db, ada))
    assert shop.do(lambda db: service.end(db, ada)) is None
    assert shop.taken() == {0: 1}
    shop.until(shop.at() + KEPT)
    assert shop.do(lambda db: service.forget(db, shop.clock)) == 0
    shop.clock.advance(1)
    assert shop.do(lambda db: service.forget(db, shop.clock)) == 1
    with reading(shop.engine) as db:
        for table in (PlanRow, PlanLineRow, BookingRow, BookingSlotRow):
            assert db.exec(select(table)).all() == []
