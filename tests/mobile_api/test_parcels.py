"""A parcel from the payment to the carrier and back: sent once, told to the shopper, returnable."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.orders import terms
from cart.orders.queries import order_view
from cart.orders.terms import Terms
from cart.picking.handover import mark_shipped
from mobile_api.mail.kinds import KINDS
from mobile_api.reconciling import findings
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.inbox import part
from tests.mobile_api.paying import stock_of
from tests.mobile_api.shop import HERE, RED, add
from tests.mobile_api.staffing import API, post, refused, signed_in

ADDRESS = {
    "name": "Ada Quay",
    "street": "1 Pier Road",
    "postcode": "T12",
    "city": "Cork",
    "country": "Ireland",
}
PARCEL = {"carrier": "Parcel Post", "tracking": "3SABC 123"}


@pytest.fixture
def desk(app: FastAPI, phone: TestClient, shop_engine: Engine) -> Desk:
    """The desk of a shop that sends parcels."""
    assert phone  # the application runs
    with unit_of_work(shop_engine) as db:
        terms.put(db, Terms(HERE, ships=True, shipping_minor=490))
    return Desk.of(app)


@pytest.fixture
def staff(app: FastAPI, desk: Desk) -> TestClient:
    """The device of the colleague at the desk."""
    return signed_in(TestClient(app), desk.token)


def no_findings(desk: Desk) -> None:
    """Check that money, goods and orders agree."""
    with reading(desk.parts.engine) as db:
        assert list(findings(db, desk.parts.clock.now())) == []


def read(phone: TestClient, order_id: str) -> Any:  # noqa: ANN401 - JSON
    """Read an order as its shopper."""
    return phone.get(f"/api/v1/orders/{order_id}").json()


def test_a_parcel_is_sent_once_and_can_come_back(
    phone: TestClient, desk: Desk, staff: TestClient
) -> None:
    """Paid, packed, given to the carrier; the shopper sees the number; a piece comes back."""
    add(phone, RED, 2)
    order_id = desk.sell(phone, method="ship", address=ADDRESS)
    refused(post(staff, f"/orders/{order_id}/ship", PARCEL), 409, "not_ready")
    desk.make_ready(order_id)
    (shelf,) = staff.get(f"{API}/desk").json()["ready"]
    assert (shelf["order_id"], shelf["ships"]) == (order_id, True)
    page = staff.get(f"/staff/handover/{order_id}", headers={"Accept": "text/html"}).text
    assert 'id="parcel"' in page
    assert "1 Pier Road" in page
    assert 'id="hand-over"' not in page
    refused(post(staff, f"/orders/{order_id}/ship", {"carrier": " "}), 422, "invalid_input")
    refused(post(staff, f"/orders/{order_id}/handover", {"reason": "known"}), 409, "not_ready")
    assert read(phone, order_id)["state"] == "ready"

    sent = post(staff, f"/orders/{order_id}/ship?html=true", PARCEL, "p" * 20)
    again = post(staff, f"/orders/{order_id}/ship?html=true", PARCEL, "p" * 20)
    assert (sent.status_code, again.json()) == (200, sent.json())
    refused(post(staff, f"/orders/{order_id}/ship", PARCEL), 409, "already_handed_over")
    answer = sent.json()
    assert (answer["state"], answer["tracking"]) == ("shipped", "3SABC 123")
    last = answer["history"][-1]
    assert (last["words"], last["who"], last["note"]) == (
        "Shipped",
        "Mo",
        "Parcel Post · 3SABC 123",
    )
    assert staff.get(f"{API}/desk").json()["ready"] == []
    assert stock_of(desk.parts.engine) == (1, 0, 0)

    seen = read(phone, order_id)
    assert (seen["state"], seen["headline"]) == ("shipped", "On its way to you")
    assert (seen["carrier"], seen["tracking"]) == ("Parcel Post", "3SABC 123")
    assert "Parcel Post · Tracking number: 3SABC 123" in phone.get(f"/orders/{order_id}").text
    no_findings(desk)

    with reading(desk.parts.engine) as db:
        line_id = order_view(db, order_id).lines[0].id
    back = {"line_id": line_id, "quantity": 1, "reason": "unwanted", "restocked": True}
    returned = post(staff, f"/orders/{order_id}/returns", back).json()
    assert (returned["refunded"]["minor"], returned["lines"][0]["returnable"]) == (18_900, 1)
    refused(
        post(staff, f"/orders/{order_id}/returns", {**back, "quantity": 2}), 409, "too_many_pieces"
    )
    assert stock_of(desk.parts.engine) == (2, 0, 0)
    assert [one["amount"]["minor"] for one in read(phone, order_id)["refunds"]] == [18_900]
    no_findings(desk)


def test_a_parcel_that_nobody_sends_is_found(
    phone: TestClient, desk: Desk, clock: FakeClock
) -> None:
    """Two days after it was packed, with its ticket and shop; sent, it is found no more."""
    add(phone, RED)
    order_id = desk.sell(phone, method="ship", address=ADDRESS)
    desk.make_ready(order_id)
    clock.advance(2 * 24 * 3_600)
    no_findings(desk)
    clock.advance(1)
    with reading(desk.parts.engine) as db:
        [found] = findings(db, clock.now())
        order = order_view(db, order_id)
    assert (found.what, found.id, found.wrong) == ("parcel", order_id, True)
    assert found.words.startswith(f"{order.ticket} at {HERE} is packed since {order.ready_at:%Y}")
    with unit_of_work(desk.parts.engine) as db:
        mark_shipped(
            *(db, clock, desk.parts.ids, desk.parts.shop),
            staff=desk.who,
            order_id=order_id,
            carrier="Parcel Post",
        )
    no_findings(desk)


def test_her_letter_says_that_it_is_on_its_way(
    phone: TestClient, desk: Desk, staff: TestClient
) -> None:
    """With carrier and number, and where it goes; without a number it names the carrier alone."""
    add(phone, RED)
    order_id = desk.sell(phone, method="ship", address=ADDRESS)
    desk.make_ready(order_id)
    assert post(staff, f"/orders/{order_id}/ship", {"carrier": "By bicycle"}).status_code == 200
    with reading(desk.parts.engine) as db:
        message = KINDS["order"].message(desk.parts, db, f"{order_id}:shipped")
    assert message is not None
    assert message["Subject"].startswith("On its way to you: your order ")
    text = part(message, "plain")
    assert "By bicycle" in text
    assert "1 Pier Road" in text
    assert "Tracking number" not in text
