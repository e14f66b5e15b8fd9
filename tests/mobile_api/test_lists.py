"""Saved lists, their links, and asking for one by mail."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.carts.tables import ListRequestRow
from tests.mobile_api.shop import MUG, RED, add, key, quantities


def save(phone: TestClient, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    """Save the cart as a list."""
    answer = phone.post("/api/v1/lists", json=body, headers=key())
    assert answer.status_code == 201, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def test_a_list_is_kept_as_it_was(phone: TestClient) -> None:
    """What happens to the cart afterwards does not reach it."""
    add(phone, RED, 2)
    saved = save(phone, name="  Living   room ")
    phone.delete(f"/api/v1/cart/lines/{RED}")
    shown = phone.get(saved["link"]).text
    assert "Arc &lt;lamp&gt;" in shown
    assert "€378.00" in shown


def test_an_empty_cart_is_not_saved(phone: TestClient) -> None:
    """There is nothing to keep."""
    add(phone)
    phone.delete(f"/api/v1/cart/lines/{RED}")
    answer = phone.post("/api/v1/lists", json={}, headers=key())
    assert answer.status_code == 422
    assert "No lists yet" in phone.get("/lists").text


def test_a_line_is_moved_to_a_list(phone: TestClient) -> None:
    """It leaves the cart in the same moment."""
    add(phone, RED)
    add(phone, MUG)
    saved = save(phone, gtin=RED, name="Lamp", move=True)
    assert quantities(phone) == {MUG: 1}
    phone.post(f"/api/v1/lists/{saved['id']}/cart", headers=key())
    assert quantities(phone) == {MUG: 1, RED: 1}


def test_rename_delete_and_undo(phone: TestClient) -> None:
    """A deleted list is gone from the page and from its link, and comes back."""
    add(phone)
    saved = save(phone)
    renamed = phone.patch(f"/api/v1/lists/{saved['id']}", json={"name": "Hall"})
    assert renamed.json()["name"] == "Hall"
    phone.delete(f"/api/v1/lists/{saved['id']}")
    assert "Hall" not in phone.get("/lists").text
    assert phone.get(saved["link"]).status_code == 404
    phone.post(f"/api/v1/lists/{saved['id']}/restore", headers=key())
    assert "Hall" in phone.get("/lists").text
    assert phone.get(saved["link"]).status_code == 200


def test_a_list_opens_by_its_link_on_any_device(
    phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Another phone sees it and puts it into its own cart; the first cart is not touched."""
    add(phone, RED, 2)
    saved = save(phone)
    other = another_phone()
    assert other.get(saved["link"]).status_code == 200
    assert "carryover" not in other.cookies  # looking makes no session
    link = saved["link"].rpartition("/")[2]
    put = other.post(f"/api/v1/lists/shared/{link}/cart", headers=key())
    assert put.status_code == 200
    assert quantities(other) == {RED: 2}
    assert quantities(phone) == {RED: 2}


def test_a_link_that_was_tampered_with_opens_nothing(phone: TestClient) -> None:
    """Neither another id under the signature nor another signature."""
    add(phone)
    link = save(phone)["link"].rpartition("/")[2]
    list_id, _, signature = link.rpartition(".")
    for wrong in (f"{list_id}x.{signature}", f"{list_id}.{'A' * 22}", list_id, "."):
        assert phone.get(f"/l/{wrong}", headers={"Accept": "text/html"}).status_code == 404
        answer = phone.post(f"/api/v1/lists/shared/{wrong}/cart", headers=key())
        assert answer.json()["code"] == "unknown_list"
    assert quantities(phone) == {RED: 1}


def test_another_phones_list_is_not_found(
    phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """Its id alone is worth nothing."""
    add(phone)
    saved = save(phone)
    other = another_phone()
    add(other, MUG)
    path = f"/api/v1/lists/{saved['id']}"
    assert other.patch(path, json={"name": "mine"}).status_code == 404
    assert other.delete(path).status_code == 404
    assert other.post(f"{path}/cart", headers=key()).status_code == 404
    asked = other.post(f"{path}/mail", json={"email": "eve@example.com"}, headers=key())
    assert asked.status_code == 404
    assert phone.get(saved["link"]).status_code == 200


def test_asking_for_a_mail_keeps_the_wish_and_says_nothing_else(
    app: FastAPI, phone: TestClient
) -> None:
    """One row in state requested; the answer does not repeat the address."""
    add(phone)
    saved = save(phone)
    path = f"/api/v1/lists/{saved['id']}/mail"
    wrong = phone.post(path, json={"email": "no address"}, headers=key())
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_email")
    asked = phone.post(path, json={"email": "ada@example.com", "locale": "he"}, headers=key())
    assert asked.status_code == 202
    assert "ada" not in asked.text
    with Session(app.state.parts.engine) as db:
        [row] = db.exec(select(ListRequestRow)).all()
    assert (row.email, row.locale, row.state) == ("ada@example.com", "he", "requested")
    assert phone.get(f"{path}/{row.id}").json()["state"] == "requested"
