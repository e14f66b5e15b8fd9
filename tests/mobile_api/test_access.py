"""Who may call what; guards around every request."""

from collections import Counter
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from mobile_api.app import create_app
from mobile_api.edge.access import Role, RouteWithoutRole, roles
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import RED, SECRET, fill, key, quantities


def test_every_route_says_who_may_call_it(app: FastAPI) -> None:
    """Exact counts, so that a new route is a decision and not an accident."""
    assert Counter(role for _, _, role in roles(app)) == {
        Role.ANYONE: 73,
        Role.SHOPPER: 95,
        Role.CUSTOMER: 31,
        Role.STAFF: 14,
        Role.FLOOR: 60,
        Role.PEOPLE: 5,
        Role.TOKEN: 2,
        Role.PROVIDER: 1,
        Role.POSTMAN: 1,
        Role.MARKETING: 22,
        Role.REPORT: 3,
        Role.SANDBOX: 3,
        Role.DEMO: 7,
        Role.OPERATOR: 9,
        Role.BROKER: 2,
        Role.DEVICE: 6,
        Role.MONITOR: 2,
    }
    writing = {path for method, path, role in roles(app) if method != "GET" and role is Role.ANYONE}
    assert writing == {
        "/api/v1/availability",
        "/api/v1/cart/scan",
        "/api/v1/claims/{secret}",
        "/api/v1/sign-in",
        "/api/v1/sign-in/code",
        "/api/v1/sign-in/passkey",
        "/api/v1/sign-in/passkey/options",
        "/back/{link}",
        "/back/{link}/opened",
        "/c/{secret}",
        "/claim",
        "/language",
        "/letters",
        "/letters/by/{link}/leave",
        "/letters/by/{link}/purpose",
        "/letters/by/{link}/topic",
        "/letters/by/{link}/undo",
        "/letters/confirm/{link}",
        "/sign-in",
        "/sign-in/code",
        "/staff",
        "/staff/lock",
        "/staff/resume",
        "/staff/sign-out",
        "/withdraw/{link}",
    }


def test_a_route_without_a_role_stops_the_application(app: FastAPI) -> None:
    """Fail closed: not at the first request, but before it serves."""

    def forgotten() -> None:
        """Nobody said who may call this."""

    app.add_api_route("/forgotten", forgotten)
    with pytest.raises(RouteWithoutRole, match="/forgotten"):
        list(roles(app))


def test_the_openapi_document_shows_the_role(phone: TestClient) -> None:
    """Every operation has ``x-called-by``."""
    document = phone.get("/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all("x-called-by" in one for one in operations)
    events = document["paths"]["/api/v1/cart/events"]["get"]
    assert events["x-called-by"] == "shopper session (cookie)"


def test_demo_pages_are_there_in_a_demo_only(shop_engine: Engine, tmp_path: Path) -> None:
    """With a real mail server there is no mailbox to read, and nothing may frame our pages."""
    settings = ApiSettings(
        data_dir=tmp_path, secret_key=SECRET, smtp_url="smtp://mail", public_url="https://shop.test"
    )
    app = create_app(settings, engine=shop_engine, listen=False, mail=False)
    with TestClient(app, base_url="https://shop.test") as phone:
        assert phone.get("/demo").status_code == 404
        assert phone.get("/demo/mail").status_code == 404
        assert phone.get("/demo/mirror").status_code == 404
        headers = phone.get("/").headers
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=key())
        assert answer.headers["set-cookie"].startswith("__Host-carryover=")
        assert "Secure" in answer.headers["set-cookie"]


def test_a_request_from_another_website_is_refused(phone: TestClient) -> None:
    """By Origin and by Sec-Fetch-Site; and nothing has changed."""
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=headers | key())
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert quantities(phone) == {}
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=own | key())
    assert answer.status_code == 201


def test_what_is_not_allowed_says_what_is(phone: TestClient) -> None:
    """All methods of the path, though two routes share it (RFC 9110, 15.5.6)."""
    answer = phone.get(f"/api/v1/cart/lines/{RED}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, PUT")
    assert answer.json()["code"] == "method_not_allowed"


def test_pages_may_load_nothing_from_elsewhere(phone: TestClient) -> None:
    """The policy names no host, no inline script and no inline style."""
    headers = phone.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers, "this shop is tried over http"


def test_health(phone: TestClient) -> None:
    """Alive, and ready: the database answers and no broker is asked for."""
    assert phone.get("/health/live").json() == {"status": "live"}
    assert phone.get("/health/ready").json() == {
        "ready": True,
        "database": True,
        "broker": True,
        "open_phones": 0,
        "reasons": {},
    }


def test_a_database_that_gives_way_is_tried_again(sqlite_url: str, settings: ApiSettings) -> None:
    """A lock or a deadlock is no bug: 503 and when to repeat, and the repeat is done."""
    engine = make_engine(sqlite_url, busy_timeout_ms=50)
    fill(engine, SystemClock())
    app = create_app(settings, engine=engine, listen=False, mail=False)
    with TestClient(app, raise_server_exceptions=False) as phone:
        once = key()
        with unit_of_work(engine) as db:
            db.connection()  # another process writes
            answer = phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=once)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]
        assert phone.post("/api/v1/cart/lines", json={"gtin": RED}, headers=once).is_success
        assert quantities(phone) == {RED: 1}
    engine.dispose()
