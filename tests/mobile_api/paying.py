"""Somebody who pays by phone at the test bank, and the sums that must hold afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from cart.carts.queries import session_of_key
from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.ids import RandomIds
from cart.orders import checkout
from cart.orders.tables import AttemptRow, CheckoutRow, OrderLineRow, OrderRow, RefundRow, TenderRow
from cart.ports import Shop
from inventory_api.catalogue.queries import sellables
from inventory_api.places import Places
from inventory_api.stock.promises import Promises
from mobile_api.payment.sandbox.bank import Bank
from tests.mobile_api.shop import HERE, RED, key

SHOP = Shop(sellables, Promises(), Places())
LAMP_MINOR = 18_900
WAIT_S = 60.0  # on a busy machine; what is waited for takes a second


def eventually(met: Callable[[], object], what: str = "it") -> None:
    """Wait until ``met``; it is for what other threads and processes do."""
    end = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < end, f"{what} did not happen within {WAIT_S} s"
        time.sleep(0.05)


@dataclass
class Shopper:
    """A phone with a cart, at the address of a running API."""

    url: str
    engine: Engine
    clock: Clock
    checkout_id: str = ""
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(base_url=self.url, timeout=WAIT_S)

    def fill(self, quantity: int = 1, gtin: str = RED) -> None:
        """Put lamps into the cart, and open its checkout."""
        body = {"gtin": gtin, "quantity": quantity, "location_id": HERE}
        answer = self.client.post("/api/v1/cart/lines", json=body, headers=key())
        assert answer.status_code == 201, answer.text
        with unit_of_work(self.engine) as db:
            session = session_of_key(db, self.client.cookies["carryover"], self.clock.now())
            assert session is not None
            self.checkout_id = checkout.open_checkout(
                db,
                self.clock,
                RandomIds(),
                SHOP,
                cart_id=session.cart_id,
                session_id=session.id,
                locale="en",
            )

    def total_minor(self) -> int:
        """Return what she sees."""
        with reading(self.engine) as db:
            seen = checkout.view(db, self.clock, SHOP, self.checkout_id)
            return seen.totals.total_minor

    def post(
        self, what: str, headers: dict[str, str] | None = None, **body: object
    ) -> httpx2.Response:
        """Send ``pay`` or ``stop``."""
        path = f"/api/v1/checkouts/{self.checkout_id}/{what}"
        return self.client.post(path, json=body, headers=key() if headers is None else headers)

    def pay(self, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Begin to pay what she sees; return the answer, with the bank's page."""
        answer = self.post("pay", headers, total_minor=self.total_minor())
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["state"] == "pending"
        return found

    def choose(self, redirect_url: str, choice: str, seconds: int = 0) -> httpx2.Response:
        """Say at the bank's page how it is to end."""
        page = self.client.get(redirect_url)
        assert "Test bank" in page.text
        data = {"choice": choice, "seconds": str(seconds)}
        return self.client.post(f"{redirect_url}/choose", data=data)


def rows(engine: Engine, kind: type[Any]) -> list[Any]:
    """Return every row of a table."""
    with Session(engine) as db:
        found = list(db.exec(select(kind)))
        db.expunge_all()
        return found


def states(engine: Engine, kind: type[Any]) -> Counter[str]:
    """Count the rows of a table by state."""
    return Counter(row.state for row in rows(engine, kind))


def stock_of(engine: Engine, sku: str = "lamp-red") -> tuple[int, int, int]:
    """Return on_hand, reserved and allocated at HERE."""
    asked = text(
        "SELECT on_hand, reserved, allocated FROM stock WHERE location_id = :p AND sku = :s"
    )
    with reading(engine) as db:
        row = db.connection().execute(asked, {"p": HERE, "s": sku}).one()
        return row[0], row[1], row[2]


def assert_sums(engine: Engine, bank: Bank) -> None:
    """Money, pieces and orders agree: between bank, tenders, order lines, stock and ledger.

    For a moment in which nothing is under way.
    """
    orders = rows(engine, OrderRow)
    lines = rows(engine, OrderLineRow)
    bought_minor = sum(line.price_minor * (line.quantity - line.cancelled) for line in lines)
    shipping_minor = sum(order.shipping_minor for order in orders)
    assert bank.balance_minor() == bought_minor + shipping_minor
    kept = [tender for tender in rows(engine, TenderRow) if tender.state == "captured"]
    assert sum(one.amount_minor - one.refunded_minor for one in kept) == bank.balance_minor()
    assert states(engine, RefundRow).keys() <= {"done"}
    promised = sum(line.quantity - line.cancelled for line in lines)
    with reading(engine) as db:
        run = db.connection().execute
        assert run(text("SELECT COALESCE(SUM(allocated), 0) FROM stock")).scalar() == promised
        assert run(text("SELECT COALESCE(SUM(reserved), 0) FROM stock")).scalar() == 0
        off = run(
            text(
                "SELECT s.sku FROM stock s WHERE s.on_hand <> (SELECT COALESCE(SUM(m.delta), 0)"
                " FROM movement m WHERE m.sku = s.sku AND m.location_id = s.location_id)"
            )
        ).all()
        assert off == []
        tasks = run(text("SELECT COUNT(*) FROM pick_task")).scalar()
    assert tasks == len(orders)
    paid = [one for one in rows(engine, CheckoutRow) if one.state == "paid"]
    assert len(paid) == len(orders) == states(engine, AttemptRow)["succeeded"]
