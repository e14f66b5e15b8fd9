"""A shop with staff, orders and a running API: what tests of staff pages begin with."""

import uuid
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.orders import refunding
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, MUG
from tests.cart.floor import Floor
from tests.mobile_api.shop import SECRET

COOKIE = "carryover-staff"
API = "/api/v1/staff"


def hire(floor: Floor, number: str, *, role: Role = Role.ASSOCIATE, place: str = HERE) -> str:
    """Take somebody on and sign her in; return the token of her device."""
    return floor.enter(number, role, place).token


def signed_in(client: TestClient, token: str) -> TestClient:
    """Give a client the cookie of somebody who is signed in."""
    client.cookies.set(COOKIE, token)
    return client


def app_over(floor: Floor, data_dir: Path, public_url: str = "http://testserver") -> FastAPI:
    """Return the application over a shop, without broker and mails.

    ``public_url`` of "": at whatever address it is served, for a browser.
    """
    settings = ApiSettings(data_dir=data_dir, secret_key=SECRET, public_url=public_url)
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def marketer_of(app: FastAPI, floor: Floor) -> TestClient:
    """Return a browser of a marketer, which follows no redirect."""
    client = TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False)
    return signed_in(client, hire(floor, "9", role=Role.MARKETER))


def post(client: TestClient, path: str, body: Any = None, key: str = "") -> Any:  # noqa: ANN401
    """Send a changing request under a fresh key, or under ``key``."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return client.post(f"{API}{path}", json={} if body is None else body, headers=headers)


def walk_of(client: TestClient) -> Any:  # noqa: ANN401 - JSON
    """Return the walk as the page sees it."""
    return client.get(f"{API}/walk").json()


def step(client: TestClient, gtin: str) -> Any:  # noqa: ANN401 - JSON
    """Return the step of an article."""
    return next(one for one in walk_of(client)["steps"] if one["gtin"] == gtin)


def failed_refund(floor: Floor, reason: str) -> tuple[str, str]:
    """Let a mug be missing whose refund the provider refuses; return the order and the refund."""
    order_id, picker = floor.order({MUG: 2}), floor.hire("50")
    floor.claim(picker, order_id)
    floor.short(picker, order_id, gtin=MUG)
    ((refund_id, _),) = floor.look(lambda db: refunding.due_keys(db, 2))
    floor.do(
        lambda db: refunding.refund_failed(db, floor.clock, refund_id=refund_id, failure=reason)
    )
    return order_id, refund_id


def refused(answer: Any, status: int, code: str) -> None:  # noqa: ANN401 - a response
    """Check a refusal."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
