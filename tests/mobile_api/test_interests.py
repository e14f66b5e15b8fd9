"""A customer's own story and interests: shown with their reasons, corrected, cleared."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from cart.db import reading, unit_of_work
from cart.kernel.errors import ConsentMissing
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Source
from cart.profile.interests import queries
from cart.profile.interests.model import Facet
from inventory_api.catalogue.traits import traits
from mobile_api.timeline.shown import PAGE_MAX
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import BLUE, MUG, RED, add
from tests.mobile_api.signing_in import sign_in
from tests.mobile_api.telling import grant, session_of, told


def press(phone: TestClient, what: str, **form: str) -> Any:  # noqa: ANN401
    """Press a button of the page; return the page that comes."""
    answer = phone.post(f"/account/interests/{what}", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
def ada(app: FastAPI, phone: TestClient, clock: FakeClock, shop_engine: Engine) -> TestClient:
    """Ada's phone: three days ago she looked at a red lamp of size L, today at a mug."""
    with shop_engine.begin() as connection:
        connection.execute(text("UPDATE variant SET size = 'L' WHERE sku = 'lamp-red'"))
    add(phone, RED)
    sign_in(app, phone)
    told(app)
    clock.advance(3 * 86_400)
    add(phone, MUG)
    told(app)
    return phone


def test_interests_are_shown_with_why_and_how_old(ada: TestClient) -> None:
    """Each with the article that it comes from; other people see none of it."""
    page = ada.get("/account/interests").text
    for said in ("Lamps", "Harbour &amp; Mill", "red"):
        assert f"<b>{said}</b>" in page
    assert "because you looked at Arc &lt;lamp&gt; · 3 days ago" in page
    assert "Only you see this." in page


def test_what_is_not_for_her_stays_away_until_she_takes_it_back(
    app: FastAPI, ada: TestClient
) -> None:
    """Also after she looked at another one."""
    page = press(ada, "refuse", facet="brand", value="Harbour & Mill")
    assert "because you looked at" in page
    assert "Not for you" in page
    add(ada, BLUE)
    told(app)
    with reading(app.state.parts.engine) as db:
        found, _ = queries.interests_of(
            db, session_of(app, ada), traits, app.state.parts.clock.now()
        )
    assert {one.value for one in found if one.facet is Facet.BRAND} == set()
    assert {one.value for one in found if one.facet is Facet.COLOUR} == {"red", "blue"}
    assert "Not for you" not in press(ada, "take-back", facet="brand", value="Harbour & Mill")


def test_she_says_her_size_and_clears_everything(app: FastAPI, ada: TestClient) -> None:
    """Her own word stands; once cleared, the past counts no more."""
    assert "<bdi>XL</bdi>" in press(ada, "size", category="Lamps", size="XL")
    page = press(ada, "clear")
    assert "Nothing yet." in page
    assert "XL" not in page
    app.state.parts.clock.advance(1)
    add(ada, BLUE)
    told(app)
    assert "<b>blue</b>" in ada.get("/account/interests").text


def test_a_size_that_is_none_is_refused(ada: TestClient) -> None:
    """The page says so, and nothing is kept."""
    page = press(ada, "size", category="Lamps", size="  ")
    assert "XL" not in page
    assert ada.post("/account/interests/refuse", data={"facet": "all", "value": "x"}).url.query
    assert "Not for you" not in ada.get("/account/interests").text


def test_marketers_see_interests_only_by_consent(app: FastAPI, ada: TestClient) -> None:
    """Without it they are not even worked out; a withdrawal counts from its commit on."""
    parts, home = app.state.parts, session_of(app, ada)

    def asked() -> set[str]:
        with reading(parts.engine) as db:
            found, _ = queries.for_marketers(db, home, traits, parts.clock.now())
        return {one.value for one in found}

    with pytest.raises(ConsentMissing):
        asked()
    with reading(parts.engine) as db:
        subject = queries.subject_of(db, home)
    assert subject is not None
    assert subject.customer_id
    grant(app, subject)
    assert "Lamps" in asked()
    with unit_of_work(parts.engine) as db:
        how = How(Source.PAGE)
        consents.withdraw(db, parts.clock, parts.ids, subject, Purpose.ANALYTICS, how=how)
    with pytest.raises(ConsentMissing):
        asked()


def test_a_story_is_shown_in_pages(app: FastAPI, ada: TestClient, clock: FakeClock) -> None:
    """The newest first, with where and through what; the last page says that it is the last."""
    for _ in range(PAGE_MAX):
        clock.advance(1)
        add(ada, MUG)
    told(app)
    first = ada.get("/account/story").text
    assert first.count("<li>") == PAGE_MAX
    assert "on a phone or computer" in first
    older = first.split('href="/account/story?before=')[1].split('"')[0]
    second = ada.get(f"/account/story?before={older}").text
    assert "Arc &lt;lamp&gt;" in second
    assert "Signed in on a device" in second
    assert "Arc" not in first
    assert "before=" not in second


@pytest.mark.parametrize("path", ["/account/story", "/account/interests"])
def test_who_is_not_signed_in_is_sent_to(phone: TestClient, path: str) -> None:
    """Nobody else's is shown, and a form changes nothing."""
    answer = phone.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    refused = phone.post("/account/interests/clear")
    assert refused.status_code == 401
