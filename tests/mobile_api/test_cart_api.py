"""The cart's API, over the real application."""

import pytest
from fastapi import FastAPI
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.carts.tables import SessionKeyRow, ShopperSessionRow
from cart.kernel.ids import secret_hash
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, add, key, quantities


def sessions(app: FastAPI) -> list[ShopperSessionRow]:
    """Return every shopper session."""
    with Session(app.state.parts.engine) as db:
        return list(db.exec(select(ShopperSessionRow)))


def test_looking_makes_no_session(app: FastAPI, phone: TestClient) -> None:
    """Pages and the empty cart set no cookie and leave no row."""
    for path in ("/", "/lists", "/shops", "/p/arc-lamp", "/scan", "/api/v1/cart"):
        answer = phone.get(path)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert sessions(app) == []


def test_the_first_line_begins_a_session_whose_key_is_kept_as_a_hash(
    app: FastAPI, phone: TestClient
) -> None:
    """The cookie is out of reach of scripts and other sites; the database has only its hash."""
    answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=key())
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # http in this test
    token = phone.cookies["carryover"]
    with Session(app.state.parts.engine) as db:
        [row] = db.exec(select(SessionKeyRow)).all()
    assert row.token_hash == secret_hash(token)
    assert len(sessions(app)) == 1


def test_a_line_is_shown_with_price_and_stock_in_words(phone: TestClient) -> None:
    """Totals are in minor units and in words; stock says what is here, or where it is."""
    add(phone, RED, 2)
    cart = add(phone, MUG)
    assert cart["version"] == 2
    assert cart["pieces"] == 3
    assert cart["location_id"] == HERE
    assert cart["totals"] == [{"minor": 39_050, "currency": "EUR", "text": "€390.50"}]
    lamp, mug = cart["lines"]
    assert (lamp["name"], lamp["variant"], lamp["price"]["text"]) == (
        "Arc <lamp>",
        "red",
        "€378.00",
    )
    assert lamp["stock"] == {"text": "3 left here", "tone": "few"}
    assert lamp["available"] == {"harbour-street": 3, "mill-lane": 5}
    assert mug["stock"]["text"] == "Mill Lane has 40 · 2 km away"


def test_quantity_is_set_and_a_line_removed(phone: TestClient) -> None:
    """PUT and DELETE may be repeated: the second one changes nothing more."""
    add(phone)
    add(phone, MUG)
    for _ in range(2):
        assert phone.put(f"/api/v1/cart/lines/{RED}", json={"quantity": 4}).status_code == 200
    assert quantities(phone) == {RED: 4, MUG: 1}
    for _ in range(2):
        assert phone.delete(f"/api/v1/cart/lines/{RED}").status_code == 200
    assert quantities(phone) == {MUG: 1}


def test_an_unknown_code_is_refused_and_changes_nothing(app: FastAPI, phone: TestClient) -> None:
    """A refused first line begins no session either."""
    answer = phone.post("/api/v1/cart/lines", json={"gtin": "4006381333948"}, headers=key())
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unknown_gtin"
    assert "set-cookie" not in answer.headers
    assert sessions(app) == []


def test_what_does_not_fit_the_contract_is_refused(phone: TestClient) -> None:
    """Unknown fields, wrong check digits and quantities out of range are 422, with the field."""
    for body in ({"gtin": RED, "price": 1}, {"gtin": RED, "quantity": 0}, {}):
        answer = phone.post("/api/v1/cart/lines", json=body, headers=key())
        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid_payload"
        assert answer.json()["data"]["fields"]
    wrong = phone.post("/api/v1/cart/lines", json={"gtin": "4006381333930"}, headers=key())
    assert wrong.json()["code"] == "invalid_gtin"
    assert quantities(phone) == {}


def test_titles_are_in_the_readers_language(phone: TestClient) -> None:
    """The same refusal, told in Polish and in Hebrew."""
    for language, title in (
        ("pl-PL,pl;q=0.9", "Nie sprzedajemy niczego z takim kodem."),
        ("he", "אין אצלנו מוצר עם הקוד הזה."),
    ):
        answer = phone.get(
            "/api/v1/catalogue/items/4006381333948", headers={"Accept-Language": language}
        )
        assert answer.json()["title"] == title


def test_changing_needs_a_session_where_there_is_nothing_to_change(phone: TestClient) -> None:
    """PUT, DELETE and the stream of a phone without a session are 401."""
    assert phone.put(f"/api/v1/cart/lines/{BLUE}", json={"quantity": 1}).status_code == 401
    assert phone.delete(f"/api/v1/cart/lines/{BLUE}").status_code == 401
    assert phone.get("/api/v1/cart/events").json()["code"] == "no_session"


@pytest.mark.parametrize(
    "path", ["/p/%00", "/01/%00", "/shops?sku=%00", "/scan?code=a%00b", "/l/%00.x", "/pictures/%00"]
)
def test_a_nul_in_an_address_is_refused(phone: TestClient, path: str) -> None:
    """PostgreSQL takes none in a text; it must not come that far."""
    assert phone.get(path).status_code == 422


def test_a_nul_in_a_body_is_refused(phone: TestClient) -> None:
    """In names, addresses and ids; nothing has changed."""
    add(phone)
    bad = {"gtin": RED, "location_id": "a\0"}
    assert phone.post("/api/v1/cart/lines", json=bad, headers=key()).status_code == 422
    assert phone.post("/api/v1/lists", json={"name": "a\0"}, headers=key()).status_code == 422
    undo = {"claim": "\0"}
    assert phone.post("/api/v1/cart/claims/undo", json=undo, headers=key()).status_code == 422
    assert quantities(phone) == {RED: 1}


def test_a_large_body_is_refused(phone: TestClient) -> None:
    """No request but a photo comes near the limit."""
    answer = phone.post("/api/v1/cart/lines", content=b"x" * 70_000, headers=key())
    assert answer.status_code == 413
    assert answer.json()["code"] == "payload_too_large"
