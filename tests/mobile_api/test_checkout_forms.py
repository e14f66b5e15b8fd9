"""The checkout as plain forms: choices, gift card, payment and stop, each answered by the page."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.carts.tables import SavedListRow
from cart.db import reading, unit_of_work
from cart.orders.tables import AttemptRow, OrderRow
from inventory_api.catalogue.tables import PriceRow
from tests.mobile_api.desk import Desk
from tests.mobile_api.shop import RED, add, key, quantities


@pytest.fixture
def checkout(phone: TestClient) -> Any:  # noqa: ANN401 - JSON
    """A checkout of one lamp."""
    add(phone, RED)
    return phone.post("/api/v1/checkouts", json={}, headers=key()).json()


def sent(phone: TestClient, checkout: Any, what: str, **fields: str) -> str:  # noqa: ANN401
    """Send a form; return the fault that the way back names, "" for none."""
    path = f"/checkout/{checkout['id']}"
    answer = phone.post(f"{path}/{what}", data=fields, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    where, _, fault = answer.headers["location"].partition("?fault=")
    assert where == path
    return fault


def now(phone: TestClient, checkout: Any) -> Any:  # noqa: ANN401
    """Return the checkout as it is."""
    return phone.get(f"/api/v1/checkouts/{checkout['id']}").json()


def key_of(phone: TestClient, checkout: Any) -> str:  # noqa: ANN401
    """Return the key that the page carries."""
    text = phone.get(f"/checkout/{checkout['id']}").text
    found = re.search(r'name="key" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def test_choices_are_taken_together(phone: TestClient, checkout: Any) -> None:  # noqa: ANN401
    """The list wins where it moved, the soonest is an empty time; sent twice it is the same."""
    times = [one["starts_at"] for one in checkout["slots"]]
    fields = {"method": "collect", "location_id": checkout["location"]["id"]}
    for _ in range(2):
        assert (
            sent(phone, checkout, "choose", slot=times[2], email="ada@example.org", **fields) == ""
        )
        state = now(phone, checkout)
        assert (state["slot_at"], state["email"]) == (times[2], "ada@example.org")
    assert sent(phone, checkout, "choose", slot=times[2], later=times[9], **fields) == ""
    assert now(phone, checkout)["slot_at"] == times[9]
    assert sent(phone, checkout, "choose", slot=times[1], later=times[9], **fields) == ""
    assert now(phone, checkout)["slot_at"] == times[1]
    assert sent(phone, checkout, "choose", slot="", email="", **fields) == ""
    assert (now(phone, checkout)["slot_at"], now(phone, checkout)["email"]) == (None, "")
    odd = phone.post(f"/checkout/{checkout['id']}/choose", data={"total_minor": "1"})
    assert odd.status_code == 422


@pytest.mark.parametrize(
    ("fields", "fault", "said"),
    [
        ({"email": "nobody"}, "invalid_email", "This does not look like an e-mail address."),
        ({"slot": "soon"}, "invalid_input", "Something in this request is not right."),
        ({"location_id": "nowhere"}, "unknown_location", "We have no such shop."),
    ],
)
def test_a_choice_that_cannot_be_is_said_on_the_page(
    phone: TestClient,
    checkout: Any,  # noqa: ANN401
    fields: dict[str, str],
    fault: str,
    said: str,
) -> None:
    """In the reader's words; nothing has changed."""
    assert sent(phone, checkout, "choose", **fields) == fault
    assert said in phone.get(f"/checkout/{checkout['id']}?fault={fault}").text
    assert "alert('" not in phone.get(f"/checkout/{checkout['id']}?fault=alert('").text
    assert now(phone, checkout)["version"] == checkout["version"]


def test_a_gift_card_pays_once_however_often_it_is_pressed(
    app: FastAPI,
    phone: TestClient,
    checkout: Any,  # noqa: ANN401
    shop_engine: Engine,
) -> None:
    """The key came with the page; another total than the one shown is refused."""
    assert sent(phone, checkout, "voucher", code="NONE-SUCH") == "unknown_voucher"
    desk = Desk.of(app)
    assert sent(phone, checkout, "voucher", code=desk.gift_card()) == ""
    assert sent(phone, checkout, "voucher") == ""
    assert now(phone, checkout)["voucher"] is None
    assert sent(phone, checkout, "voucher", code=desk.gift_card()) == ""
    total = str(now(phone, checkout)["totals"]["total"]["minor"])
    wrong = {"key": key_of(phone, checkout), "total_minor": "1"}
    assert sent(phone, checkout, "pay", **wrong) == "checkout_changed"
    paid = {"key": key_of(phone, checkout), "total_minor": total}
    for _ in range(2):
        assert sent(phone, checkout, "pay", **paid) == ""
    with reading(shop_engine) as db:
        assert len(db.exec(select(OrderRow)).all()) == 1
        assert len(db.exec(select(AttemptRow)).all()) == 1
    there = phone.get(f"/checkout/{checkout['id']}", follow_redirects=False)
    assert there.headers["location"].startswith("/orders/")


