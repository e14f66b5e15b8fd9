"""What no answer says: how it is made, what lies beside it, and what went wrong inside."""

import logging
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.kernel.email import address
from cart.kernel.errors import InvalidEmail
from cart.profile.tables import SignInCodeRow
from mobile_api.edge.access import Role, allow
from tests.mobile_api.signing_in import ask
from tests.mobile_api.test_sign_in import rows

SECRET: Final = "the-password-of-the-database"
HTML: Final = {"Accept": "text/html"}
NOT_THERE: Final = 404


@pytest.fixture
def breaking(app: FastAPI) -> Iterator[TestClient]:
    """A shop with a page that has a fault in it."""

    def fault() -> None:
        """Break, with something in the error that nobody may read."""
        raise RuntimeError(SECRET)

    app.add_api_route("/fault", fault, dependencies=[allow(Role.ANYONE)])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("headers", [{}, HTML], ids=["api", "page"])
def test_a_fault_tells_the_caller_nothing_and_the_log_all(
    breaking: TestClient, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    """No trace, no type, no text of the error; the log has them, under the route's name."""
    with caplog.at_level(logging.ERROR):
        answer = breaking.get("/fault", headers=headers)
    assert answer.status_code == 500
    for part in (SECRET, "RuntimeError", "Traceback", "test_answers"):
        assert part not in answer.text + str(answer.headers)
    (record,) = [one for one in caplog.records if "unexpected error" in one.getMessage()]
    assert "/fault" in record.getMessage()
    assert record.exc_info
    assert SECRET in str(record.exc_info[1])


@pytest.mark.parametrize(
    "email",
    ["ada@example.org\r\nBcc: eve@example.org", "ada@example.org\nX: y", "a\0da@example.org",
     "ada@example.org\r\n.\r\nMAIL FROM:<eve@example.org>", "ada@example.org,eve@example.org"],
)  # fmt: skip
def test_an_address_with_a_line_in_it_is_none(app: FastAPI, phone: TestClient, email: str) -> None:
    """Nothing of it reaches a header of a mail, or the talk with a mail server."""
    with pytest.raises(InvalidEmail):
        address(email)
    assert ask(phone, email).status_code == 422
    assert rows(app, SignInCodeRow) == 0


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static", "/static/../app.py", "/.git/config", "/.git/HEAD", "/pictures/",
     "/docs", "/redoc", "/pyproject.toml", "/static/%2e%2e/settings.py"],
)  # fmt: skip
def test_no_folder_is_listed_and_no_source_is_served(phone: TestClient, path: str) -> None:
    """Neither of the repository nor of a library's pages about the API."""
    answer = phone.get(path, follow_redirects=False)
    assert answer.status_code in {NOT_THERE, 405}, answer.text[:200]


def test_trace_is_not_spoken(phone: TestClient) -> None:
    """It would send a cookie back into a page."""
    for path in ("/", "/api/v1/cart", "/static/app.js"):
        assert phone.request("TRACE", path, headers={"X-Secret": SECRET}).status_code == 405


def test_no_other_website_may_read_an_answer(phone: TestClient) -> None:
    """There is no CORS at all: not for a request, and not for the question before one."""
    other = {"Origin": "https://evil.example"}
    asked = other | {"Access-Control-Request-Method": "POST"}
    for answer in (
        phone.get("/api/v1/cart", headers=other),
        phone.get("/", headers=other),
        phone.options("/api/v1/cart/lines", headers=asked),
    ):
        assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_an_answer_says_its_type_and_its_letters(app: FastAPI, phone: TestClient) -> None:
    """HTML with its character set; what is no text has its own type; debugging is off."""
    assert phone.get("/", headers=HTML).headers["content-type"] == "text/html; charset=utf-8"
    assert phone.get("/api/v1/cart").headers["content-type"] == "application/json"
    problem = phone.get("/api/v1/nothing-of-this-name")
    assert problem.headers["content-type"].startswith("application/problem+json")
    assert "charset=utf-8" in phone.get("/static/look.css").headers["content-type"]
    assert app.debug is False


def test_a_parameter_that_comes_twice_is_read_once(phone: TestClient) -> None:
    """Each is taken from where its route says: the last of a query, and never from elsewhere."""
    said = "/privacy?saved=off&saved=nothing"
    assert "Everything is off." not in phone.get(said, headers=HTML).text
    body: dict[str, Any] = {"email": "ada@example.org"}
    found = phone.post("/sign-in?email=eve@example.org", data=body, follow_redirects=False)
    assert found.status_code == 303
    assert "eve" not in found.headers["location"]
