"""A customer turns paying with her wristband on and off, from her own phone."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.carts.keys import FRESH
from cart.carts.queries import session_of_key
from cart.db import reading, unit_of_work
from cart.kernel.pin_hash import matches
from cart.orders import vouchers
from cart.orders.purse import queries, service
from cart.orders.purse.model import WRONG_PINS_MAX
from cart.orders.purse.tables import PurseRow
from tests.fakes.clock import FakeClock
from tests.mobile_api.signing_in import BEN, sign_in

PAGE = "/account/purse"
SET_UP = {"pin": "2580", "payment": "50.00", "day": "120,00"}


@pytest.fixture
def hers(app: FastAPI, phone: TestClient) -> TestClient:
    """A phone on which Ada has just signed in."""
    sign_in(app, phone)
    phone.headers["accept"] = "text/html"
    return phone


def send(phone: TestClient, what: str, **form: str) -> str:
    """Send a form; return the page that follows."""
    answer = phone.post(f"{PAGE}/{what}", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


def purse_of(app: FastAPI, phone: TestClient) -> PurseRow | None:
    """Return the purse of whoever is signed in."""
    parts = app.state.parts
    with reading(parts.engine) as db:
        me = session_of_key(db, phone.cookies["carryover"], parts.clock.now())
        assert me is not None
        return queries.of_customer(db, me.customer_id or "")


def mine(app: FastAPI, phone: TestClient) -> PurseRow:
    """Return the purse of whoever is signed in, who has one."""
    found = purse_of(app, phone)
    assert found is not None
    return found


def card(app: FastAPI, amount_minor: int = 5_000) -> str:
    """Issue a gift card; return its code."""
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        return vouchers.issue(db, parts.clock, parts.ids, amount_minor=amount_minor, currency="EUR")


def test_she_turns_it_on_changes_it_and_turns_it_off(app: FastAPI, hers: TestClient) -> None:
    """PIN and limits are hers; off is off, and on again is on."""
    assert "Paying with your wristband" in hers.get("/account").text
    assert "Pay with my wristband" in hers.get(PAGE).text
    page = send(hers, "set-up", **SET_UP)
    assert "Pay with my wristband no more" in page
    assert "2580" not in page
    purse = mine(app, hers)
    assert (purse.limit_payment_minor, purse.limit_day_minor) == (5_000, 12_000)
    assert matches("2580", purse.pin_hash)
    send(hers, "limits", payment="60", day="70")
    purse = mine(app, hers)
    assert (purse.limit_payment_minor, purse.limit_day_minor) == (6_000, 7_000)
    send(hers, "set-up", pin="9081", payment="60", day="70")
    assert matches("9081", mine(app, hers).pin_hash)
    send(hers, "off")
    assert not mine(app, hers).active
    send(hers, "set-up", **SET_UP)
    assert mine(app, hers).active


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"pin": "1234"}, "nobody tries first"),
        ({"pin": ""}, "nobody tries first"),
        ({"payment": "200.01"}, "not right"),
        ({"day": "500.01"}, "not right"),
        ({"payment": "130"}, "not right"),
        ({"payment": "a lot"}, "not right"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    app: FastAPI, hers: TestClient, form: dict[str, str], words: str
) -> None:
    """An easy PIN, more than the shop allows, no amount; nothing is kept of it."""
    assert words in send(hers, "set-up", **{**SET_UP, **form})
    assert purse_of(app, hers) is None


def test_a_card_is_loaded_and_the_balance_taken_out_as_one(app: FastAPI, hers: TestClient) -> None:
    """The new card's code is on that page alone."""
    send(hers, "set-up", **SET_UP)
    code = card(app)
    assert "€50.00" in send(hers, "load", code=code)
    assert "used up or too old" in send(hers, "load", code=code)
    assert "no gift card" in send(hers, "load", code="NOTACODE")
    page = send(hers, "take-out")
    (fresh,) = re.findall(r'<b class="code" dir="ltr">([\w-]+)</b>', page)
    with reading(app.state.parts.engine) as db:
        assert vouchers.find(db, fresh).balance_minor == 5_000
    assert fresh not in hers.get(PAGE).text
    assert "€0.00" in hers.get(PAGE).text


def test_five_wrong_pins_are_told_her_and_she_unlocks_it(app: FastAPI, hers: TestClient) -> None:
    """On her page, with a sign-in of lately."""
    send(hers, "set-up", **SET_UP)
    customer_id = mine(app, hers).customer_id
    for _ in range(WRONG_PINS_MAX):
        with unit_of_work(app.state.parts.engine) as db:
            assert service.take_try(db, customer_id=customer_id) is not None
    assert "until you unlock it" in hers.get(PAGE).text
    assert "until you unlock it" not in send(hers, "unlock")
    assert mine(app, hers).wrong_pins == 0


def test_what_lets_somebody_pay_wants_a_sign_in_of_lately(
    app: FastAPI, hers: TestClient, clock: FakeClock
) -> None:
    """Whoever found the phone switches it off at most."""
    send(hers, "set-up", **SET_UP)
    send(hers, "load", code=card(app))
    before = mine(app, hers)
    clock.advance(FRESH.total_seconds() + 1)
    for what, form in (
        ("set-up", {**SET_UP, "pin": "9081"}),
        ("limits", {"payment": "1", "day": "1"}),
        ("unlock", {}),
        ("take-out", {}),
    ):
        assert "sign in once more" in send(hers, what, **form)
    after = mine(app, hers)
    assert (after.pin_hash, after.limit_payment_minor) == (
        before.pin_hash,
        before.limit_payment_minor,
    )
    with reading(app.state.parts.engine) as db:
        assert queries.balance_minor(db, after) == 5_000
    send(hers, "off")
    assert not mine(app, hers).active


def test_nobody_and_somebody_else_have_none_of_it(app: FastAPI, hers: TestClient) -> None:
    """Who is not signed in is led to sign in; another customer sees her own."""
    send(hers, "set-up", **SET_UP)
    stranger = TestClient(app)
    assert stranger.get(PAGE, follow_redirects=False).headers["location"] == "/sign-in"
    assert stranger.post(f"{PAGE}/off", follow_redirects=False).status_code in {303, 401, 403}
    assert mine(app, hers).active
    other = TestClient(app)
    sign_in(app, other, BEN)
    assert purse_of(app, other) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [("he", "תשלום בצמיד שלך"), ("pl", "Płacenie Twoją opaską")],
)
def test_it_is_in_her_language(hers: TestClient, language: str, words: str) -> None:
    """Hebrew and Polish, too."""
    assert words in hers.get(PAGE, headers={"Accept-Language": language}).text
