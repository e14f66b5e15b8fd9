"""A shop with a journey, and people who walk it: what tests of journeys begin with."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from cart.carts import service as carts
from cart.carts.service import Shopping
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.journeys import enrolling, loading, rounds, sending
from cart.journeys.news.rounds import watch_and_tell
from cart.journeys.ports import World
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.service import become
from cart.profile.tables import JoiningRow
from cart.profile.timeline import service as timeline
from cart.profile.timeline.model import Channel, Interaction, Kind
from inventory_api.catalogue import price_changes
from inventory_api.catalogue import service as catalogue
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import PriceRow
from inventory_api.kinds import Kinds
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from inventory_api.stock.shelves import Shelves
from tests.cart.buying import HERE, LAMP, SHOP, Buyer
from tests.fakes.clock import FakeClock

IDS: Final = RandomIds()
SECRET: Final = b"a secret of more than thirty-two bytes"
PRESSED: Final = How(
    Source.PAGE, Shown(VERSIONS[Purpose.REMINDERS].current, "en", "Reminders\nWe remind you.")
)
HOUR_S: Final = 3_600
DAY_S: Final = 24 * HOUR_S
# Nobody is held out unless a test is about that.
REMINDER: Final = """
name = "cart-reminder"
version = 1
title = "A cart that waits"
holdout_percent = 0
[trigger]
kind = "cart_idle"
after_hours = 24
[[steps]]
id = "first"
kind = "message"
[[steps]]
kind = "wait"
hours = 72
[[steps]]
id = "second"
kind = "message"
"""
LISTED: Final = REMINDER.replace("cart-reminder", "list-reminder").replace(
    "cart_idle", "list_sent_not_bought"
)
TRIED: Final = REMINDER.replace("cart-reminder", "tried-reminder").replace(
    "cart_idle", "tried_not_bought"
)

BACK: Final = """
name = "back-again"
version = 1
title = "It is back"
holdout_percent = 0
goal_days = 5
again_after_days = 5
[trigger]
kind = "back_in_stock"
after_hours = 1
[[steps]]
id = "told"
kind = "message"
"""

CHEAPER: Final = (
    BACK.replace("back-again", "cheaper")
    .replace("back_in_stock", "price_drop")
    .replace("after_hours = 1", "after_hours = 1\npercent = 10")
)


class Street:
    """The shop, the clock, and the journeys that are on."""

    def __init__(self, engine: Engine, clock: FakeClock, *sources: str) -> None:
        self.engine, self.clock = engine, clock
        self.goods = Shelves(clock.monotonic)
        self.suppressed: dict[str, str] = {}
        self.world = World(
            clock,
            SECRET,
            SHOP,
            lambda _, address: self.suppressed.get(address, ""),
            catalogue=Kinds(),
        )
        for source in sources:
            self.load(source)

    def load(self, source: str) -> None:
        """Load a journey and switch it on."""
        with unit_of_work(self.engine) as db:
            one = loading.load(db, self.clock, source)
            loading.switch(db, self.clock, one.name, active=True)

    def read_on(self) -> int:
        """Let whoever reads the timeline come to its end."""
        with unit_of_work(self.engine) as db:
            return enrolling.enrol(db, self.clock)

    def round(self) -> int:
        """Read on and move on once, as the process does every few seconds."""
        self.read_on()
        watch_and_tell(self.engine, self.world, self.goods)
        return rounds.move_all(self.engine, self.world)

    def post(self) -> list[str]:
        """Let the mail workflows ask the guards; return the homes that a mail went to."""
        with reading(self.engine) as db:
            ids = sending.waiting(db, self.clock.now(), 100)
        gone = []
        for message_id in ids:
            with unit_of_work(self.engine) as db:
                if sending.may_go(db, self.world, message_id):
                    row = db.get_one(JourneyMessageRow, message_id)
                    row.state, row.sent_at = "sent", self.clock.now()
                    db.add(row)
                    gone.append(row.session_id)
        return gone

    def days(self, number: float, every_s: int = 6 * HOUR_S) -> list[tuple[str, datetime]]:
        """Let time pass; return who got a mail, and when."""
        gone = []
        for _ in range(int(number * DAY_S / every_s)):
            self.clock.advance(every_s)
            self.round()
            gone += [(home, self.clock.now()) for home in self.post()]
        return gone

    def shelve(self, pieces: int, sku: str = "lamp", location_id: str = HERE) -> None:
        """Bring pieces to a shelf, or take them from it."""
        with unit_of_work(self.engine) as db:
            stock.move(
                db,
                self.clock,
                location_id=location_id,
                sku=sku,
                delta=pieces,
                reason=Reason.RECEIVED if pieces > 0 else Reason.DAMAGED,
            )

    def price(self, minor: int, sku: str = "lamp") -> None:
        """Let a feed change a price."""
        with unit_of_work(self.engine) as db:
            catalogue.lock(db)
            price_changes.note(db, self.clock, [(sku, "EUR", minor)])
            row = db.get_one(PriceRow, (sku, "EUR"))
            row.price_minor = minor
            db.add(row)

    def runs(self) -> list[JourneyRunRow]:
        """Return all runs."""
        with reading(self.engine) as db:
            asked = select(JourneyRunRow).order_by(col(JourneyRunRow.started_at))
            return list(db.exec(asked).all())

    def messages(self) -> list[tuple[str, str]]:
        """Return state and reason of all messages, in their order."""
        with reading(self.engine) as db:
            asked = select(JourneyMessageRow).order_by(
                col(JourneyMessageRow.requested_at), col(JourneyMessageRow.id)
            )
            return [(one.state, one.reason) for one in db.exec(asked)]


class Walker(Buyer):
    """Somebody with a cart; a customer who allows reminders, once :meth:`known`."""

    def known(self, address: str = "ada@example.org", *, consents: bool = True) -> "Walker":
        """Prove an address; allow reminders."""

        def prove(db: Session) -> str:
            customer_id = become(db, self.clock, self.ids, address=address)
            row = db.get_one(ShopperSessionRow, self.session_id)
            row.customer_id = customer_id
            db.add(row)
            return customer_id

        self.customer_id = self.do(prove)
        if consents:
            self.allow(seen=0)
        return self

    def allow(self, *, seen: int) -> None:
        """Allow reminders."""
        subject = Subject(customer_id=self.customer_id)
        self.do(
            lambda db: consents.grant(
                db, self.clock, self.ids, subject, Purpose.REMINDERS, how=PRESSED, seen=seen
            )
        )

    def withdraw(self) -> None:
        """Allow them no longer."""
        subject = Subject(customer_id=self.customer_id)
        self.do(
            lambda db: consents.withdraw(
                db, self.clock, self.ids, subject, Purpose.REMINDERS, how=PRESSED
            )
        )

    def touch(
        self,
        kind: Kind = Kind.SCANNED,
        gtin: str = "",
        ref: str = "",
        *,
        location_id: str = HERE,
    ) -> str:
        """Have the timeline told of something; return the interaction's id."""
        one = Interaction(
            id=self.ids.new("touch"),
            session_id=self.session_id,
            kind=kind,
            channel=Channel.TABLET,
            at=self.clock.now(),
            gtin=gtin,
            ref=ref,
            location_id=location_id,
        )
        self.do(lambda db: timeline.keep(db, self.clock, [one]))
        return one.id

    def scan(self, gtin: Gtin = LAMP, quantity: int = 1) -> None:
        """Put an article into the cart, as the timeline hears of it."""
        self.put(gtin, quantity)
        self.touch(Kind.SCANNED, gtin)

    def scan_at_home(self, gtin: Gtin = LAMP) -> None:
        """Put an article into the cart on a phone that stands in no shop."""
        self.clock.advance(0.001)
        shopping = Shopping(self.cart_id, self.clock, sellables)
        self.do(
            lambda db: carts.add_line(
                db, shopping, operation_id=self.ids.new("op"), gtin=gtin, quantity=1
            )
        )
        self.touch(Kind.SCANNED, gtin, location_id="")

    def joined_by(self, other: Buyer) -> str:
        """Let another session's cart have come along at a sign-in; return the joining."""
        row = JoiningRow(
            id=self.ids.new("joining"),
            customer_id=self.customer_id,
            from_session_id=other.session_id,
            to_session_id=self.session_id,
            joined_at=self.clock.now(),
        )
        joining_id = row.id
        self.do(lambda db: db.add(row))
        return joining_id

    def parted_from(self, joining_id: str) -> None:
        """Let a joining be undone."""

        def part(db: Session) -> None:
            row = db.get_one(JoiningRow, joining_id)
            row.undone_at = self.clock.now()
            db.add(row)

        self.do(part)


def hours(number: float) -> timedelta:
    """Return a span."""
    return timedelta(hours=number)
