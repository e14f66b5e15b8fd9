"""A shop with lamps and mugs, two bookable rooms and an adviser, and shoppers who plan visits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.carts.service import NewSession, open_sessions
from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    CarryoverError,
)
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds, SeededIds
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.notices import PlanChanged
from gateway.plans import bookings, queries, service
from gateway.plans.model import Followed
from gateway.plans.route import Kind
from gateway.plans.service import Wanted
from gateway.plans.tables import BookingRow, BookingSlotRow
from gateway.presence.changes import Change
from gateway.presence.changes import Kind as Moved
from inventory_api.catalogue.tables import ZoneRow
from inventory_api.places import Places
from inventory_api.stock.tables import StockRow
from tests.cart.buying import HERE, SKUS, fill
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
