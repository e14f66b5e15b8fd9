"""Signing in by the retailer's provider, in Chromium: a browser keeps a Strict cookie's rules."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cart.db import make_engine
from cart.kernel.clock import to_us
from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.browser.test_staff_second import DESK, PHONE, for_everyone
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.real.provider import CLIENT, CLIENT_SECRET, FakeProvider, running_provider

pytestmark = pytest.mark.browser


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop at this moment."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def provider(floor: Floor) -> Iterator[FakeProvider]:
    """The retailer's provider, at which Ada is a lead here."""
    with running_provider(lambda: to_us(floor.clock.now()) // 1_000_000) as running:
        running.claims = {"carryover_role": "lead", "carryover_location": HERE, "name": "Ada"}
        yield running


@pytest.fixture
def url(floor: Floor, provider: FakeProvider, tmp_path: Path) -> Iterator[str]:
    """The shop by name: the provider, an address in digits, is another site to the browser."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT,
        oidc_client_secret=CLIENT_SECRET,
    )
    app = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with serving(app) as address:
        named = address.replace("127.0.0.1", "localhost")
        parts = app.state.parts
        parts.settings = parts.settings.model_copy(update={"public_url": named})
        yield named


@pytest.mark.parametrize(("locale", "size"), [("en", PHONE), ("he", DESK), ("pl", PHONE)])
def test_she_goes_to_another_site_and_comes_back_signed_in(
    browser: Browser, url: str, locale: str, size: dict[str, int]
) -> None:
    """One press there and back; what she opens next is open."""
    context = browser.new_context(
        base_url=url,
        locale=locale,
        viewport=size,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto("/staff?back=/staff/desk")
    for_everyone(page, size["width"])
    page.locator('a[href^="/staff/provider"]').click()
    page.wait_for_url("**/staff/desk")
    expect(page).to_have_url(re.compile(r"[^=]/staff/desk$"))
    expect(page.locator("#staff-live")).to_be_visible()
    page.goto("/staff/queue")
    expect(page).to_have_url(re.compile(r"/staff/queue$"))
    context.close()
