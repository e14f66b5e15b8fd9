"""The ready message is sent again: to an address, or not at all; and her open page says so."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import reading
from cart.orders.queries import order_view
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import RED, add
from tests.mobile_api.staffing import post, refused, signed_in

HTML = {"Accept": "text/html"}


@pytest.fixture
def desk(app: FastAPI, phone: TestClient) -> Desk:
    """The desk of a running shop."""
    assert phone
    return Desk.of(app)


def test_without_an_address_nothing_is_said_to_have_been_sent(
    app: FastAPI, phone: TestClient, desk: Desk
) -> None:
    """Refused, and in no history; the page has no button to press, and says why."""
    add(phone, RED)
    order_id = desk.sell(phone, email="")
    desk.make_ready(order_id)
    staff = signed_in(TestClient(app), desk.token)
    refused(post(staff, f"/orders/{order_id}/resend"), 409, "no_address")
    with reading(desk.parts.engine) as db:
        assert order_view(db, order_id).history[-1].what == "staged"
    page = staff.get(f"/staff/handover/{order_id}", headers=HTML).text
    assert 'data-act="resend" disabled aria-describedby="no-address"' in page
    assert "This order has no e-mail address: there is nowhere to send it." in page


def test_her_page_says_that_she_was_told_again(app: FastAPI, phone: TestClient, desk: Desk) -> None:
    """Each resend counts, which is what the open page toasts by; handed over, it is over."""
    add(phone, RED)
    order_id = desk.sell(phone)
    desk.make_ready(order_id)
    before = phone.get(f"/orders/{order_id}").text
    assert 'data-resends="0"' in before
    assert "told you again" not in before
    staff = signed_in(TestClient(app), desk.token)
    for count in (1, 2):
        assert post(staff, f"/orders/{order_id}/resend").json()["reachable"]
        page = phone.get(f"/orders/{order_id}").text
        assert f'data-resends="{count}"' in page
        assert "the desk told you again that it is ready." in page
    desk.hand_over(order_id, phone.get(f"/api/v1/orders/{order_id}").json()["handover"]["code"])
    assert "told you again" not in phone.get(f"/orders/{order_id}").text
