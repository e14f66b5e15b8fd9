"""Idempotency-Key: key and effect in one transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI
from sqlmodel import Session, func, select
from starlette.testclient import TestClient

from cart.carts.tables import CartOperationRow
from cart.idempotency.service import KEPT, forget
from cart.idempotency.tables import RequestKeyRow
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import MUG, RED, add, key, quantities


def operations(app: FastAPI) -> int:
    """Count every cart operation."""
    with Session(app.state.parts.engine) as db:
        return db.exec(select(func.count()).select_from(CartOperationRow)).one()


def test_without_a_key_nothing_is_done(app: FastAPI, phone: TestClient) -> None:
    """Missing, short and odd keys are 400."""
    for headers in ({}, {"Idempotency-Key": "short"}, {"Idempotency-Key": "x" * 20 + " ;"}):
        answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["code"] == "idempotency_key_missing"
    assert operations(app) == 0


def test_a_repeat_is_answered_again_and_done_once(app: FastAPI, phone: TestClient) -> None:
    """The same key and body: the same answer, one operation."""
    add(phone, MUG)
    headers = key()
    answers = [
        phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers) for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert operations(app) == 2
    assert quantities(phone) == {MUG: 1, RED: 1}


def test_a_phone_that_lost_its_first_answer_gets_the_same_session(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The answer with the cookie was lost: the repeat, without a cookie, brings it again."""
    headers = key()
    phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    same_phone = another_phone()  # it never saw the cookie
    same_phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    assert same_phone.cookies["carryover"] == phone.cookies["carryover"]
    assert quantities(same_phone) == {RED: 1}
    with Session(app.state.parts.engine) as db:
        [row] = db.exec(select(RequestKeyRow)).all()
    assert phone.cookies["carryover"] not in row.model_dump_json()


def test_a_key_is_not_good_for_another_request(app: FastAPI, phone: TestClient) -> None:
    """Same key, other body: 422, and nothing is done."""
    headers = key()
    phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    answer = phone.post("/api/v1/cart/lines", json={"gtin": MUG}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert operations(app) == 1


def test_a_key_of_another_phone_is_refused(
    phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """A phone with a session of its own gets nothing of another's."""
    headers = key()
    phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    other = another_phone()
    add(other, MUG)
    answer = other.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    assert answer.json()["code"] == "idempotency_key_reused"
    assert quantities(other) == {MUG: 1}


def test_in_flight_is_409_with_a_time_to_come_back(app: FastAPI, phone: TestClient) -> None:
    """While the first is being worked on, the second is told to wait."""
    headers = key()
    with app.state.parts.in_progress.hold(headers["Idempotency-Key"]):
        answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
    assert answer.headers["retry-after"] == "2"
    assert operations(app) == 0
    again = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
    assert again.status_code == 201


def test_rivals_with_one_key_do_it_once(app: FastAPI, phone: TestClient) -> None:
    """Eight at the same moment: one effect, whatever each is told."""
    add(phone, MUG)
    headers = key()

    def post(_: int) -> int:
        answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(post, range(8)))
    assert statuses <= {201, 409}
    assert 201 in statuses
    assert operations(app) == 2


def test_a_refusal_is_replayed_too(phone: TestClient) -> None:
    """The same wrong request gets the same refusal."""
    headers = key()
    body = {"gtin": "4006381333948"}
    first = phone.post("/api/v1/cart/lines", json=body, headers=headers)
    second = phone.post("/api/v1/cart/lines", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (404, 404)
    assert second.headers["content-type"] == "application/problem+json"
    assert first.json() == second.json()


def test_keys_are_forgotten_after_a_week(app: FastAPI, phone: TestClient, clock: FakeClock) -> None:
    """Old keys go, fresh ones stay."""
    add(phone)
    clock.advance(KEPT.total_seconds() + 1)
    add(phone)
    with Session(app.state.parts.engine) as db:
        assert forget(db, clock) == 1
        db.commit()
        assert len(db.exec(select(RequestKeyRow)).all()) == 1
