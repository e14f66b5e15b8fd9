"""Lines that come at once are added in one transaction, and are the same as one by one."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, text

from cart.db import reading, unit_of_work
from mobile_api.carts.adding import Added, Wish, add_together
from mobile_api.carts.schemas import AddLine
from mobile_api.edge.lane import Unusual
from tests.mobile_api.served import serving
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, key

PHONES = 24
UNKNOWN = "04012345678901"


def _at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    gate = threading.Barrier(count)

    def one(number: int) -> Any:  # noqa: ANN401 - whatever the act gives
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def _count(engine: Engine, what: str) -> int:
    with reading(engine) as db:
        statement = text(f"SELECT count(*) FROM {what}")  # noqa: S608 - our own names
        return int(db.connection().execute(statement).scalar() or 0)


def test_many_phones_at_once_each_get_their_own_cart(system_app: FastAPI) -> None:
    """No line goes to another's cart; each phone has its own key and sees its own cart."""
    with serving(system_app) as url:

        def add(number: int) -> tuple[int, dict[str, int]]:
            with httpx2.Client(base_url=url) as phone:
                for quantity in (number + 1, 1):
                    body = {"gtin": RED, "quantity": quantity, "location_id": HERE}
                    answer = phone.post("/api/v1/cart/lines", json=body, headers=key())
                    assert answer.status_code == 201, answer.text
                lines = phone.get("/api/v1/cart").json()["lines"]
                assert answer.json()["lines"] == lines
                return number, {line["gtin"]: line["quantity"] for line in lines}

        found = _at_once(PHONES, add)
    assert found == [(number, {RED: number + 2}) for number in range(PHONES)]
    engine: Engine = system_app.state.parts.engine
    assert _count(engine, "cart") == _count(engine, "shopper_session") == PHONES
    assert _count(engine, "cart_operation") == _count(engine, "request_key") == 2 * PHONES


def test_one_key_sent_many_times_at_once_adds_one_line(system_app: FastAPI) -> None:
    """A phone that repeats itself gets the first answer, or is told to come again."""
    with serving(system_app) as url:
        same = key()

        def add(_: int) -> int:
            with httpx2.Client(base_url=url) as phone:
                body = {"gtin": MUG, "location_id": HERE}
                return phone.post("/api/v1/cart/lines", json=body, headers=same).status_code

        assert set(_at_once(8, add)) <= {201, 409}
    engine: Engine = system_app.state.parts.engine
    assert _count(engine, "cart_operation") == 1
    assert _count(engine, "cart") == 1


def test_a_wrong_code_among_good_ones_takes_none_along(system_app: FastAPI) -> None:
    """It is refused with its own reason; the others are added."""
    with serving(system_app) as url:

        def add(number: int) -> tuple[int, str]:
            gtin = UNKNOWN if number % 4 == 0 else BLUE
            with httpx2.Client(base_url=url) as phone:
                body = {"gtin": gtin, "location_id": HERE}
                answer = phone.post("/api/v1/cart/lines", json=body, headers=key())
                return answer.status_code, answer.json().get("code", "")

        found = _at_once(12, add)
    wrong = (404, "unknown_gtin")
    assert found == [wrong if number % 4 == 0 else (201, "") for number in range(12)]
    assert _count(system_app.state.parts.engine, "cart_operation") == 9


def test_where_nobody_said_the_last_place_counts(system_app: FastAPI) -> None:
    """A phone that scans on stands where its newest line was added."""
    with serving(system_app) as url, httpx2.Client(base_url=url) as phone:
        first = {"gtin": RED, "location_id": HERE}
        phone.post("/api/v1/cart/lines", json=first, headers=key())
        answer = phone.post("/api/v1/cart/lines", json={"gtin": MUG}, headers=key())
    assert answer.json()["location_id"] == HERE
    engine: Engine = system_app.state.parts.engine
    assert _count(engine, f"cart_operation WHERE location_id = '{HERE}'") == 2


def test_a_batch_that_cannot_be_kept_leaves_nothing(system_app: FastAPI) -> None:
    """A key that is known makes the whole batch give way, and nothing of it is there."""
    parts = system_app.state.parts

    def wish(name: str) -> Wish:
        def never() -> Any:  # noqa: ANN401 - not called
            raise AssertionError(name)

        line = AddLine.model_validate({"gtin": MUG, "location_id": HERE})
        return Wish(name * 16, "hash", None, line, "en", with_html=False, alone=never)

    assert len(add_together(parts, [wish("a"), wish("b")])) == 2
    before = _count(parts.engine, "cart_operation")
    with pytest.raises(Unusual):
        add_together(parts, [wish("c"), wish("a")])
    assert _count(parts.engine, "cart_operation") == before == 2
    assert _count(parts.engine, "cart") == 2


def test_a_full_cart_makes_a_line_no_dearer(system_app: FastAPI) -> None:
    """A line costs the same few statements, whether the cart has one or a hundred others."""
    parts = system_app.state.parts
    statements: list[str] = []

    def count(*about: Any) -> None:  # noqa: ANN401 - SQLAlchemy's six arguments
        statements.append(about[2])

    def add(token: str | None, gtin: str) -> str | None:
        def never() -> Any:  # noqa: ANN401 - not called
            raise AssertionError

        line = AddLine.model_validate({"gtin": gtin, "location_id": HERE})
        wish = Wish(key()["Idempotency-Key"], "h", token, line, "en", with_html=False, alone=never)
        (added,) = add_together(parts, [wish])
        assert isinstance(added, Added)
        return added.token or token

    token = add(None, MUG)
    event.listen(parts.engine, "before_cursor_execute", count)
    add(token, RED)
    few = len(statements)
    with unit_of_work(parts.engine) as db:
        (cart_id,) = db.connection().execute(text("SELECT id FROM cart")).one()
        for number in range(100):
            values = {"cart": cart_id, "gtin": f"{number:014d}", "sku": f"s{number}"}
            db.connection().execute(
                text(
                    "INSERT INTO cart_line (cart_id, gtin, sku, quantity, added_at_us,"
                    " last_at_us, last_operation_id, currency)"
                    " VALUES (:cart, :gtin, :sku, 1, 1, 1, 'o', 'EUR')"
                ),
                values,
            )
    statements.clear()
    add(token, BLUE)
    event.remove(parts.engine, "before_cursor_execute", count)
    assert len(statements) == few <= 16


def test_lines_of_one_phone_in_one_batch_are_what_the_cart_holds(system_app: FastAPI) -> None:
    """Both answers show the cart after both, exactly as it is read afterwards."""
    parts = system_app.state.parts

    def wish(gtin: str, quantity: int, token: str | None = None) -> Wish:
        def never() -> Any:  # noqa: ANN401 - not called
            raise AssertionError

        line = AddLine.model_validate({"gtin": gtin, "quantity": quantity, "location_id": HERE})
        return Wish(key()["Idempotency-Key"], "h", token, line, "en", with_html=False, alone=never)

    (first,) = add_together(parts, [wish(MUG, 1)])
    assert isinstance(first, Added)
    token = first.token
    batch = [wish(RED, 2, token), wish(MUG, 4, token), wish(RED, 3, token)]
    bodies = [one.body for one in add_together(parts, batch) if isinstance(one, Added)]
    with serving(system_app) as url, httpx2.Client(base_url=url) as phone:
        phone.cookies.set("carryover", token or "")
        cart = phone.get("/api/v1/cart").json()
    assert [json.loads(body) for body in bodies] == [cart] * 3
    assert {line["gtin"]: line["quantity"] for line in cart["lines"]} == {MUG: 5, RED: 5}
    assert cart["version"] == 4
