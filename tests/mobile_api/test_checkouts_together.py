"""Checkouts that are opened, paid and settled at once: together, and the same as one by one."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from fastapi import FastAPI, Response
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.ids import RandomIds
from cart.orders import terms
from cart.orders.seen import Seen
from cart.orders.tables import AttemptRow, CheckoutRow, OrderRow
from cart.orders.terms import Terms
from mobile_api.app import create_app
from mobile_api.checkouts.opening import OpenWish, open_together
from mobile_api.payment.beginning import PayWish, Reserved, begin_together
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import Choice
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.paying import LAMP_MINOR, assert_sums, eventually, rows, states, stock_of
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE, RED, SECRET, key, stock

T = TypeVar("T")
PHONES = 12
LAMPS = 20


@pytest.fixture
def app(shop_engine: Engine, tmp_path: Path, clock: FakeClock) -> FastAPI:
    """The application with its durable work; twenty red lamps."""
    stock(shop_engine, clock, HERE, "lamp-red", LAMPS - 3)
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        database_url=shop_engine.url.render_as_string(hide_password=False),
    )
    return create_app(settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False)


@pytest.fixture
def phones(app: FastAPI) -> Iterator[list[httpx2.Client]]:
    """People with one red lamp in the cart each; the fourth and the eighth have two."""
    with serving(app) as url:
        made = [httpx2.Client(base_url=url, timeout=60) for _ in range(PHONES)]
        for number, phone in enumerate(made):
            body = {"gtin": RED, "quantity": quantity(number), "location_id": HERE}
            assert phone.post("/api/v1/cart/lines", json=body, headers=key()).status_code == 201
        yield made
        for phone in made:
            phone.close()


@pytest.fixture
def bank(app: FastAPI) -> Bank:
    """The bank's books."""
    provider = app.state.parts.payments.active
    assert isinstance(provider, SandboxProvider)
    return provider.bank


def quantity(number: int) -> int:
    """How many lamps somebody wants."""
    return 2 if number % 4 == 3 else 1


