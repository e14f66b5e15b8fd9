"""Orders on the phone: the ticket and where it stands, here, offers, the code, the receipt."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.orders import terms
from cart.orders.terms import Terms
from mobile_api.edge.links import list_link, order_link
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, THERE, add, key, stock

HTML = {"Accept": "text/html"}
ADDRESS = {
    "name": "Ada Quay",
    "street": "1 Pier Road",
    "postcode": "T12",
    "city": "Cork",
    "country": "Ireland",
}


@pytest.fixture
def desk(app: FastAPI, phone: TestClient, shop_engine: Engine, clock: FakeClock) -> Desk:
    """The desk of a shop that has mugs too, and taxes at 23 %."""
    assert phone  # the application runs
    stock(shop_engine, clock, HERE, "mug", 10)
    with unit_of_work(shop_engine) as db:
        terms.put(db, Terms(HERE, tax_rate_bp=2300, ships=True, shipping_minor=490))
    return Desk.of(app)


def read(phone: TestClient, order_id: str) -> Any:  # noqa: ANN401 - JSON
    """Read an order by the API."""
    answer = phone.get(f"/api/v1/orders/{order_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(phone: TestClient, order_id: str, what: str, body: Any = None) -> Any:  # noqa: ANN401
    """Act on an order; return the answer."""
    return phone.post(f"/api/v1/orders/{order_id}/{what}", json=body, headers=key())


def test_a_paid_order_is_a_ticket_with_its_place(phone: TestClient, desk: Desk) -> None:
    """The second waits behind the first; the page shows code and place, the cart its way there."""
    add(phone, RED)
    first = desk.sell(phone)
    add(phone, MUG)
    second = desk.sell(phone)
    states = [read(phone, one) for one in (first, second)]
    assert [one["position"] for one in states] == [1, 2]
    assert [one["sub"] for one in states] == ["You are next.", "1 order is before yours."]
    assert states[0]["state"] == "placed"
    assert states[0]["handover"] is None
    page = phone.get(f"/orders/{second}").text
    assert desk.ticket(second) in page
    assert "Ready about" in page
    assert f'href="/orders/{second}"' in phone.get("/").text
    listed = phone.get("/api/v1/orders").json()["orders"]
    assert [one["id"] for one in listed] == [second, first]
    assert desk.ticket(first) in phone.get("/orders").text


def test_an_order_for_later_has_its_time_and_no_place(phone: TestClient, desk: Desk) -> None:
    """Whoever comes this afternoon is not "next" this morning."""
    add(phone, RED)
    opened = phone.post("/api/v1/checkouts", json={}, headers=key()).json()
    order_id = desk.sell(phone, slot_at=opened["slots"][8]["starts_at"])
    state = read(phone, order_id)
    assert state["promise_at"] == opened["slots"][8]["starts_at"]
    assert state["sub"] == "We pick it shortly before."


def test_an_order_is_followed_until_it_is_handed_over(phone: TestClient, desk: Desk) -> None:
    """Placed, picking, ready with a code and a QR, handed over with a receipt and no code."""
    add(phone, RED, 2)
    order_id = desk.sell(phone)
    task_id = desk.claim(order_id)
    assert read(phone, order_id)["headline"].startswith("Ready about")
    assert read(phone, order_id)["sub"] == "Your things are being picked now."
    desk.pick(task_id)
    desk.stage(task_id)
    ready = read(phone, order_id)
    assert (ready["state"], ready["headline"]) == ("ready", "Ready at the desk")
    code = ready["handover"]["code"]
    assert re.fullmatch(r"\d{6}", code)
    page = phone.get(f"/orders/{order_id}").text
    assert code[:3] in page
    assert "<svg" in page
    desk.hand_over(order_id, code)
    done = read(phone, order_id)
    assert (done["state"], done["handover"]) == ("handed_over", None)
    page = phone.get(f"/orders/{order_id}").text
    assert "Handed over" in page
    assert "Tax included, 23 %" in page
    assert code[:3] + "<" not in page


def test_she_says_that_she_is_here_once(phone: TestClient, desk: Desk, clock: FakeClock) -> None:
    """By the button, or by the code at the desk for all that she collects there."""
    add(phone, RED)
    first = desk.sell(phone)
    add(phone, MUG)
    second = desk.sell(phone)
    here = post(phone, first, "here").json()
    assert here["here_at"] is not None
    clock.advance(60)
    assert post(phone, first, "here").json()["here_at"] == here["here_at"]
    assert read(phone, second)["here_at"] is None
    welcome = phone.get(f"/here/{HERE}")
    assert "Welcome to Harbour Street" in welcome.text
    assert read(phone, second)["here_at"] is None  # looking says nothing
    assert phone.post(f"/here/{HERE}").url.path == "/orders"
    assert read(phone, second)["here_at"] is not None
    assert "No order here on this phone" in phone.get(f"/here/{THERE}").text
    assert phone.get("/here/nowhere", headers=HTML).status_code == 404


def test_another_article_is_accepted(
    phone: TestClient, desk: Desk, shop_engine: Engine, clock: FakeClock
) -> None:
    """The offer shows picture, price and time; accepted it is on the order, and on the receipt."""
    stock(shop_engine, clock, HERE, "lamp-blue", 2)
    add(phone, RED)
    order_id = desk.sell(phone)
    desk.short(desk.claim(order_id), RED, offer=BLUE)
    asked = read(phone, order_id)["offers"]
    assert [(one["name"], one["variant"], one["price"]["minor"]) for one in asked] == [
        ("Arc <lamp>", "blue", 18_900)
    ]
    assert "Would you take this one instead?" in phone.get(f"/orders/{order_id}").text
    answer = post(phone, order_id, f"substitutions/{asked[0]['id']}", {"accept": True})
    assert answer.status_code == 200
    state = answer.json()
    assert state["offers"] == []
    assert [(line["gtin"], line["cancelled"]) for line in state["lines"]] == [(RED, 1), (BLUE, 0)]
    again = post(phone, order_id, f"substitutions/{asked[0]['id']}", {"accept": False})
    assert (again.status_code, again.json()["code"]) == (409, "offer_closed")
    assert len(read(phone, order_id)["lines"]) == 2
    page = phone.get(f"/orders/{order_id}").text
    assert "instead of Arc &lt;lamp&gt;, red" in page
    assert "1 piece was replaced" in page
    assert "not delivered" not in page


def test_another_article_is_refused_and_the_money_goes_back(
    phone: TestClient, desk: Desk, shop_engine: Engine, clock: FakeClock
) -> None:
    """Refused: that line is cancelled, refunded, and said on the receipt; the rest is picked."""
    stock(shop_engine, clock, HERE, "lamp-blue", 2)
    add(phone, RED)
    add(phone, MUG)
    order_id = desk.sell(phone)
    desk.short(desk.claim(order_id), RED, offer=BLUE)
    offer = read(phone, order_id)["offers"][0]
    state = post(phone, order_id, f"substitutions/{offer['id']}", {"accept": False}).json()
    assert [one["amount"]["minor"] for one in state["refunds"]] == [18_900]
    assert [line["cancelled"] for line in state["lines"]] == [1, 0]
    page = phone.get(f"/orders/{order_id}").text
    assert "1 piece not delivered" in page
    assert "€12.50" in page.split("What you have paid")[1][:120]


def test_an_order_that_nobody_has_begun_is_cancelled(phone: TestClient, desk: Desk) -> None:
    """All the money goes back; once somebody picks it, it is refused and nothing changes."""
    add(phone, RED)
    first = desk.sell(phone)
    state = post(phone, first, "cancel").json()
    assert (state["state"], state["can_cancel"]) == ("cancelled", False)
    assert [one["amount"]["minor"] for one in state["refunds"]] == [18_900]
    add(phone, RED)
    second = desk.sell(phone)
    desk.claim(second)
    answer = post(phone, second, "cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    after = read(phone, second)
    assert (after["state"], after["refunds"]) == ("picking", [])


def test_an_order_that_is_sent_has_an_address_and_no_ticket(phone: TestClient, desk: Desk) -> None:
    """Nothing is collected: no code at the desk, no "I am here"."""
    add(phone, RED)
    order_id = desk.sell(phone, method="ship", address=ADDRESS)
    page = phone.get(f"/orders/{order_id}").text
    assert "We are packing your order" in page
    assert "1 Pier Road" in page
    assert "I am here" not in page
    assert "€4.90" in page
    desk.make_ready(order_id)
    assert read(phone, order_id)["handover"] is None


def test_another_phone_sees_and_does_nothing(
    phone: TestClient, desk: Desk, another_phone: Callable[[], TestClient]
) -> None:
    """By id alone nobody gets in: to a stranger the order is not there."""
    add(phone, RED)
    order_id = desk.sell(phone)
    stranger = another_phone()
    add(stranger, MUG)
    path = f"/api/v1/orders/{order_id}"
    for answer in (
        stranger.get(path),
        stranger.get(f"{path}/events"),
        stranger.post(f"{path}/here", headers=key()),
        stranger.post(f"{path}/cancel", headers=key()),
        stranger.post(f"{path}/substitutions/x", json={"accept": True}, headers=key()),
        stranger.get(f"/orders/{order_id}"),
        stranger.get(f"/orders/{order_id}/part"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_order")
    assert stranger.get("/api/v1/orders").json() == {"orders": []}
    assert another_phone().get(path).status_code == 401
    after = read(phone, order_id)
    assert (after["state"], after["here_at"]) == ("placed", None)


def test_a_mail_s_link_opens_the_order_on_any_device(
    app: FastAPI, phone: TestClient, desk: Desk, another_phone: Callable[[], TestClient]
) -> None:
    """With the code to collect it, without the buttons of its phone; a list's link opens none."""
    add(phone, RED)
    order_id = desk.sell(phone)
    desk.make_ready(order_id)
    secret = app.state.parts.secret
    link = order_link(secret, order_id)
    elsewhere = another_phone()
    page = elsewhere.get(f"/o/{link}")
    code = read(phone, order_id)["handover"]["code"]
    assert code[:3] in page.text
    assert page.headers["x-robots-tag"] == "noindex"
    assert 'data-act="here"' not in page.text
    assert 'data-act="here"' in phone.get(f"/o/{link}").text
    assert code[3:] in elsewhere.get(f"/o/{link}/part").text
    for wrong in (f"{order_id}.x", f"{link}x", list_link(secret, order_id)):
        assert elsewhere.get(f"/o/{wrong}", headers=HTML).status_code == 404
        assert elsewhere.get(f"/o/{wrong}/events").status_code == 404


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_every_state_is_shown_in_every_language(phone: TestClient, desk: Desk, locale: str) -> None:
    """Placed, picking, ready, handed over and cancelled are small pages of that language."""
    phone.headers["Accept-Language"] = locale
    add(phone, RED)
    order_id = desk.sell(phone)
    pages = [phone.get(f"/orders/{order_id}")]
    task_id = desk.claim(order_id)
    pages.append(phone.get(f"/orders/{order_id}"))
    desk.pick(task_id)
    desk.stage(task_id)
    pages.append(phone.get(f"/orders/{order_id}"))
    desk.hand_over(order_id, read(phone, order_id)["handover"]["token"])
    pages.append(phone.get(f"/orders/{order_id}"))
    for page in pages:
        assert page.status_code == 200
        assert f'<html lang="{locale}"' in page.text
        assert len(page.content) < 60_000
    assert len({page.text for page in pages}) == 4
    add(phone, MUG)
    other = desk.sell(phone)
    post(phone, other, "cancel")
    assert phone.get(f"/orders/{other}").status_code == 200
    assert phone.get("/orders").status_code == 200
