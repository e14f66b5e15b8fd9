"""Plans and bookings: rivals get no more than there are, a change loses nothing, all ends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.carts.service import NewSession, Shopping, add_line, open_sessions
from cart.carts.tables import ShopperSessionRow
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.errors import (
    AlreadyBooked,
    BookingClash,
    BookingFull,
    BookingOver,
    CarryoverError,
    PlanNotToday,
    TimeNotOffered,
    UnknownBooking,
    UnknownPlan,
)
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds, SeededIds
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.notices import PlanChanged
from gateway.plans import bookings, opening, queries, service
from gateway.plans.model import KEPT, BookingState, Followed
from gateway.plans.route import Kind
from gateway.plans.service import Wanted
from gateway.plans.tables import BookingRow, BookingSlotRow, PlanLineRow, PlanRow
from gateway.presence.joining import ShopBands
from gateway.presence.settling import Change
from gateway.presence.settling import Kind as Moved
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import ZoneRow
from inventory_api.places import Places
from inventory_api.stock.tables import StockRow
from tests.cart.buying import HERE, JACKET, LAMP, MUG, SKUS, THERE, at_once, fill
from tests.fakes.clock import FakeClock

T = TypeVar("T")
PLAN = """
[[zone]]
id = "door"
areas = [[0, 0, 4, 4]]
[[zone]]
id = "mugs"
areas = [[4, 0, 8, 4]]
[[zone]]
id = "lamps"
areas = [[20, 0, 24, 4]]
[[zone]]
id = "rooms"
areas = [[30, 0, 34, 4]]
serves = "fitting_room"
places = 3
bookable = 2
[[zone]]
id = "advice"
areas = [[30, 4, 34, 8]]
serves = "desk"
bookable = 1
"""
ROOM, ADVISER = Kind.FITTING_ROOM, Kind.ADVISER


class Shop:
    """A shop with lamps and mugs, two bookable rooms and an adviser, and shoppers with phones."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock, self.ids = engine, clock, SeededIds(5)
        self.until(datetime(2026, 3, 7, 10, 2, tzinfo=UTC))  # a Saturday, 11:02 there
        fill(engine, clock, 5)
        self.do(self._furnish)

    def until(self, moment: datetime) -> None:
        """Let it become this moment."""
        self.clock.advance((moment - self.clock.now()).total_seconds())

    @staticmethod
    def _furnish(db: Session) -> None:
        for zone_id in ("door", "mugs", "lamps", "rooms", "advice"):
            db.add(ZoneRow(location_id=HERE, zone_id=zone_id, name=zone_id.title()))
        db.flush()
        draw(db, HERE, read_plan(PLAN.encode()))
        for sku, zone_id in (("lamp", "lamps"), ("mug", "mugs")):
            db.get_one(StockRow, (HERE, sku)).zone_id = zone_id

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def at(self, minutes: int = 0) -> datetime:
        """Return a moment from 11:15 of the shop's clock on."""
        return datetime(2026, 3, 7, 10, 15, tzinfo=UTC) + timedelta(minutes=minutes)

    def shopper(self, *gtins: Gtin, comes_in: int = 0, location_id: str = HERE) -> str:
        """Let a phone plan a visit for these articles."""
        new = RandomIds().new
        one = NewSession(new("session"), new("cart"), "en", RandomIds().token())
        self.do(lambda db: open_sessions(db, self.clock, [one]))
        self.plan(one.session_id, *gtins, comes_at=self.at(comes_in), location_id=location_id)
        return one.session_id

    def plan(
        self, session_id: str, *gtins: Gtin, comes_at: datetime, location_id: str = HERE
    ) -> None:
        """Make her plan."""
        lines = [Wanted(gtin, SKUS[gtin], 1) for gtin in gtins]

        def act(db: Session) -> None:
            facts = Places().facts(db, location_id)
            service.make(
                db, self.clock, facts, session_id=session_id, comes_at=comes_at, lines=lines
            )

        self.do(act)

    def book(
        self, session_id: str, minutes: int = 0, kind: Kind = ROOM, *, change: bool = False
    ) -> str:
        """Book for her; return the code of the refusal, "" when it is booked."""

        def act(db: Session) -> None:
            bookings.book(
                db,
                self.clock,
                RandomIds(),
                Places().facts(db, HERE),
                session_id=session_id,
                kind=kind,
                starts_at=self.at(minutes),
                change=change,
            )

        try:
            self.do(act)
        except CarryoverError as error:
            return error.code
        return ""

    def cancel(self, session_id: str, kind: Kind = ROOM) -> None:
        """Cancel."""
        self.do(lambda db: bookings.cancel(db, self.clock, session_id=session_id, kind=kind))

    def taken(self) -> dict[int, int]:
        """Return how many rooms are taken by minutes after 11:15, as the slots have it."""
        with reading(self.engine) as db:
            rows = db.exec(select(BookingSlotRow).where(BookingSlotRow.zone_id == "rooms")).all()
        return {
            round((row.starts_at - self.at()).total_seconds() / 60): row.taken
            for row in rows
            if row.taken
        }

    def counted(self) -> dict[int, int]:
        """Return the same as the bookings have it."""
        with reading(self.engine) as db:
            rows = db.exec(select(BookingRow).where(BookingRow.zone_id == "rooms")).all()
        minutes = [round((row.starts_at - self.at()).total_seconds() / 60) for row in rows]
        return {one: minutes.count(one) for one in minutes}

    def seen(self, session_id: str) -> Followed:
        """Return her plan as it stands."""
        with reading(self.engine) as db:
            found = queries.followed(db, self.clock, Places(), session_id)
        assert found is not None
        return found

    def way(self, session_id: str) -> list[str]:
        """Return the keys of her stops to come."""
        return [one.key for one in self.seen(session_id).way]

    def wear(self, session_id: str, number: int = 7, *, follow: bool = True) -> None:
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
                    locale="en", follow=follow, handed_out_at=now,
                )
            )  # fmt: skip

        self.do(act)

    def walk(self, zone: str, number: int = 7) -> list[PlanChanged]:
        """Let her band come to a zone; return whose plan is another by that."""
        settled = [Settled(Change(Moved.MOVED, number, zone, "", 0.0), HERE, f"loan-{number}")]
        self.do(lambda db: keep(db, self.clock, settled))
        return self.do(lambda db: service.seen(db, self.clock, [HERE]))


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
    came_to = at_once(*[lambda one=one: shop.book(one) for one in phones])  # type: ignore[misc]
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
            lambda there=there: shop.book(ada, there, change=True),  # type: ignore[misc]
            lambda back=back: shop.book(ben, back, change=True),  # type: ignore[misc]
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
    small.do(lambda db: service.arrive(db, small.clock, ada))
    assert small.seen(ada).arrived_at == small.clock.now()
    ben = small.shopper(comes_in=48 * 60)
    with pytest.raises(PlanNotToday):
        small.do(lambda db: service.arrive(db, small.clock, ben))
    assert small.seen(ben).arrived_at is None


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