def at_once(acts: list[Callable[[], T]]) -> list[T]:
    """Let all go at the same moment."""
    gate = threading.Barrier(len(acts))

    def one(act: Callable[[], T]) -> T:
        gate.wait(30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def opened(phones: list[httpx2.Client]) -> list[Any]:
    """Open all checkouts at once."""

    def open_(phone: httpx2.Client) -> Any:  # noqa: ANN401 - JSON
        answer = phone.post("/api/v1/checkouts", json={}, headers=key())
        assert answer.status_code == 201, answer.text
        return answer.json()

    return at_once([partial(open_, phone) for phone in phones])


def pay(phone: httpx2.Client, checkout: Any, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401
    """Begin to pay what she sees."""
    path, total = f"/api/v1/checkouts/{checkout['id']}/pay", checkout["totals"]["total"]["minor"]
    return phone.post(path, json={"total_minor": total}, headers=headers or key())


def seen_of(checkout: Any) -> Seen:  # noqa: ANN401 - JSON
    """What she saw."""
    promise_at = datetime.fromisoformat(checkout["promise_at"])
    return Seen(checkout["totals"]["total"]["minor"], promise_at=promise_at)


def test_many_at_once_each_buy_their_own(
    shop_engine: Engine, phones: list[httpx2.Client], bank: Bank
) -> None:
    """Each sees her own checkout, goes to her own page, and has her own order."""
    checkouts = opened(phones)
    for number, (phone, checkout) in enumerate(zip(phones, checkouts, strict=True)):
        assert checkout == phone.get(f"/api/v1/checkouts/{checkout['id']}").json()
        assert checkout["totals"]["total"]["minor"] == quantity(number) * LAMP_MINOR
        assert checkout["can_pay"]
    tried = at_once([partial(pay, *pair) for pair in zip(phones, checkouts, strict=True)])
    assert {answer.status_code for answer in tried} == {200}
    assert [answer.json()["checkout_id"] for answer in tried] == [one["id"] for one in checkouts]
    for answer in tried:
        told = answer.json()
        assert (told["state"], told["checkout_state"]) == ("pending", "paying")
        assert told["redirect_url"]
    for phone, answer in zip(phones, tried, strict=True):
        told = answer.json()
        assert told["checkout"] == phone.get(f"/api/v1/checkouts/{told['checkout_id']}").json()
    assert stock_of(shop_engine) == (LAMPS, 15, 0)
    refs = [answer.json()["redirect_url"].rpartition("/")[2] for answer in tried]
    at_once([partial(bank.choose, ref, Choice.PAY) for ref in refs])
    eventually(lambda: states(shop_engine, OrderRow)["placed"] == PHONES, "the orders")
    eventually(lambda: not bank.waiting(), "the last webhook")
    assert stock_of(shop_engine) == (LAMPS, 0, 15)
    for phone, checkout in zip(phones, checkouts, strict=True):
        order_id = phone.get(f"/api/v1/checkouts/{checkout['id']}").json()["order_id"]
        assert phone.get(f"/api/v1/orders/{order_id}").status_code == 200
        assert phone.get("/api/v1/cart").json()["lines"] == []
    assert_sums(shop_engine, bank)


def test_what_is_refused_takes_none_along(
    shop_engine: Engine, phones: list[httpx2.Client], bank: Bank
) -> None:
    """A wrong total, another's checkout, a key known before: refused; the others have pages."""
    checkouts = opened(phones)
    used = key()
    assert pay(phones[2], checkouts[2], used).status_code == 200
    wrong = {**checkouts[0], "totals": {"total": {"minor": 1}}}
    asked: list[tuple[Any, ...]] = [
        (phones[0], wrong),
        (phones[1], checkouts[3]),
        (phones[2], checkouts[2], used),
        *zip(phones[3:], checkouts[3:], strict=True),
    ]
    answers = at_once([partial(pay, *one) for one in asked])
    expected = [409, 404, 200] + [200] * (PHONES - 3)
    assert [answer.status_code for answer in answers] == expected
    assert states(shop_engine, AttemptRow) == {"pending": PHONES - 2}
    assert states(shop_engine, CheckoutRow) == {"open": 2, "paying": PHONES - 2}
    assert len(bank.payments()) == PHONES - 2


def test_the_last_pieces_go_to_as_many_as_there_are(
    shop_engine: Engine, clock: FakeClock, phones: list[httpx2.Client]
) -> None:
    """Fifteen lamps are wanted and five are left: five are promised, the others are told so."""
    checkouts = opened(phones)
    stock(shop_engine, clock, HERE, "lamp-red", 5 - LAMPS)
    answers = at_once([partial(pay, *pair) for pair in zip(phones, checkouts, strict=True)])
    assert {answer.status_code for answer in answers} == {200, 409}
    promised = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert stock_of(shop_engine) == (5, sum(map(quantity, promised)), 0)
    assert sum(map(quantity, promised)) == 5
    assert states(shop_engine, AttemptRow) == {"pending": len(promised)}


def test_of_many_who_saw_one_place_one_has_it(
    shop_engine: Engine, phones: list[httpx2.Client]
) -> None:
    """One order per quarter hour, and all were shown the same: the others are told to look."""
    with unit_of_work(shop_engine) as db:
        terms.put(db, Terms(HERE, orders_per_quarter=1))
    checkouts = opened(phones)
    (shown,) = {one["promise_at"] for one in checkouts}

    def pay_as_shown(phone: httpx2.Client, checkout: Any) -> Any:  # noqa: ANN401 - JSON
        body = {"total_minor": checkout["totals"]["total"]["minor"], "promise_at": shown}
        path = f"/api/v1/checkouts/{checkout['id']}/pay"
        return phone.post(path, json=body, headers=key())

    answers = at_once([partial(pay_as_shown, *one) for one in zip(phones, checkouts, strict=True)])
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * (PHONES - 1)
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"checkout_changed"}
    assert states(shop_engine, AttemptRow) == {"pending": 1}


def test_one_cart_opened_many_times_is_one_checkout(
    shop_engine: Engine, phones: list[httpx2.Client]
) -> None:
    """Whichever request was first, all of them are told of the same."""
    found = opened([phones[0]] * 6)
    assert len({one["id"] for one in found}) == 1
    assert len(rows(shop_engine, CheckoutRow)) == 1


def test_a_batch_is_one_transaction(
    app: FastAPI, shop_engine: Engine, phones: list[httpx2.Client]
) -> None:
    """None of what is usual goes the way for one; one workflow is to ask for all pages."""
    parts = app.state.parts

    def never() -> Response:
        raise AssertionError

    tokens = [phone.cookies["carryover"] for phone in phones]
    wishes = [OpenWish(uuid.uuid4().hex, "hash", one, None, "en", never) for one in tokens]
    answers = open_together(parts, wishes)
    checkouts = [json.loads(bytes(one.body)) for one in answers if isinstance(one, Response)]
    assert len(checkouts) == PHONES
    tries = [
        PayWish(uuid.uuid4().hex, "hash", token, one["id"], seen_of(one), "en", never)
        for token, one in zip(tokens, checkouts, strict=True)
    ]
    begun = [one for one in begin_together(parts, tries) if isinstance(one, Reserved)]
    assert len(begun) == PHONES
    assert len({id(one.asking) for one in begun}) == 1
    assert begun[0].asking.wishes.keys() == {one.attempt_id for one in begun}
    assert stock_of(shop_engine) == (LAMPS, 15, 0)
