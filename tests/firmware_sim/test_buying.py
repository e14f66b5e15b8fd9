"""Simulated shoppers and staff go the whole way against the running server."""

import re
from collections.abc import Iterator
from random import Random

import pytest

from cart.kernel.errors import Refused
from firmware_sim.buying import Buyer
from firmware_sim.phone import Phone
from firmware_sim.picker import Picker
from firmware_sim.testing import RunningShop

LAMP, MUG = "9500000079194", "9500000554332"
HERE = "harbour-street"
READY_S = 60.0
pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture(scope="module")
def picker(carryover_shop: RunningShop) -> Iterator[Picker]:
    """Somebody of the staff, signed in."""
    said = carryover_shop.server.command(
        "mobile_api.cli", "staff", "add", "--location", HERE, "--name", "Noa", "--number", "101"
    )
    pin = re.search(r"\b\d{6}\b", said)
    assert pin is not None, said
    one = Picker(carryover_shop.url, HERE, "101", pin.group(), Random(3))
    yield one
    one.close()


@pytest.fixture
def phone(carryover_shop: RunningShop) -> Iterator[Phone]:
    """A phone with two things in its cart."""
    one = Phone(carryover_shop.url)
    for gtin in (LAMP, MUG):
        one.ask("POST", "/api/v1/cart/lines", {"gtin": gtin, "location_id": HERE})
    yield one
    one.close()


@pytest.mark.parametrize("choice", ["pay", "confirm", "twice"])
def test_what_is_bought_is_picked_and_handed_over_once(
    carryover_shop: RunningShop, picker: Picker, phone: Phone, choice: str
) -> None:
    """Paid at the bank, fetched by scan, given out for the code; the code is good once."""
    buyer = Buyer(phone, Random(1), choice=choice)
    bought = buyer.buy()
    assert bought is not None
    assert picker.work() == [bought.order_id]
    order = buyer.wait_until_ready(bought.order_id, READY_S)
    code = order["handover"]["code"]
    assert picker.hand_over(bought.order_id, code)["state"] == "handed_over"
    with pytest.raises(Refused) as refused:
        picker.hand_over(bought.order_id, code)
    assert refused.value.data["code"] == "already_handed_over"
    assert buyer.order(bought.order_id)["state"] == "handed_over"
    said = carryover_shop.server.command("mobile_api.cli", "orders", "reconcile")
    assert "0" in said


def test_a_refused_card_buys_nothing(phone: Phone) -> None:
    """The bank says no: no order, and the cart is as it was."""
    before = phone.cart()["lines"]
    assert Buyer(phone, Random(1), choice="refuse").buy() is None
    assert phone.ask("GET", "/api/v1/orders")["orders"] == []
    assert [(one["gtin"], one["quantity"]) for one in phone.cart()["lines"]] == [
        (one["gtin"], one["quantity"]) for one in before
    ]


def test_an_empty_bay_is_offered_or_refunded(picker: Picker, phone: Phone) -> None:
    """What is missing is replaced or paid back; the rest is staged."""
    buyer = Buyer(phone, Random(5))
    bought = buyer.buy()
    assert bought is not None
    missing = buyer.order(bought.order_id)["lines"][0]["sku"]
    staged = picker.work(missing=lambda sku: sku == missing)
    while not staged:
        order = buyer.order(bought.order_id)
        for offer in order["offers"]:
            path = f"/api/v1/orders/{bought.order_id}/substitutions/{offer['id']}"
            phone.ask("POST", path, {"accept": False})
        staged = picker.work()
    assert staged == [bought.order_id]
    order = buyer.wait_until_ready(bought.order_id, READY_S)
    assert sum(line["cancelled"] for line in order["lines"]) == 1
    assert len(order["refunds"]) == 1
