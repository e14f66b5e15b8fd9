"""A shopper whose money came after closing sees the new time, and is told that it is one."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.orders import paying
from cart.ports import HostedPayment, PaymentNews
from mobile_api.mail.kinds import KINDS
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.inbox import part
from tests.mobile_api.shop import RED, add, key

SAID = "Your payment came too late for 7:55\u202fPM, so the time is a new one."


@pytest.fixture
def clock() -> FakeClock:
    """Monday, 19:50 in Dublin: the shop closes at 20:00."""
    return FakeClock(datetime(2026, 3, 2, 19, 50, tzinfo=UTC))


def test_she_sees_the_new_time_and_is_told(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """On her page while it is being picked, and in the receipt; ready, it is an old story."""
    desk = Desk.of(app)
    parts = desk.parts
    add(phone, RED)
    opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()
    mail = {"email": "ada@example.org"}
    path = f"/api/v1/checkouts/{opened['id']}"
    assert phone.post(f"{path}/choices", json=mail, headers=key()).is_success
    assert opened["promise_at"] == "2026-03-02T19:55:00Z"
    with unit_of_work(parts.engine) as db:
        begun = paying.begin(
            db,
            clock,
            parts.ids,
            parts.shop,
            checkout_id=opened["id"],
            attempt_id="attempt_1",
            total_minor=18_900,
        )
        payment = HostedPayment("ref-1", "https://pay.example/1")
        paying.note_created(
            db, clock, attempt_id=begun.attempt_id, provider="sandbox", payment=payment
        )
    clock.advance(20 * 60)
    with unit_of_work(parts.engine) as db:
        news = PaymentNews("event-1", "ref-1", "captured", 18_900, "EUR")
        order_id = paying.settle(
            db, clock, parts.ids, parts.shop, provider="sandbox", news=news
        ).order_id
    assert order_id is not None
    seen = phone.get(f"/api/v1/orders/{order_id}").json()
    assert seen["promise_at"] == "2026-03-03T09:00:00Z"
    page = phone.get(f"/orders/{order_id}").text
    assert SAID in page
    assert "Tuesday 9:00\u202fAM" in page
    with reading(parts.engine) as db:
        message = KINDS["order"].message(parts, db, f"{order_id}:receipt")
    assert message is not None
    text = part(message, "plain")
    assert f"Ready about Tuesday 9:00\u202fAM. {SAID}" in text
    desk.make_ready(order_id)
    assert "came too late" not in phone.get(f"/orders/{order_id}").text
