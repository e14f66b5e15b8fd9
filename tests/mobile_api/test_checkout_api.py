"""The checkout's API: the whole state in every answer, typed problems, and whose it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.ids import SeededIds
from cart.orders import terms, vouchers
from cart.orders.tables import CheckoutRow
from cart.orders.terms import Terms
from inventory_api.catalogue.tables import PriceRow
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, THERE, add, key, quantities, stock

CHECKOUTS = "/api/v1/checkouts"
ADDRESS = {
    "name": "Ada Quay",
    "street": "1 Pier Road",
    "postcode": "T12",
    "city": "Cork",
    "country": "Ireland",
}


@pytest.fixture
def sells(shop_engine: Engine) -> None:
    """The shop here taxes, sends, and takes four orders per quarter hour."""
    with unit_of_work(shop_engine) as db:
        mine = Terms(HERE, tax_rate_bp=2300, orders_per_quarter=4, ships=True, shipping_minor=490)
        terms.put(db, mine)


def opened(phone: TestClient, **body: Any) -> Any:  # noqa: ANN401 - JSON
    """Open the phone's checkout; return the answer's JSON."""
    answer = phone.post(CHECKOUTS, json=body, headers=key())
    assert answer.status_code == 201, answer.text
    return answer.json()


def posted(phone: TestClient, checkout: Any, what: str, **body: Any) -> Any:  # noqa: ANN401
    """Change the checkout; return what it is now."""
    answer = phone.post(f"{CHECKOUTS}/{checkout['id']}/{what}", json=body, headers=key())
    assert answer.status_code == 200, answer.text
    return answer.json()


def now(phone: TestClient, checkout: Any) -> Any:  # noqa: ANN401 - JSON
    """Read the checkout."""
    return phone.get(f"{CHECKOUTS}/{checkout['id']}").json()


def problems(state: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401 - JSON
    """Return kind and GTIN of each problem."""
    return [(one["kind"], one["gtin"]) for one in state["problems"]]


def test_a_checkout_is_opened_once_per_cart(phone: TestClient, shop_engine: Engine) -> None:
    """Opening twice is the same one; it knows the shop where the last line was scanned."""
    add(phone, RED, 2)
    first, second = opened(phone), opened(phone)
    assert first["id"] == second["id"]
    assert first["location"]["id"] == HERE
    assert (first["state"], first["can_pay"], problems(first)) == ("open", True, [])
    assert first["totals"]["total"]["minor"] == 37_800
    with reading(shop_engine) as db:
        assert len(db.exec(select(CheckoutRow)).all()) == 1


def test_its_lines_follow_the_cart(phone: TestClient) -> None:
    """What is scanned while the checkout is open is in it."""
    add(phone, RED)
    checkout = opened(phone)
    add(phone, MUG, 2, location_id=THERE)
    assert [line["gtin"] for line in now(phone, checkout)["lines"]] == [RED, MUG]


def test_tax_and_shipping_are_said(phone: TestClient, sells: None) -> None:
    """Prices include tax: 23 % of it in the goods, and in what it costs to send them."""
    assert sells is None
    add(phone, RED)
    checkout = opened(phone)
    assert checkout["totals"]["taxes"][0]["tax"]["minor"] == 3_534
    sent = posted(phone, checkout, "choices", method="ship", address=ADDRESS)
    assert sent["totals"]["shipping"]["minor"] == 490
    assert sent["totals"]["total"]["minor"] == 19_390
    assert sent["totals"]["taxes"][0]["gross"]["minor"] == 19_390
    assert sent["can_pay"]


def test_too_few_are_left_and_nothing_is_changed_for_her(
    phone: TestClient, shop_engine: Engine, clock: FakeClock
) -> None:
    """The line says how many are left; the cart keeps what she wants until she decides."""
    add(phone, RED, 3)
    checkout = opened(phone)
    stock(shop_engine, clock, HERE, "lamp-red", -1)
    state = now(phone, checkout)
    assert problems(state) == [("insufficient", RED)]
    assert state["problems"][0]["left"] == 2
    assert state["problems"][0]["text"] == "Only 2 of these are left here."
    assert not state["can_pay"]
    assert quantities(phone) == {RED: 3}
    phone.put(f"/api/v1/cart/lines/{RED}", json={"quantity": 2})
    assert now(phone, checkout)["can_pay"]


def test_what_is_not_sold_here_can_be_collected_elsewhere(phone: TestClient) -> None:
    """The page offers the shop that has it; choosing that shop is one request."""
    add(phone, BLUE)
    add(phone, MUG)
    checkout = opened(phone)
    assert problems(checkout) == [("not_sold_here", BLUE), ("not_sold_here", MUG)]
    html = phone.get(f"{CHECKOUTS}/{checkout['id']}?html=true").json()["html"]
    assert html.count('data-act="choose-shop"') == 1  # nobody has the blue lamp
    assert "Collect at Mill Lane" in html
    moved = posted(phone, checkout, "choices", location_id=THERE)
    assert moved["location"]["name"] == "Mill Lane"
    assert problems(moved) == [("not_sold_here", BLUE)]


def test_a_price_that_changed_has_to_be_agreed_to(phone: TestClient, shop_engine: Engine) -> None:
    """She pays what she saw or decides anew; yesterday's price cannot be agreed to."""
    add(phone, RED)
    checkout = opened(phone)
    with unit_of_work(shop_engine) as db:
        price = db.get(PriceRow, ("lamp-red", "EUR"))
        assert price is not None
        price.price_minor = 20_900
        db.add(price)
    state = now(phone, checkout)
    assert problems(state) == [("price_changed", RED)]
    assert state["problems"][0]["text"] == "This costs €209.00 now; you saw €189.00."
    wrong = phone.post(
        f"{CHECKOUTS}/{checkout['id']}/prices",
        json={"gtin": RED, "price_minor": 18_900},
        headers=key(),
    )
    assert (wrong.status_code, wrong.json()["code"]) == (409, "checkout_changed")
    assert problems(now(phone, checkout)) == [("price_changed", RED)]
    agreed = posted(phone, checkout, "prices", gtin=RED, price_minor=20_900)
    assert (agreed["can_pay"], agreed["totals"]["total"]["minor"]) == (True, 20_900)


