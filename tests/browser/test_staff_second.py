"""Setting a second factor up and signing in with it, in Chromium, without scripts and with."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cart.db import make_engine
from cart.kernel.ids import RandomIds
from cart.picking import factors, staff
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
FOR_EVERYONE: Final = {"serious", "critical"}
Opened = Callable[..., Page]


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop at this moment."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def opened(floor: Floor, browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Open a page of a shop that gives no grace."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, second_factor_grace_days=0)
    app = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with serving(app) as url:
        made = []

        def make(**how: Any) -> Page:  # noqa: ANN401 - Playwright's
            context = browser.new_context(**{"base_url": url, **how})
            made.append(context)
            page = context.new_page()
            page.goto("/staff")
            return page

        yield make
        for context in made:
            context.close()


def for_everyone(page: Page, width: int) -> None:
    """Check what axe-core finds, and that nothing is wider than the screen."""
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in FOR_EVERYONE] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def sign_in(page: Page, pin: str) -> None:
    """Type number and PIN, with the keyboard alone."""
    if page.locator("[name=location_id]").count() > 1:
        page.locator(f"[name=location_id][value={HERE}]").check()
    page.locator("[name=number]").fill("7")
    page.locator("[name=pin]").fill(pin)
    page.locator("[name=pin]").press("Enter")


def shown_by(app: str, floor: Floor) -> str:
    """Return the code of an app."""
    return factors.code_at(app, factors.step_of(floor.clock.now()))


@pytest.mark.parametrize(
    ("locale", "viewport", "scripts"),
    [("en", PHONE, False), ("he", PHONE, True), ("pl", DESK, True), ("he", DESK, False)],
)
def test_setting_up_and_signing_in_is_for_everyone(
    opened: Opened, floor: Floor, locale: str, viewport: dict[str, int], *, scripts: bool
) -> None:
    """In each language and direction, on a phone and at the desk."""
    _, pin = floor.do(
        lambda db: staff.add(
            db,
            floor.clock,
            floor.ids,
            location_id=HERE,
            number="7",
            name="Ada",
            role=Role.LEAD,
            work=CHEAP,
        )
    )
    width = viewport["width"]
    page = opened(viewport=viewport, locale=locale, java_script_enabled=scripts)
    check: Callable[[], None] = (
        (lambda: for_everyone(page, width)) if scripts else (lambda: None)  # axe is a script
    )
    sign_in(page, pin)
    expect(page.locator("html")).to_have_attribute("lang", locale)
    expect(page.locator(".steps-to-do li")).to_have_count(3)
    check()
    page.locator("form[action='/staff/second/start'] button").press("Enter")
    expect(page.locator(".second-code svg")).to_be_visible()
    app = re.sub(r"\s", "", page.locator(".second-secret").inner_text())
    check()
    typed = page.locator("[name=code]")
    typed.fill("1")
    typed.press("Enter")
    expect(page.locator("#new-fault")).not_to_be_empty()
    expect(page.locator(".second-code")).to_have_count(0)
    check()
    page.locator("[name=code]").fill(shown_by(app, floor))
    page.locator("[name=code]").press("Enter")
    expect(page.locator(".recovery-codes li")).to_have_count(factors.RECOVERY_CODES)
    check()
    page.locator(".other-way a").press("Enter")
    page.wait_for_url("**/staff/queue")
    page.locator(".menu summary").click()
    page.locator(".menu a[href^='/staff/second']").click()
    expect(page.locator("form[action='/staff/second/codes']")).to_be_visible()
    check()
    page.locator(".menu summary").click()
    page.locator("#sign-out button").click()
    floor.clock.advance(factors.STEP_S)
    sign_in(page, pin)
    code = page.locator("[name=code]").first
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    check()
    page.locator("details.aside summary").click()
    check()
    code.fill(shown_by(app, floor))
    code.press("Enter")
    page.wait_for_url("**/staff/queue")