def test_a_stop_opens_the_checkout_again(phone: TestClient, checkout: Any) -> None:  # noqa: ANN401
    """What was held is free; pressed twice it is stopped once."""
    total = str(checkout["totals"]["total"]["minor"])
    pay = {"key": key_of(phone, checkout), "total_minor": total}
    assert sent(phone, checkout, "pay", **pay) == ""
    assert now(phone, checkout)["state"] == "paying"
    stop = {"key": key_of(phone, checkout)}
    for _ in range(2):
        assert sent(phone, checkout, "stop", **stop) == ""
    assert now(phone, checkout)["state"] == "open"


def test_fewer_and_none_of_a_line(phone: TestClient, checkout: Any) -> None:  # noqa: ANN401
    """The same again changes nothing more; a page that is old brings back nothing."""
    add(phone, RED, 3)
    assert re.search(r'name="quantity" value="3"', phone.get(f"/checkout/{checkout['id']}").text)
    for _ in range(2):
        assert sent(phone, checkout, "line", gtin=RED, quantity="3") == ""
        assert quantities(phone) == {RED: 3}
    assert sent(phone, checkout, "line", gtin="12345", quantity="1") == "invalid_gtin"
    assert sent(phone, checkout, "line", gtin=RED, quantity="0") == ""
    assert sent(phone, checkout, "line", gtin=RED, quantity="3") == ""
    assert quantities(phone) == {}
    for wrong in ({"gtin": RED, "quantity": "-1"}, {"gtin": RED}):
        assert phone.post(f"/checkout/{checkout['id']}/line", data=wrong).status_code == 422


def test_a_price_is_agreed_to_as_it_is_today(
    phone: TestClient,
    checkout: Any,  # noqa: ANN401
    shop_engine: Engine,
) -> None:
    """Another than the one on the page is not agreed to, and nothing has changed."""
    with unit_of_work(shop_engine) as db:
        price = db.get_one(PriceRow, ("lamp-red", "EUR"))
        price.price_minor = 19_500
        db.add(price)
    assert [one["kind"] for one in now(phone, checkout)["problems"]] == ["price_changed"]
    assert sent(phone, checkout, "price", gtin=RED, price_minor="19400") == "checkout_changed"
    assert [one["kind"] for one in now(phone, checkout)["problems"]] == ["price_changed"]
    for _ in range(2):
        assert sent(phone, checkout, "price", gtin=RED, price_minor="19500") == ""
        assert now(phone, checkout)["problems"] == []


def test_a_line_moves_to_one_list_however_often_it_is_pressed(
    phone: TestClient,
    checkout: Any,  # noqa: ANN401
    shop_engine: Engine,
) -> None:
    """The key came with the page; without one, or with nothing to move, no list is made."""
    pressed = {"key": f"{key_of(phone, checkout)}-{RED}", "gtin": RED, "name": "Arc <lamp>"}
    assert sent(phone, checkout, "list", **pressed | {"key": "short"}) == "idempotency_key_missing"
    for _ in range(2):
        assert sent(phone, checkout, "list", **pressed) == ""
        assert quantities(phone) == {}
    other = {"key": key_of(phone, checkout).replace("-", "x") + "-again", "gtin": RED}
    assert sent(phone, checkout, "list", **other) == "invalid_input"
    with reading(shop_engine) as db:
        assert [one.name for one in db.exec(select(SavedListRow))] == ["Arc <lamp>"]


def test_forms_of_other_sites_and_other_phones_do_nothing(
    app: FastAPI,
    phone: TestClient,
    checkout: Any,  # noqa: ANN401
) -> None:
    """The guard stands before every form; another phone has no such checkout."""
    path = f"/checkout/{checkout['id']}/choose"
    foreign = phone.post(path, data={"slot": ""}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    other = TestClient(app)
    add(other, RED)
    assert sent(other, checkout, "choose", email="eve@example.org") == "unknown_checkout"
    line = {"gtin": RED, "quantity": "0"}
    price = {"gtin": RED, "price_minor": "1"}
    kept = {"gtin": RED, "name": "mine", "key": "k" * 20}
    for what, fields in (("line", line), ("price", price), ("list", kept)):
        foreign = phone.post(
            f"/checkout/{checkout['id']}/{what}",
            data=fields,
            headers={"Origin": "https://evil.example"},
        )
        assert foreign.status_code == 403
        assert sent(other, checkout, what, **fields) == "unknown_checkout"
    assert quantities(other) == quantities(phone) == {RED: 1}
    keyless = {"key": "short", "total_minor": "1"}
    assert sent(phone, checkout, "pay", **keyless) == "idempotency_key_missing"
    assert now(phone, checkout)["email"] == ""
