"""Who opens looks: the first phone, those that it lets in, those on which the PIN is said."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import make_engine
from cart.kernel.errors import PinTooEasy
from cart.looks.model import ASKED_FOR, PIN_SAID_FOR, checked_pin
from tests.fakes.clock import FakeClock
from tests.mobile_api.looking import VIDEO, Mirror, count
from tests.mobile_api.signing_in import ADA, sign_in

MakePhone = Callable[[], TestClient]
PIN = "402859"


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """One database: nothing here is about SQL."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def two(
    app: FastAPI, phone: TestClient, another_phone: MakePhone
) -> tuple[TestClient, TestClient, str]:
    """Ada's phone with a look, a new one on which she is signed in too, and the look's id."""
    look_id = Mirror(app).kept(phone)
    sign_in(app, phone, ADA)
    fresh = another_phone()
    sign_in(app, fresh, ADA)
    return phone, fresh, look_id


def ask_id(page: str) -> str:
    """Return the id of the phone that asks, from the page of the one that may let it in."""
    return page.split("/looks/asks/", 1)[1].split("/", 1)[0]


def test_a_new_phone_is_let_in_by_the_one_that_she_had(
    two: tuple[TestClient, TestClient, str],
) -> None:
    """It asks, the other one allows, and then it opens looks by itself."""
    phone, fresh, look_id = two
    assert fresh.get(f"/looks/{look_id}/video").status_code == 403
    fresh.post("/looks/ask")
    page = phone.get("/looks").text
    assert "Another phone of yours asks" in page
    phone.post(f"/looks/asks/{ask_id(page)}/allow")
    assert fresh.get(f"/looks/{look_id}/video").content == VIDEO
    assert "Another phone of yours asks" not in phone.get("/looks").text


def test_a_phone_cannot_let_itself_in(two: tuple[TestClient, TestClient, str]) -> None:
    """Nor one that was refused, nor after a while."""
    phone, fresh, look_id = two
    fresh.post("/looks/ask")
    asked = ask_id(phone.get("/looks").text)
    assert fresh.post(f"/looks/asks/{asked}/allow").status_code == 403
    phone.post(f"/looks/asks/{asked}/refuse")
    assert phone.post(f"/looks/asks/{asked}/allow").status_code == 404
    assert fresh.get(f"/looks/{look_id}/video").status_code == 403


def test_asking_ends_by_itself(two: tuple[TestClient, TestClient, str], clock: FakeClock) -> None:
    """What was asked for yesterday is not allowed by mistake today."""
    phone, fresh, look_id = two
    fresh.post("/looks/ask")
    asked = ask_id(phone.get("/looks").text)
    clock.advance(ASKED_FOR.total_seconds())
    assert "/looks/asks/" not in phone.get("/looks").text
    assert phone.post(f"/looks/asks/{asked}/allow").status_code == 404
    assert fresh.get(f"/looks/{look_id}/video").status_code == 403


def test_a_pin_stands_before_looks_and_lets_a_new_phone_in(
    two: tuple[TestClient, TestClient, str], clock: FakeClock, app: FastAPI
) -> None:
    """Said for a quarter of an hour; of all phones; ten tries in an hour, right or wrong."""
    phone, fresh, look_id = two
    assert phone.post("/looks/pin/set", data={"pin": PIN}).status_code == 200
    assert fresh.post("/looks/pin", data={"pin": "402858"}).status_code == 403
    assert fresh.get(f"/looks/{look_id}/video").status_code == 403
    assert fresh.post("/looks/pin", data={"pin": PIN}).status_code == 200
    assert fresh.get(f"/looks/{look_id}/video").content == VIDEO
    clock.advance(PIN_SAID_FOR.total_seconds())
    for one in (phone, fresh):
        answer = one.get(f"/looks/{look_id}/video", headers={"Accept": "application/json"})
        assert answer.json()["code"] == "looks_pin_needed"
        assert one.post("/looks/pin/remove").status_code == 403
        assert one.post("/looks/pin/set", data={"pin": "918273"}).status_code == 403
    tries = [phone.post("/looks/pin", data={"pin": "000001"}).status_code for _ in range(9)]
    assert tries == [403] * 8 + [429]
    assert phone.post("/looks/pin", data={"pin": PIN}).status_code == 429
    clock.advance(timedelta(hours=1).total_seconds())
    assert phone.post("/looks/pin", data={"pin": PIN}).status_code == 200
    phone.post("/looks/pin/remove")
    clock.advance(PIN_SAID_FOR.total_seconds())
    assert phone.get(f"/looks/{look_id}/video").content == VIDEO
    assert count(app, "look_phone") == 2


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "abcdef", "111111", "123456", "987654"])
def test_a_pin_that_is_guessed_first_is_none(pin: str) -> None:
    """Six digits, not all the same, not counting."""
    with pytest.raises(PinTooEasy):
        checked_pin(pin)
