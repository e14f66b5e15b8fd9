"""The mirror's camera, switched off on a phone: no upload is granted, and mirrors hear at once."""

import re
from types import SimpleNamespace
from typing import Final

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.kernel.errors import GrantRefused
from gateway.notices import CameraSwitched, Notice
from tests.mobile_api.looking import Mirror, count
from tests.mobile_api.signing_in import cart_of, sign_in
from tests.mobile_api.test_privacy import decide, form

CAMERA: Final = "mirror_video"


@pytest.fixture
def told(app: FastAPI, phone: TestClient) -> list[Notice]:
    """What other processes are told."""
    assert phone  # it runs
    heard: list[Notice] = []
    app.state.parts.fan = SimpleNamespace(publish=lambda *notices: heard.extend(notices))
    return heard


@pytest.fixture
def mirror(app: FastAPI, phone: TestClient) -> Mirror:
    """A mirror whose shopper has said yes to looks."""
    made = Mirror(app)
    made.met_by(phone)
    phone.post("/looks/begin")
    return made


@pytest.mark.parametrize("customer", [False, True], ids=["anonymous", "customer"])
def test_no_upload_is_granted_to_who_refused(
    mirror: Mirror, app: FastAPI, phone: TestClient, *, customer: bool
) -> None:
    """Undecided it is: the press on the glass was her yes. Refused it is not; allowed it is."""
    if customer:
        sign_in(app, phone)
    assert mirror.http.post("/api/v1/mirrors/looks", json={"visit": "v1"}).status_code == 201
    decide(phone, CAMERA, granted=False)
    refused = mirror.http.post("/api/v1/mirrors/looks", json={"visit": "v1"})
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_missing")
    with pytest.raises(GrantRefused):
        mirror.bring()
    assert count(app, "look") == 1
    decide(phone, CAMERA, granted=True)
    assert mirror.bring()


def test_a_decision_is_told_to_whoever_tells_mirrors(
    app: FastAPI, phone: TestClient, told: list[Notice]
) -> None:
    """By the cart that the mirror shows, in the moment of the commit; of no other purpose."""
    decide(phone, "analytics", granted=True)
    assert [one for one in told if isinstance(one, CameraSwitched)] == []
    decide(phone, CAMERA, granted=True)
    page = phone.get("/privacy", headers={"Accept": "text/html"}).text
    fields = form(page, CAMERA)
    assert fields["granted"] == "false"
    phone.post(f"/privacy/{CAMERA}", data=fields)
    phone.post("/privacy/off")
    said = [one for one in told if isinstance(one, CameraSwitched)]
    assert len(said) == 3
    assert {one.cart_id for one in said} == {cart_of(app, phone)}


def test_who_decided_nothing_can_refuse_without_allowing_first(phone: TestClient) -> None:
    """The page says that nothing was decided, and has a button for it; then it has none."""
    page = phone.get("/privacy", headers={"Accept": "text/html"}).text
    assert "You have not decided yet: the mirror films only when you press its button." in page
    own = page.split('class="undecided"')[1].split("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', own))
    assert fields["granted"] == "false"
    assert phone.post(f"/privacy/{CAMERA}", data=fields).status_code == 200
    (past,) = phone.get("/api/v1/consents/history").json()["decisions"]
    assert (past["purpose"], past["granted"], past["version"]) == (CAMERA, False, 2)
    page = phone.get("/privacy", headers={"Accept": "text/html"}).text
    assert 'class="undecided"' not in page
