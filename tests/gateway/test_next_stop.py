"""The next stop on a tablet: told with the cart, again after a scan, and its end."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.db import make_engine, unit_of_work
from cart.orders.slots import floor_quarter
from gateway.ingest.batch import Domain
from gateway.plans import bookings, service
from gateway.plans.service import Wanted
from gateway.showing import Showing, Shown, Wish
from gateway.wire.codec import decode_command, encode
from gateway.wire.downlink import NextStop, ShowCart, ShowStop
from gateway.wire.topics import DeviceAddress
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import BayRow, ZoneRow
from inventory_api.places import Places
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from inventory_api.stock.tables import StockRow
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LAMP, LOCATION, MUG, Tablet, enrolled, ingest, stock_catalogue
from tests.gateway.test_ingest_batch import IDS, bound

LAMPS = NextStop(
    kind="goods", zone="Lamps", zone_i18n={"pl": "Lampy"}, bay="3", gtin=LAMP, name="Arc-Lamp"
)
MUGS = NextStop(kind="goods", zone="Mugs", bay="1", gtin=MUG, name="Mug")


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A shop's database."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


class Counter:
    """A shop with lamps and mugs, a tablet in somebody's hands, and what it is told."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock = engine, clock
        stock_catalogue(engine)
        self.do(self._furnish)
        self.tablet = Tablet(enrolled(engine, clock, IDS), clock)
        self.told: list[Shown] = []
        self.showing = Showing(engine, Domain(clock, IDS, sellables), self._send)
        # Touched, and nothing scanned yet that she means to look at.
        ingest(engine, clock, IDS, self.tablet.message(self.tablet.scanned("v1", "036000291452")))
        self.bound = bound(engine, self.tablet, "v1")

    def _furnish(self, db: Session) -> None:
        goods = (("LAMP-1", "lamps", "Lamps", "3"), ("MUG-1", "mugs", "Mugs", "1"))
        for order, (sku, zone_id, name, bay_id) in enumerate(goods):
            i18n = {"pl": "Lampy", "fr": "Lampes"} if zone_id == "lamps" else {}
            db.add(
                ZoneRow(
                    location_id=LOCATION, zone_id=zone_id, name=name, name_i18n=i18n,
                    walk_order=order,
                )
            )  # fmt: skip
            db.flush()
            db.add(BayRow(location_id=LOCATION, zone_id=zone_id, bay_id=bay_id))
            stock.move(
                db, self.clock, location_id=LOCATION, sku=sku, delta=5, reason=Reason.RECEIVED
            )
            row = db.exec(select(StockRow).where(StockRow.sku == sku)).one()
            row.zone_id, row.bay_id = zone_id, bay_id

    def _send(self, _address: DeviceAddress, command: Shown) -> None:
        assert decode_command(encode(command)) == command
        self.told.append(command)

    def do(self, act: Callable[[Session], object]) -> None:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            act(db)

    def plan(self, *, days: int = 0) -> None:
        """Let her have a plan of lamps and mugs for today, or for later."""
        comes_at = floor_quarter(self.clock.now()) + timedelta(minutes=15, days=days)

        def act(db: Session) -> None:
            service.make(
                db,
                self.clock,
                Places().facts(db, LOCATION),
                session_id=self.bound.session_id,
                comes_at=comes_at,
                lines=[Wanted(LAMP, "LAMP-1", 1), Wanted(MUG, "MUG-1", 1)],
            )

        self.do(act)

    def stops(self, wish: Wish | None = None) -> list[NextStop | None]:
        """Show her cart; return what was said of the next stop, for this visit."""
        self.told.clear()
        self.showing.show({self.bound.cart_id: wish or Wish()})
        assert isinstance(self.told[0], ShowCart)
        stops = [one.data for one in self.told if isinstance(one, ShowStop)]
        assert {one.visit for one in stops} <= {"v1"}
        return [one.stop for one in stops]


@pytest.fixture
def counter(engine: Engine, clock: FakeClock) -> Counter:
    """The counter."""
    return Counter(engine, clock)


def test_the_tablet_is_told_where_she_goes_next(counter: Counter) -> None:
    """A scan there ticks it off; at the end, and without a plan any more, there is none."""
    assert counter.stops() == []  # nobody who has no plan hears of one
    counter.plan()
    assert counter.stops() == [LAMPS]
    counter.clock.advance(1)
    scan = counter.tablet.message(counter.tablet.scanned("v1", LAMP))
    ingest(counter.engine, counter.clock, IDS, scan)
    assert counter.stops() == [MUGS]
    session_id = counter.bound.session_id
    counter.do(
        lambda db: service.tick(db, counter.clock, session_id=session_id, key=MUG, done=True)
    )
    assert counter.stops() == [None]
    assert counter.stops() == []  # once is enough
    counter.plan(days=3)
    assert counter.stops() == []


def test_a_plan_that_was_given_up_is_said_once(counter: Counter) -> None:
    """Where it was told; and anywhere, by a gateway that does not know what was said."""
    counter.plan()
    assert counter.stops() == [LAMPS]
    counter.do(lambda db: service.end(db, counter.bound.session_id))
    assert counter.stops() == [None]
    assert counter.stops() == []
    assert counter.stops(Wish(whatever=True)) == [None]


def test_a_plan_for_another_shop_is_not_told_here(counter: Counter) -> None:
    """It is nobody's business here."""
    counter.plan()

    def elsewhere(db: Session) -> None:
        plan = bookings.held(db, counter.bound.session_id)
        plan.location_id = "mill-lane"
        db.add(plan)

    counter.do(elsewhere)
    assert counter.stops() == []
