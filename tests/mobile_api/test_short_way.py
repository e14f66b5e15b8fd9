"""A request read at once is answered as one that FastAPI reads part by part."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.mobile_api.shop import MUG, RED, add, key

PATH = "/api/v1/cart/lines"
PLAIN = {"content-type": "application/json"}
# Means the same to FastAPI, and is not what the short way takes.
LONG = {"content-type": "application/json; charset=utf-8"}


def _sent(
    phone: TestClient, content: str, way: dict[str, str], query: str = "", path: str = PATH
) -> tuple[int, Any]:
    answer = phone.post(f"{path}{query}", content=content, headers={**way, **key()})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"gtin": "123"}',
        '{"gtin": "96385074", "quantity": 0}',
        '{"gtin": "96385074", "colour": "red"}',
        '{"gtin": "96385074", "location_id": "a\\u0000b"}',
        '{"quantity": 1}',
        '{"gtin": "04012345678901"}',
    ],
)
def test_what_is_wrong_is_said_in_the_same_words(phone: TestClient, content: str) -> None:
    """The whole problem document is the same, whichever way the request goes."""
    assert _sent(phone, content, PLAIN) == _sent(phone, content, LONG)
    assert _sent(phone, content, PLAIN)[0] in {404, 422}


@pytest.mark.parametrize("query", ["", "?html=true", "?html=1", "?html=yes", "?html=0", "?other=1"])
def test_an_ordinary_line_is_the_same_line(phone: TestClient, query: str) -> None:
    """Quantities add up over both ways, and the page's parts come when asked for."""
    first = _sent(phone, f'{{"gtin": "{RED}", "quantity": 2}}', PLAIN, query)
    second = _sent(phone, f'{{"gtin": "{RED}", "quantity": 2}}', LONG, query)
    assert (first[0], second[0]) == (201, 201)
    assert [cart["lines"][0]["quantity"] for _, cart in (first, second)] == [2, 4]
    assert (
        (first[1]["html"] is None)
        == (second[1]["html"] is None)
        == ("html" not in query or "0" in query)
    )


def test_a_repeat_by_the_other_way_is_the_same_request(phone: TestClient) -> None:
    """Key and body decide what is a repeat, not how it was read."""
    same = key()
    answers = [
        phone.post(PATH, content=f'{{"gtin": "{MUG}"}}', headers={**way, **same})
        for way in (PLAIN, LONG, PLAIN)
    ]
    assert [one.status_code for one in answers] == [201, 201, 201]
    assert len({one.text for one in answers}) == 1


@pytest.mark.parametrize("name", ["", "short", "with a space in it, and long"])
def test_without_a_key_nothing_is_added_by_either_way(phone: TestClient, name: str) -> None:
    """A missing or malformed key is refused before anything else."""
    for way in (PLAIN, LONG):
        answer = phone.post(
            PATH, content=f'{{"gtin": "{MUG}"}}', headers={**way, "idempotency-key": name}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert phone.get("/api/v1/cart").json()["lines"] == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        *(
            ("/api/v1/checkouts", content)
            for content in ("", "{", "[]", '{"location_id": 5}', '{"colour": "red"}')
        ),
        ("/api/v1/checkouts", '{"location_id": "nowhere"}'),
        *(
            ("/api/v1/checkouts/unknown/pay", content)
            for content in ("", "{", "{}", '{"total_minor": -1}', '{"total_minor": "much"}')
        ),
        ("/api/v1/checkouts/unknown/pay", '{"total_minor": 1}'),
        (f"/api/v1/checkouts/{'x' * 65}/pay", '{"total_minor": 1}'),
        ("/api/v1/payments/nobody/webhook", "{}"),
        ("/api/v1/payments/sandbox/webhook", "{}"),
        (f"/api/v1/payments/{'x' * 17}/webhook", "{}"),
    ],
)
def test_a_checkout_is_refused_in_the_same_words(
    phone: TestClient, path: str, content: str
) -> None:
    """Opening, paying and a provider's message: the same problem document by both ways."""
    add(phone, MUG)
    short, long = (_sent(phone, content, way, path=path) for way in (PLAIN, LONG))
    assert short == long
    assert short[0] in {403, 404, 422}


def test_a_checkout_is_the_same_by_both_ways(phone: TestClient) -> None:
    """Opened by one way and again by the other; paid under one key by both: one attempt."""
    add(phone, RED)
    first, again = (_sent(phone, "{}", way, path="/api/v1/checkouts") for way in (PLAIN, LONG))
    assert first == again
    assert first[0] == 201
    pay, same = f"/api/v1/checkouts/{first[1]['id']}/pay", key()
    total = f'{{"total_minor": {first[1]["totals"]["total"]["minor"]}}}'
    answers = [
        phone.post(pay, content=total, headers={**way, **same}) for way in (PLAIN, LONG, PLAIN)
    ]
    assert [one.status_code for one in answers] == [202, 202, 202]  # nobody makes pages here
    assert len({one.text for one in answers}) == 1
