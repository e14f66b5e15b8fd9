"""Two shops with stock, and somebody who buys in them: what tests of orders begin with."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.carts import queries as carts
from cart.carts import service
from cart.carts.service import Shopping
from cart.db import reading, unit_of_work
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids, RandomIds
from cart.orders import checkout, paying, queries, terms
from cart.orders.checkout import Choice
from cart.orders.paying import Begun, Settled
from cart.orders.queries import OrderView
from cart.orders.terms import Terms
from cart.orders.view import CheckoutView
from cart.ports import HostedPayment, PaymentNews, Shop
from inventory_api.catalogue.queries import sellables
from inventory_api.catalogue.tables import LocationRow, PriceRow, ProductRow, VariantRow
from inventory_api.places import Places
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from inventory_api.stock.promises import Promises
from tests.fakes.clock import FakeClock

T = TypeVar("T")
HERE, THERE = "harbour-street", "mill-lane"
LAMP, MUG, JACKET = Gtin("4006381333931"), Gtin("96385074"), Gtin("036000291452")
SKUS = {LAMP: "lamp", MUG: "mug", JACKET: "jacket"}
PRICES = {LAMP: 18_900, MUG: 1_250, JACKET: 9_900}
HOURS = {day: [["09:00", "20:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
PROVIDER = "sandbox"
SHOP = Shop(lookup=sellables, stock=Promises(), locations=Places())


def fill(engine: Engine, clock: FakeClock, pieces: int = 5) -> None:
    """Put three articles on the shelves of both locations; books are taxed otherwise."""
    with unit_of_work(engine) as db:
        for place, location_id in enumerate((HERE, THERE)):
            db.add(
                LocationRow(
                    id=location_id,
                    gln=f"590000000000{place}",
                    name=location_id,
                    country="NL",
                    timezone="Europe/Amsterdam",
                    opening_hours=HOURS,
                )
            )
        for gtin, sku in SKUS.items():
            db.add(ProductRow(id=sku, name=sku.title(), name_i18n={"pl": f"{sku} po polsku"}))
            db.flush()
            db.add(VariantRow(sku=sku, gtin=gtin, product_id=sku))
            db.flush()
            db.add(PriceRow(sku=sku, currency="EUR", price_minor=PRICES[gtin]))
        db.flush()
        for location_id in (HERE, THERE):
            terms.put(db, Terms(location_id, tax_rate_bp=2_100, lead_minutes=5))
            for sku in SKUS.values():
                stock.move(
                    db,
                    clock,
                    location_id=location_id,
                    sku=sku,
                    delta=pieces,
                    reason=Reason.RECEIVED,
                )


@dataclass
class Buyer:
    """One shopper with a cart of her own, and what she does."""

    engine: Engine
    clock: FakeClock
    ids: Ids = field(default_factory=RandomIds)  # also safe among threads
    cart_id: str = ""
    session_id: str = ""
    checkout_id: str = ""
    keys: int = 0

    def __post_init__(self) -> None:
        with unit_of_work(self.engine) as db:
            session = service.open_session(db, self.clock, self.ids)
            self.cart_id, self.session_id = session.cart_id, session.id

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def put(self, gtin: Gtin = LAMP, quantity: int = 1) -> None:
        """Scan pieces of an article at the location HERE."""
        self.clock.advance(0.001)
        shopping = Shopping(self.cart_id, self.clock, sellables, location_id=HERE)
        self.do(
            lambda db: service.add_line(
                db, shopping, operation_id=self.ids.new("op"), gtin=gtin, quantity=quantity
            )
        )

    def cart(self) -> dict[str, int]:
        """Return the pieces on her list."""
        with reading(self.engine) as db:
            return {line.gtin: line.quantity for line in carts.view(db, self.cart_id).lines}

    def open(self, location_id: str | None = None) -> str:
        """Open the checkout of her cart."""
        self.checkout_id = self.do(
            lambda db: checkout.open_checkout(
                db,
                self.clock,
                self.ids,
                SHOP,
                cart_id=self.cart_id,
                session_id=self.session_id,
                locale="en",
                location_id=location_id,
            )
        )
        return self.checkout_id

    def view(self, **more: Any) -> CheckoutView:  # noqa: ANN401 - as the function takes it
        """Look at the checkout."""
        with reading(self.engine) as db:
            return checkout.view(db, self.clock, SHOP, self.checkout_id, **more)

    def choose(self, **choice: Any) -> None:  # noqa: ANN401 - as Choice takes it
        """Choose something."""
        self.do(
            lambda db: checkout.choose(
                db, self.clock, SHOP, checkout_id=self.checkout_id, choice=Choice(**choice)
            )
        )

    def begin(self, key: str | None = None, total_minor: int | None = None) -> Begun:
        """Begin to pay what she sees."""
        if key is None:
            self.keys += 1
        name = key or f"{self.cart_id}-{self.keys}"
        total = self.view().totals.total_minor if total_minor is None else total_minor
        return self.do(
            lambda db: paying.begin(
                db,
                self.clock,
                self.ids,
                SHOP,
                checkout_id=self.checkout_id,
                attempt_id=paying.attempt_id_of(name),
                total_minor=total,
            )
        )

    def created(self, attempt_id: str) -> None:
        """Let the provider have made the payment."""
        payment = HostedPayment(f"ref-{attempt_id}", f"https://pay.example/{attempt_id}")
        self.do(
            lambda db: paying.note_created(
                db, self.clock, attempt_id=attempt_id, provider=PROVIDER, payment=payment
            )
        )

    def news(
        self,
        attempt_id: str,
        outcome: str = "captured",
        *,
        amount_minor: int | None = None,
        currency: str = "EUR",
        event_id: str | None = None,
    ) -> Settled:
        """Let the provider say what became of the payment; by default that it was paid."""
        if amount_minor is None:
            with reading(self.engine) as db:
                amount_minor = tender_minor(db, attempt_id)
        event = f"{outcome}-{attempt_id}" if event_id is None else event_id
        said = PaymentNews(event, f"ref-{attempt_id}", outcome, amount_minor, currency)
        return self.do(
            lambda db: paying.settle(db, self.clock, self.ids, SHOP, provider=PROVIDER, news=said)
        )

    def pay(self) -> Settled:
        """Begin to pay, and have it succeed."""
        begun = self.begin()
        if begun.settled is not None:
            return begun.settled
        self.created(begun.attempt_id)
        return self.news(begun.attempt_id)

    def buy(self, gtin: Gtin = LAMP, quantity: int = 1) -> str:
        """Put, open, pay: return the order's id."""
        self.put(gtin, quantity)
        self.open()
        order_id = self.pay().order_id
        assert order_id is not None
        return order_id

    def order(self, order_id: str) -> OrderView:
        """Look at an order."""
        with reading(self.engine) as db:
            return queries.order_view(db, order_id)


def tender_minor(db: Session, attempt_id: str) -> int:
    """Return what the provider was asked for, whatever became of the attempt."""
    asked = text("SELECT amount_minor FROM tender WHERE kind = 'provider' AND attempt_id = :id")
    return int(db.connection().execute(asked, {"id": attempt_id}).scalar() or 0)


def stock_of(engine: Engine, gtin: Gtin = LAMP, location_id: str = HERE) -> tuple[int, int, int]:
    """Return on_hand, reserved and allocated."""
    asked = text(
        "SELECT on_hand, reserved, allocated FROM stock"
        " WHERE location_id = :location_id AND sku = :sku"
    )
    with reading(engine) as db:
        values = {"location_id": location_id, "sku": SKUS[gtin]}
        row = db.connection().execute(asked, values).one()
        return row[0], row[1], row[2]


def at_once(*acts: Callable[[], T]) -> list[T]:
    """Do all of these at the same moment, each in a thread; return what they return, in order."""
    gate = threading.Barrier(len(acts))
    done: dict[int, T] = {}

    def run(place: int, act: Callable[[], T]) -> None:
        gate.wait(10)
        done[place] = act()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == len(acts), "one raised, or did not come to an end"
    return [done[place] for place in range(len(acts))]
