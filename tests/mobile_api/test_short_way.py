"""A request read at once is answered as one that FastAPI reads part by part."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.mobile_api.shop import MUG, RED, key

PATH = "/api/v1/cart/lines"
PLAIN = {"content-type": "application/json"}
# Means the same to FastAPI, and is not what the short way takes.
LONG = {"content-type": "application/json; charset=utf-8"}


def _sent(phone: TestClient, content: str, way: dict[str, str], query: str = "") -> tuple[int, Any]:
    answer = phone.post(f"{PATH}{query}", content=content, headers={**way, **key()})
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