def test_a_time_is_chosen_and_left_again(phone: TestClient, sells: None, clock: FakeClock) -> None:
    """A slot of the list is kept; null means as soon as it is ready; a time between is none."""
    assert sells is None
    add(phone, RED)
    checkout = opened(phone)
    slot = checkout["slots"][3]
    assert slot["left"] == 4
    chosen = posted(phone, checkout, "choices", slot_at=slot["starts_at"])
    assert chosen["slot_at"] == chosen["promise_at"] == slot["starts_at"]
    assert posted(phone, checkout, "choices", email="ada@example.org")["slot_at"] is not None
    assert posted(phone, checkout, "choices", slot_at=None)["slot_at"] is None
    odd = (clock.now() + timedelta(minutes=61)).isoformat()
    answer = phone.post(
        f"{CHECKOUTS}/{checkout['id']}/choices", json={"slot_at": odd}, headers=key()
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert now(phone, checkout)["slot_at"] is None


def test_a_full_quarter_hour_moves_the_promise_before_she_pays(
    app: FastAPI, phone: TestClient, shop_engine: Engine
) -> None:
    """One order per quarter hour: the second sees a later time, and the first time is no choice."""
    with unit_of_work(shop_engine) as db:
        terms.put(db, Terms(HERE, orders_per_quarter=1))
    desk = Desk.of(app)
    add(phone, RED)
    before = opened(phone)
    wanted = before["slots"][4]["starts_at"]
    desk.sell(phone)
    add(phone, RED)
    after = opened(phone)
    assert after["promise_at"] > before["promise_at"]
    assert [one["left"] for one in after["slots"] if one["starts_at"] >= wanted][:2] == [1, 1]
    assert "place left" in phone.get(f"/checkout/{after['id']}").text
    desk.sell(phone, slot_at=wanted)
    add(phone, RED)
    third = opened(phone)
    left = {one["starts_at"]: one["left"] for one in third["slots"]}
    assert left[wanted] == 0
    chosen = posted(phone, third, "choices", slot_at=wanted)
    assert [kind for kind, _ in problems(chosen)] == ["no_slot"]


def test_pieces_of_others_make_the_desk_take_longer(app: FastAPI, phone: TestClient) -> None:
    """The time is the desk's own: with more to pick before her it is later."""
    desk = Desk.of(app)
    add(phone, RED)
    before = opened(phone)["promise_at"]
    add(phone, MUG, 20, location_id=THERE)
    checkout = posted(phone, opened(phone), "choices", location_id=THERE)
    assert checkout["promise_at"] > before
    assert desk.who.location_id == HERE


def test_a_voucher_is_a_second_tender(
    phone: TestClient, shop_engine: Engine, clock: FakeClock
) -> None:
    """It covers what it holds; off again it covers nothing; an unknown code changes nothing."""
    add(phone, RED)
    checkout = opened(phone)
    with unit_of_work(shop_engine) as db:
        code = vouchers.issue(db, clock, SeededIds(3), amount_minor=5_000, currency="EUR")
    state = posted(phone, checkout, "voucher", code=code.lower())
    assert state["voucher"]["part"]["minor"] == 5_000
    assert state["totals"]["to_pay"]["minor"] == 13_900
    assert state["totals"]["total"]["minor"] == 18_900
    off = phone.delete(f"{CHECKOUTS}/{checkout['id']}/voucher").json()
    assert (off["voucher"], off["totals"]["to_pay"]["minor"]) == (None, 18_900)
    wrong = phone.post(
        f"{CHECKOUTS}/{checkout['id']}/voucher", json={"code": "NONE-SUCH"}, headers=key()
    )
    assert (wrong.status_code, wrong.json()["code"]) == (404, "unknown_voucher")
    assert now(phone, checkout)["voucher"] is None


def test_another_phone_sees_and_changes_nothing(
    phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """By id alone nobody gets in: to a stranger the checkout is not there."""
    add(phone, RED)
    checkout = opened(phone)
    path = f"{CHECKOUTS}/{checkout['id']}"
    stranger = another_phone()
    add(stranger, RED)
    for answer in (
        stranger.get(path),
        stranger.get(f"{path}/events"),
        stranger.delete(f"{path}/voucher"),
        stranger.post(f"{path}/choices", json={"email": "e@example.org"}, headers=key()),
        stranger.post(f"{path}/prices", json={"gtin": RED, "price_minor": 1}, headers=key()),
        stranger.post(f"{path}/voucher", json={"code": "x"}, headers=key()),
        stranger.post(f"{path}/close", headers=key()),
        stranger.get(f"/checkout/{checkout['id']}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_checkout")
    nobody = another_phone()
    assert nobody.get(path).status_code == 401
    after = now(phone, checkout)
    assert (after["email"], after["state"]) == ("", "open")


def test_a_closed_checkout_is_over_and_the_next_is_another(phone: TestClient) -> None:
    """The cart stays; choosing on a closed one is refused."""
    add(phone, RED)
    checkout = opened(phone)
    assert posted(phone, checkout, "close")["state"] == "cancelled"
    answer = phone.post(
        f"{CHECKOUTS}/{checkout['id']}/choices", json={"method": "ship"}, headers=key()
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "checkout_closed")
    assert now(phone, checkout)["method"] == "collect"
    assert quantities(phone) == {RED: 1}
    assert opened(phone)["id"] != checkout["id"]
    assert "This checkout was closed" in phone.get(f"/checkout/{checkout['id']}").text


def test_only_what_is_named_may_be_sent(phone: TestClient) -> None:
    """Unknown fields, wrong addresses and times without a zone are refused."""
    add(phone, RED)
    checkout = opened(phone)
    for body in (
        {"state": "paid"},
        {"address": {"planet": "Mars"}},
        {"slot_at": "2026-03-02T10:00:00"},
        {"email": "no address"},
        {"method": "teleport"},
    ):
        answer = phone.post(f"{CHECKOUTS}/{checkout['id']}/choices", json=body, headers=key())
        assert answer.status_code == 422, body
    assert now(phone, checkout)["version"] == checkout["version"]
    assert phone.post(f"{CHECKOUTS}/{checkout['id']}/close").status_code == 400


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_the_page_shows_it_all_without_scripts(phone: TestClient, sells: None, locale: str) -> None:
    """From the cart by a plain form: lines, times, total; kept by nobody; small."""
    assert sells is None
    add(phone, RED, 2)
    phone.headers["Accept-Language"] = locale
    assert 'action="/checkout"' in phone.get("/").text
    first = phone.post("/checkout", follow_redirects=False)
    again = phone.post("/checkout", follow_redirects=False)
    assert first.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    page = phone.get("/checkout")
    assert page.url.path == first.headers["location"]
    assert page.headers["cache-control"] == "no-store"
    assert f'<html lang="{locale}"' in page.text
    assert "378" in page.text
    assert len(page.content) < 60_000


def test_a_cart_filled_at_home_begins_at_a_shop_that_has_it(phone: TestClient) -> None:
    """No line was scanned at a shop: the page begins where most of it is."""
    for gtin in (RED, MUG):
        phone.post("/api/v1/cart/lines", json={"gtin": gtin}, headers=key())
    page = phone.post("/checkout")
    assert page.status_code == 200
    assert "Collect at Mill Lane" in page.text


def test_without_a_cart_there_is_nothing_to_check_out(phone: TestClient) -> None:
    """The page leads back to the cart; the API asks for a shop, and opens nothing."""
    assert phone.get("/checkout").url.path == "/"
    assert phone.post("/checkout").url.path == "/"
    assert phone.post(CHECKOUTS, json={}, headers=key()).status_code == 401
    add(phone, RED)
    phone.delete(f"/api/v1/cart/lines/{RED}")
    answer = phone.post(CHECKOUTS, json={}, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert phone.get("/checkout").url.path == "/"
