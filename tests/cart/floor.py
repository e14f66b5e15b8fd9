"""The floor of one shop: bays, staff who are signed in, and orders that wait for them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.errors import CodeRefused
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from cart.orders import terms
from cart.orders.queries import OrderView, order_view
from cart.orders.terms import Terms
from cart.picking import (
    doors,
    handover,
    picking,
    queries,
    returns,
    shorts,
    staff,
    substitution,
    tasks,
    walks,
)
from cart.picking.model import Changed, ReturnReason, ShortReason, Staff
from cart.picking.picking import Picked
from cart.picking.queries import QueueEntry, WalkLine
from cart.picking.roles import Role
from cart.picking.second import Rule
from cart.picking.staff import SignedIn
from cart.picking.substitution import Offer
from inventory_api.catalogue.tables import BayRow, PriceRow, VariantRow, ZoneRow
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from tests.cart.buying import HERE, LAMP, MUG, SHOP, SKUS, Buyer, fill
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP

T = TypeVar("T")
BLUE, GREEN = Gtin("4006381333948"), Gtin("4006381333955")  # other lamps: cheaper, dearer
VARIANTS = {BLUE: "lamp-blue", GREEN: "lamp-green"}
SECRET = b"a secret of more than thirty-two characters"
PIN_ALONE = Rule(frozenset(), timedelta(days=90))  # nobody is asked for more, for now


@dataclass
class Floor:
    """One shop where people pick. ``ids`` are shared, so that every id is another."""

    engine: Engine
    clock: FakeClock
    ids: SeededIds = field(default_factory=lambda: SeededIds(11))
    pieces: int = 20

    def __post_init__(self) -> None:
        fill(self.engine, self.clock, self.pieces)
        with unit_of_work(self.engine) as db:
            _furnish(db)
            for gtin, sku, colour, price_minor in (
                (BLUE, "lamp-blue", "blue", 15_000),
                (GREEN, "lamp-green", "green", 25_000),
            ):
                db.add(VariantRow(sku=sku, gtin=gtin, product_id="lamp", colour=colour))
                db.flush()
                db.add(PriceRow(sku=sku, currency="EUR", price_minor=price_minor))
                db.flush()
                stock.move(
                    db,
                    self.clock,
                    location_id=HERE,
                    sku=sku,
                    delta=2,
                    reason=Reason.RECEIVED,
                )

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def look(self, act: Callable[[Session], T]) -> T:
        """Look at something."""
        with reading(self.engine) as db:
            return act(db)

    def hire(self, number: str = "1", role: Role = Role.ASSOCIATE, place: str = HERE) -> Staff:
        """Take somebody on and sign her in."""
        return self.enter(number, role, place).staff

    def enter(self, number: str = "1", role: Role = Role.ASSOCIATE, place: str = HERE) -> SignedIn:
        """Take somebody on and sign her in; return her session."""

        def act(db: Session) -> SignedIn:
            _, pin = staff.add(
                db,
                self.clock,
                self.ids,
                location_id=place,
                number=number,
                name=f"Staff {number}",
                role=role,
                work=CHEAP,
            )
            known = staff.known(db, location_id=place, number=number)
            signed_in = doors.sign_in(db, self.clock, self.ids, known.checked(pin), PIN_ALONE)
            assert isinstance(signed_in, SignedIn)
            return signed_in

        return self.do(act)

    def buyer(self) -> Buyer:
        """Return a shopper."""
        return Buyer(self.engine, self.clock, self.ids)

    def ship(self) -> None:
        """Let the location ship."""
        self.do(lambda db: terms.put(db, Terms(HERE, ships=True, shipping_minor=490)))

    def order(self, lines: dict[Gtin, int] | None = None, **choice: object) -> str:
        """Let a shopper buy; return the order, which has its pick task."""
        buyer = self.buyer()
        for gtin, quantity in (lines or {LAMP: 1}).items():
            buyer.put(gtin, quantity)
        buyer.open()
        buyer.choose(email="ada@example.com", **choice)
        order_id = buyer.pay().order_id
        assert order_id is not None
        self.open_task(order_id)
        return order_id

    def open_task(self, order_id: str) -> str:
        """Make the order's pick task."""
        return self.do(lambda db: tasks.open_task(db, self.clock, self.ids, SHOP, order_id))

    def queue(self) -> list[QueueEntry]:
        """Return the queue."""
        return self.look(lambda db: queries.queue(db, HERE, self.clock.now()))

    def task_of(self, order_id: str) -> str:
        """Return the order's task."""
        asked = text("SELECT id FROM pick_task WHERE order_id = :id")
        found = self.look(lambda db: db.connection().execute(asked, {"id": order_id}).scalar_one())
        return str(found)

    def claim(self, who: Staff, *order_ids: str) -> list[Changed]:
        """Claim the tasks of orders."""
        wanted = [self.task_of(order_id) for order_id in order_ids]
        return self.do(lambda db: walks.claim(db, self.clock, self.ids, staff=who, task_ids=wanted))

    def walk(self, who: Staff) -> list[WalkLine]:
        """Return what somebody has to fetch."""
        return self.look(lambda db: queries.walk(db, who.id))

    def line_of(self, order_id: str, gtin: Gtin = LAMP) -> WalkLine:
        """Return the pick line of an article."""
        lines = self.look(lambda db: queries.of_task(db, self.task_of(order_id)))
        return next(line for line in lines if line.gtin == gtin)

    def pick(self, who: Staff, order_id: str, gtin: Gtin = LAMP, quantity: int = 1) -> Picked:
        """Scan pieces of an order's line."""
        line_id = self.line_of(order_id, gtin).line_id
        return self.scan(who, line_id, gtin, quantity)

    def scan(self, who: Staff, line_id: str, code: str, quantity: int = 1) -> Picked:
        """Scan a code for a line."""
        return self.do(
            lambda db: picking.pick(
                db,
                self.clock,
                SHOP,
                staff=who,
                line_id=line_id,
                code=code,
                quantity=quantity,
                operation_id=self.ids.new("scan"),
            )
        )

    def walked(self) -> list[tuple[str, int]]:
        """Return what the ledger has of pieces carried to the desk and back: reason, pieces."""
        asked = text(
            "SELECT reason, picked_delta FROM movement WHERE picked_delta <> 0 ORDER BY id"
        )
        found = self.look(lambda db: db.connection().execute(asked).all())
        return [(row[0], row[1]) for row in found]

    def pick_all(self, who: Staff, order_id: str) -> None:
        """Scan everything that is left of an order."""
        for line in self.look(lambda db: queries.of_task(db, self.task_of(order_id))):
            if line.left:
                self.scan(who, line.line_id, line.gtin, line.left)

    def stage(self, who: Staff, order_id: str, shelf: str = "B3") -> Changed:
        """Put an order on a shelf at the desk."""
        task_id = self.task_of(order_id)
        return self.do(
            lambda db: tasks.stage(db, self.clock, staff=who, task_id=task_id, shelf=shelf)
        )

    def short(
        self,
        who: Staff,
        order_id: str,
        *,
        gtin: Gtin = LAMP,
        quantity: int = 1,
        reason: ShortReason = ShortReason.NOT_FOUND,
        offer: Gtin | None = None,
    ) -> Changed:
        """Give pieces of a line up."""
        line_id = self.line_of(order_id, gtin).line_id
        return self.do(
            lambda db: shorts.short(
                db,
                self.clock,
                self.ids,
                SHOP,
                staff=who,
                line_id=line_id,
                quantity=quantity,
                reason=reason,
                offer=offer,
            )
        )

    def offers(self, order_id: str) -> list[Offer]:
        """Return what the shopper is asked."""
        return self.look(lambda db: substitution.offers(db, order_id))

    def answer(self, order_id: str, offer_id: str, *, accepted: bool) -> Changed:
        """Let the shopper answer."""
        return self.do(
            lambda db: substitution.answer(
                db,
                self.clock,
                self.ids,
                SHOP,
                order_id=order_id,
                offer_id=offer_id,
                accepted=accepted,
            )
        )

    def expire(self) -> list[Changed]:
        """Sweep the offers that nobody answered."""
        due = self.look(lambda db: substitution.due_offers(db, self.clock.now(), 10))
        done = [
            self.do(partial(_expire, self.clock, self.ids, offer_id=offer_id)) for offer_id in due
        ]
        return [one for one in done if one is not None]

    def expire_one(self, offer_id: str, clock: FakeClock) -> Changed | None:
        """Sweep one offer, by another clock."""
        return self.do(partial(_expire, clock, self.ids, offer_id=offer_id))

    def restock(self, gtin: Gtin) -> None:
        """Bring the shelf back to two pieces."""
        missing = 2 - self.stock(gtin)[0]
        if missing:
            self.do(
                lambda db: stock.move(
                    db,
                    self.clock,
                    location_id=HERE,
                    sku=VARIANTS[gtin],
                    delta=missing,
                    reason=Reason.RECEIVED,
                )
            )

    def hand_over(
        self, who: Staff, order_id: str, proof: str | None = None, reason: str = ""
    ) -> Changed | CodeRefused:
        """Hand an order over; by default with its own code."""
        shown = handover.handover_code(SECRET, order_id) if proof is None else proof
        return self.do(
            lambda db: handover.hand_over(
                db,
                self.clock,
                self.ids,
                SHOP,
                secret=SECRET,
                staff=who,
                order_id=order_id,
                proof=shown,
                reason=reason,
            )
        )

    def take_back(
        self,
        who: Staff,
        order_id: str,
        *,
        quantity: int = 1,
        restocked: bool = True,
        reason: ReturnReason = ReturnReason.UNWANTED,
    ) -> Changed:
        """Take pieces of an order's first line back."""
        line_id = self.view(order_id).lines[0].id
        return self.do(
            lambda db: returns.take(
                db,
                self.clock,
                self.ids,
                SHOP,
                staff=who,
                order_line_id=line_id,
                quantity=quantity,
                reason=reason,
                restocked=restocked,
            )
        )

    def ready(self, who: Staff, lines: dict[Gtin, int] | None = None, **choice: object) -> str:
        """Let a shopper buy, and somebody pick and stage it."""
        order_id = self.order(lines, **choice)
        self.claim(who, order_id)
        self.pick_all(who, order_id)
        self.stage(who, order_id)
        return order_id

    def view(self, order_id: str) -> OrderView:
        """Look at an order."""
        return self.look(lambda db: order_view(db, order_id))

    def told(self, order_id: str) -> list[str]:
        """Return what happened to an order."""
        return [entry.what for entry in self.view(order_id).history]

    def letters(self, order_id: str) -> list[str]:
        """Return the letters that an order asked for, by id."""
        asked = text("SELECT id FROM order_letter WHERE order_id = :id ORDER BY id")
        return self.look(
            lambda db: list(db.connection().execute(asked, {"id": order_id}).scalars())
        )

    def stock(self, gtin: Gtin = LAMP, location_id: str = HERE) -> tuple[int, int, int]:
        """Return on_hand, reserved and allocated."""
        asked = text(
            "SELECT s.on_hand, s.reserved, s.allocated FROM stock AS s"
            " JOIN variant AS v ON v.sku = s.sku WHERE v.gtin = :gtin AND s.location_id = :place"
        )
        values = {"gtin": gtin, "place": location_id}
        row = self.look(lambda db: db.connection().execute(asked, values).one())
        return row[0], row[1], row[2]

    def movements(self, reason: str) -> int:
        """Return how many entries of the ledger have a reason."""
        asked = text("SELECT count(*) FROM movement WHERE reason = :reason")
        return self.look(
            lambda db: int(db.connection().execute(asked, {"reason": reason}).scalar_one())
        )


def _expire(clock: FakeClock, ids: SeededIds, db: Session, *, offer_id: str) -> Changed | None:
    return substitution.expire(db, clock, ids, SHOP, offer_id=offer_id)


def _furnish(db: Session) -> None:
    """Mugs by the door, lamps at the back; nobody has placed the jackets."""
    for place, zone_id in enumerate(("door", "back"), start=1):
        db.add(
            ZoneRow(
                location_id=HERE,
                zone_id=zone_id,
                name=f"The {zone_id}",
                name_i18n={"pl": f"{zone_id} po polsku"},
                walk_order=place,
            )
        )
    db.flush()
    for zone_id, bay_id, gtin in (("door", "A1", MUG), ("back", "C7", LAMP)):
        db.add(BayRow(location_id=HERE, zone_id=zone_id, bay_id=bay_id, walk_order=1))
        db.flush()
        db.connection().execute(
            text(
                "UPDATE stock SET zone_id = :zone_id, bay_id = :bay_id"
                " WHERE location_id = :location_id AND sku = :sku"
            ),
            {"zone_id": zone_id, "bay_id": bay_id, "location_id": HERE, "sku": SKUS[gtin]},
        )
