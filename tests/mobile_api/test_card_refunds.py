"""What goes back to a gift card can be spent, also where the card was too old by then."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.orders import vouchers
from cart.orders.queries import order_view
from cart.orders.vouchers import REFUND_GOOD_FOR
from cart.picking import returns
from cart.picking.model import ReturnReason
from mobile_api.mail.kinds import KINDS
from mobile_api.reconciling import findings
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.inbox import part
from tests.mobile_api.shop import RED, add, key

LAMP_MINOR = 18_900


@pytest.fixture
def desk(app: FastAPI, phone: TestClient) -> Desk:
    """The desk of a running shop."""
    assert phone
    return Desk.of(app)


def returned(desk: Desk, phone: TestClient, card: str, after: timedelta) -> str:
    """Buy a lamp with a card and bring it back some time later; return the order."""
    order_id = desk.sell_with(phone, card)
    desk.make_ready(order_id)
    desk.hand_over(order_id, phone.get(f"/api/v1/orders/{order_id}").json()["handover"]["code"])
    clock = desk.parts.clock
    assert isinstance(clock, FakeClock)
    clock.advance(after.total_seconds())
    parts = desk.parts
    with unit_of_work(parts.engine) as db:
        returns.take(
            db,
            parts.clock,
            parts.ids,
            parts.shop,
            staff=desk.who,
            order_line_id=order_view(db, order_id).lines[0].id,
            quantity=1,
            reason=ReturnReason.UNWANTED,
            restocked=True,
        )
    return order_id


def test_money_that_comes_back_to_an_old_card_can_be_spent(
    app: FastAPI, desk: Desk, phone: TestClient, clock: FakeClock, shop_engine: Engine
) -> None:
    """Good for a year from then; the page and the letter say until when; it pays once more."""
    add(phone, RED)
    card = desk.gift_card(LAMP_MINOR, days=10)
    order_id = returned(desk, phone, card, timedelta(days=20))
    until = clock.now() + REFUND_GOOD_FOR
    with reading(shop_engine) as db:
        found = vouchers.find(db, card)
        assert (found.balance_minor, found.expires_at) == (LAMP_MINOR, until)
        assert list(findings(db, clock.now())) == []
        version = order_view(db, order_id).version
        message = KINDS["order"].message(desk.parts, db, f"{order_id}:refund:{version}")
    said = (
        f"€189.00 is on your gift card ending in {card[-4:]} again,"
        f" good until {until:%B} {until.day}, {until.year}."
    )
    assert said in phone.get(f"/orders/{order_id}").text
    assert message is not None
    assert said in part(message, "plain")
    assert said in part(message, "html")
    clock.advance(REFUND_GOOD_FOR.total_seconds() - 60)
    later = TestClient(app)
    add(later, RED)
    opened = later.post("/api/v1/checkouts", json={}, headers=key()).json()
    path = f"/api/v1/checkouts/{opened['id']}/voucher"
    answer = later.post(path, json={"code": card}, headers=key()).json()
    assert (answer["can_pay"], answer["totals"]["to_pay"]["minor"]) == (True, 0)


@pytest.mark.parametrize("days", [0, 3_000])
def test_a_card_that_is_good_for_longer_stays_so(desk: Desk, phone: TestClient, days: int) -> None:
    """Its end is not brought nearer."""
    add(phone, RED)
    card = desk.gift_card(LAMP_MINOR, days=days)
    with reading(desk.parts.engine) as db:
        before = vouchers.find(db, card).expires_at
    returned(desk, phone, card, timedelta(days=1))
    with reading(desk.parts.engine) as db:
        found = vouchers.find(db, card)
        assert (found.balance_minor, found.expires_at) == (LAMP_MINOR, before)
