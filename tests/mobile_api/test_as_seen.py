"""Nothing changes behind her back: who pays for what has become another is refused, and looks."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.orders import terms
from cart.orders.tables import AttemptRow, OrderRow
from cart.orders.terms import Terms
from tests.fakes.clock import FakeClock
from tests.mobile_api.desk import Desk
from tests.mobile_api.paying import LAMP_MINOR, rows
from tests.mobile_api.shop import HERE, RED, add, key
from tests.mobile_api.staffing import refused

CHECKOUTS = "/api/v1/checkouts"
MakePhone = Callable[[], TestClient]


@pytest.fixture
def desk(app: FastAPI, phone: TestClient, shop_engine: Engine) -> Desk:
    """The desk of a shop that takes one order per quarter hour."""
    assert phone  # the application runs
    with unit_of_work(shop_engine) as db:
        terms.put(db, Terms(HERE, orders_per_quarter=1))
    return Desk.of(app)


def opened(phone: TestClient, code: str) -> Any:  # noqa: ANN401 - JSON
    """Open a checkout of one lamp with a gift card laid on it."""
    add(phone, RED)
    made = phone.post(CHECKOUTS, json={}, headers=key()).json()
    path = f"{CHECKOUTS}/{made['id']}/voucher"
    return phone.post(path, json={"code": code}, headers=key()).json()


def looked(phone: TestClient, checkout: Any) -> Any:  # noqa: ANN401 - JSON
    """Look at a checkout."""
    return phone.get(f"{CHECKOUTS}/{checkout['id']}").json()


def pay(phone: TestClient, checkout: Any, **seen: object) -> Any:  # noqa: ANN401
    """Pay the total of what she saw, and say what else she saw."""
    body = {"total_minor": checkout["totals"]["total"]["minor"], **seen}
    return phone.post(f"{CHECKOUTS}/{checkout['id']}/pay", json=body, headers=key())


def form_of(phone: TestClient, checkout: Any) -> dict[str, str]:  # noqa: ANN401
    """Return what the page's form would send."""
    text = phone.get(f"/checkout/{checkout['id']}").text
    form = text.partition('id="pay-form"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_a_later_time_is_not_promised_behind_her_back(
    phone: TestClient, another_phone: MakePhone, desk: Desk, shop_engine: Engine
) -> None:
    """Two saw the same quarter hour; the second is refused, sees the new time, and pays for it."""
    other = another_phone()
    first, second = opened(phone, desk.gift_card()), opened(other, desk.gift_card())
    shown = second["promise_at"]
    assert first["promise_at"] == shown
    assert pay(phone, first, promise_at=shown).json()["checkout_state"] == "paid"
    told = pay(other, second, promise_at=shown)
    refused(told, 409, "checkout_changed")
    now = told.json()["data"]["checkout"]
    assert now == looked(other, second)
    assert now["state"] == "open"
    assert now["promise_at"] > shown
    assert len(rows(shop_engine, OrderRow)) == 1
    assert pay(other, now, promise_at=now["promise_at"]).json()["checkout_state"] == "paid"
    promised = sorted(row.promise_at.isoformat() for row in rows(shop_engine, OrderRow))
    assert promised[0] < promised[1]


def test_the_plain_form_says_the_time_that_it_showed(
    phone: TestClient, another_phone: MakePhone, desk: Desk
) -> None:
    """Without scripts: refused with words, the next page has the new time, and that one is paid."""
    other = another_phone()
    first, second = opened(phone, desk.gift_card()), opened(other, desk.gift_card())
    form = form_of(other, second)
    assert pay(phone, first).json()["checkout_state"] == "paid"
    where = f"/checkout/{second['id']}"
    answer = other.post(f"{where}/pay", data=form, follow_redirects=False)
    assert answer.headers["location"] == f"{where}?fault=checkout_changed"
    again = form_of(other, second)
    assert again["promise_at"] > form["promise_at"]
    assert other.post(f"{where}/pay", data=again, follow_redirects=False).status_code == 303
    assert looked(other, second)["state"] == "paid"


