"""What the shop learns of looks: tried on, and bought or not; of groups, at its own location."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.testclient import TestClient

from cart.carts.service import open_session
from cart.kernel.gtin import Gtin
from cart.looks.tables import LookItemRow, LookKeyRow, LookRow
from cart.orders.tables import OrderLineRow, OrderRow
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import API, app_over, hire, signed_in

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Purchase:
    """What a shopper buys after she tried something on, and how it ended."""

    gtin: Gtin = LAMP
    state: str = "shipped"
    cancelled: int = 0  # of its two pieces


@dataclass
class Fitting:
    """Shoppers who try something on at the shops of a floor; put straight into the tables."""

    floor: Floor

    def tried_by(self, shoppers: int, gtin: Gtin, *bought: Purchase, place: str = HERE) -> None:
        """Let so many shoppers try it on, each twice; the first of them buy something after."""
        for number in range(shoppers):
            purchase = bought[number] if number < len(bought) else None
            self.floor.do(lambda db, it=purchase: self._one(db, gtin, place, it))  # type: ignore[misc]  # a default binds

    def _one(self, db: Session, gtin: Gtin, place: str, purchase: Purchase | None) -> None:
        ids, now = self.floor.ids, self.floor.clock.now()
        session = open_session(db, self.floor.clock, ids)
        key_id = ids.new("lookkey")
        db.add(LookKeyRow(id=key_id, session_id=session.id, public_key="x", created_at=now))
        db.flush()
        for _twice in range(2):
            look_id = ids.new("look")
            db.add(
                LookRow(
                    id=look_id,
                    key_id=key_id,
                    device_id="mir-1",
                    location_id=place,
                    visit="v",
                    state="kept",
                    grant_hash=look_id,
                    taken_at=now - timedelta(hours=1),
                    expires_at=now + timedelta(days=30),
                )
            )
            db.flush()
            db.add(LookItemRow(look_id=look_id, gtin=gtin, position=0))
        db.flush()
        if purchase is not None:
            self._buy(db, session.id, purchase)

    def _buy(self, db: Session, session_id: str, purchase: Purchase) -> None:
        ids, now = self.floor.ids, self.floor.clock.now()
        order = OrderRow(
            id=ids.new("order"),
            checkout_id=ids.new("checkout"),
            session_id=session_id,
            location_id=HERE,
            currency="EUR",
            state=purchase.state,
            method="ship",
            ticket="A1",
            total_minor=1_250,
            tax_minor=0,
            promise_at=now,
            placed_at=now,
        )
        db.add(order)
        db.flush()
        db.add(
            OrderLineRow(
                id=ids.new("line"),
                order_id=order.id,
                position=0,
                gtin=purchase.gtin,
                sku="it",
                quantity=2,
                cancelled=purchase.cancelled,
                price_minor=1_250,
                name="It",
                stock_reference="",
            )
        )


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """Two shops, on both databases."""
    return Floor(engine, clock)


@pytest.fixture
def fitting(floor: Floor) -> Fitting:
    """Nobody has tried anything on."""
    return Fitting(floor)


@pytest.fixture
def staff(floor: Floor, tmp_path: Path) -> TestClient:
    """The browser of somebody who works on the floor."""
    return signed_in(TestClient(app_over(floor, tmp_path)), hire(floor, "7"))


def told(client: TestClient) -> list[tuple[object, ...]]:
    """Return what it is told: product, tried, bought, not bought."""
    answer = client.get(f"{API}/tried")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["group_min"] == 5
    columns = ("product_id", "tried", "bought", "not_bought")
    return [tuple(one[name] for name in columns) for one in said["products"]]


@pytest.mark.parametrize(
    ("shoppers", "bought", "expected"),
    [
        (4, 0, []),
        (5, 0, [("lamp", 5, None, None)]),
        (10, 4, [("lamp", 10, None, None)]),
        (10, 5, [("lamp", 10, 5, 5)]),
        (12, 8, [("lamp", 12, None, None)]),
    ],
)
def test_fewer_than_five_are_told_of_nowhere(
    staff: TestClient,
    fitting: Fitting,
    shoppers: int,
    bought: int,
    expected: list[tuple[object, ...]],
) -> None:
    """Nor what would tell it by taking one number from another; nor those of another shop."""
    fitting.tried_by(shoppers, LAMP, *[Purchase()] * bought)
    fitting.tried_by(3, LAMP, place=THERE)
    assert told(staff) == expected


def test_what_was_cancelled_was_not_bought(staff: TestClient, fitting: Fitting) -> None:
    """Neither a whole order nor a line of one; with one of two pieces left it was."""
    over = [Purchase(state="cancelled")] * 3 + [Purchase(cancelled=2)] * 3
    fitting.tried_by(11, LAMP, *[Purchase(cancelled=1)] * 5, *over)
    assert told(staff) == [("lamp", 11, 5, 6)]


def test_another_size_or_colour_of_it_is_the_same_product(
    staff: TestClient, fitting: Fitting
) -> None:
    """Tried on in one and bought in another: bought; shoppers of both are counted together."""
    fitting.tried_by(8, LAMP, *[Purchase(BLUE)] * 6)
    fitting.tried_by(4, BLUE)
    fitting.tried_by(5, MUG, *[Purchase()] * 5)  # what they bought is another product
    assert told(staff) == [("lamp", 12, 6, 6), ("mug", 5, None, None)]
    (lamp, _) = staff.get(f"{API}/tried").json()["products"]
    assert lamp["gtin"] == min(LAMP, BLUE)


def test_the_floor_sees_its_own_location_and_a_stranger_nothing(
    staff: TestClient, fitting: Fitting
) -> None:
    """Who works at the other shop is told of those who tried things on there."""
    fitting.tried_by(6, LAMP)
    fitting.tried_by(7, MUG, place=THERE)
    assert told(staff) == [("lamp", 6, None, None)]
    there = signed_in(TestClient(staff.app), hire(fitting.floor, "8", place=THERE))
    assert told(there) == [("mug", 7, None, None)]
    stranger = TestClient(staff.app).get(f"{API}/tried")
    assert stranger.status_code == UNAUTHORIZED
    assert "products" not in stranger.text