def test_a_minute_of_looking_is_no_other_time(
    phone: TestClient, desk: Desk, clock: FakeClock
) -> None:
    """Time runs on while she looks: a time said with "about" may move a little; more is refused."""
    clock.advance(9 * 60)  # ready at 9:14
    checkout = opened(phone, desk.gift_card())
    clock.advance(5 * 60)  # ready at 9:19, in the next quarter hour
    refused(pay(phone, checkout, promise_at=checkout["promise_at"]), 409, "checkout_changed")
    clock.advance(10 * 60 + 30)  # ready at 9:29:30
    checkout = looked(phone, checkout)
    clock.advance(60)
    answer = pay(phone, checkout, promise_at=checkout["promise_at"])
    assert answer.json()["checkout_state"] == "paid"
    assert answer.json()["order_id"]


def test_a_client_that_shows_no_time_is_not_asked_for_one(
    phone: TestClient, another_phone: MakePhone, desk: Desk
) -> None:
    """An older client names the total alone, and has the next quarter hour."""
    other = another_phone()
    first, second = opened(phone, desk.gift_card()), opened(other, desk.gift_card())
    assert first["totals"]["total"]["minor"] == LAMP_MINOR
    for one, checkout in ((phone, first), (other, second)):
        assert pay(one, checkout).json()["checkout_state"] == "paid"


def test_one_voucher_on_two_phones_charges_nobody_more(
    phone: TestClient, another_phone: MakePhone, desk: Desk, shop_engine: Engine
) -> None:
    """Both saw that it pays all of it; the second is refused, not charged."""
    other, card = another_phone(), desk.gift_card(LAMP_MINOR)
    first, second = opened(phone, card), opened(other, card)
    assert second["totals"]["to_pay"]["minor"] == 0
    form = form_of(other, second)
    assert pay(phone, first, rest_minor=0).json()["checkout_state"] == "paid"
    refused(pay(other, second, rest_minor=0), 409, "checkout_changed")
    where = f"/checkout/{second['id']}"
    answer = other.post(f"{where}/pay", data=form, follow_redirects=False)
    assert answer.headers["location"] == f"{where}?fault=checkout_changed"
    now = looked(other, second)
    assert (now["state"], now["can_pay"]) == ("open", False)
    assert [one["kind"] for one in now["problems"]] == ["voucher"]
    assert len(rows(shop_engine, OrderRow)) == 1


def test_a_voucher_with_less_on_it_leaves_more_to_pay(
    phone: TestClient, another_phone: MakePhone, desk: Desk, shop_engine: Engine
) -> None:
    """It still pays a part: to pay that much more is hers to decide."""
    other, card = another_phone(), desk.gift_card(LAMP_MINOR + 5_000)
    first, second = opened(phone, card), opened(other, card)
    assert pay(phone, first, rest_minor=0).json()["checkout_state"] == "paid"
    assert looked(other, second)["can_pay"]
    refused(pay(other, second, rest_minor=0), 409, "checkout_changed")
    now = looked(other, second)
    assert now["totals"]["to_pay"]["minor"] == LAMP_MINOR - 5_000
    assert len(rows(shop_engine, AttemptRow)) == 1
    form = form_of(other, now)
    assert int(form["rest_minor"]) == LAMP_MINOR - 5_000


def test_every_answer_brings_the_whole_checkout(
    phone: TestClient, another_phone: MakePhone, desk: Desk
) -> None:
    """Paid, refused, repeated, too late to change: each says what the checkout is by now."""
    other = another_phone()
    first, headers = opened(phone, desk.gift_card()), key()
    path = f"{CHECKOUTS}/{first['id']}"
    wrong = {"total_minor": 1}
    for _ in range(2):
        told = phone.post(f"{path}/pay", json=wrong, headers=headers)
        refused(told, 409, "checkout_changed")
        assert told.headers["content-type"] == "application/problem+json"
        assert told.json()["data"]["checkout"] == looked(phone, first)
    stopped = phone.post(f"{path}/stop", json={}, headers=key()).json()
    assert stopped["checkout"] == looked(phone, first)
    paid = pay(phone, first)
    assert (paid.json()["checkout"], paid.json()["checkout"]["state"]) == (
        looked(phone, first),
        "paid",
    )
    for what, body in (("pay", {"total_minor": LAMP_MINOR}), ("choices", {"email": "a@b.example"})):
        late = phone.post(f"{path}/{what}", json=body, headers=key())
        refused(late, 409, "checkout_closed")
        assert late.json()["data"]["checkout"]["order_id"] == paid.json()["order_id"]
        stranger = other.post(f"{path}/{what}", json=body, headers=key())
        assert "checkout" not in stranger.json().get("data", {})
