"""The page on which journeys are written, in Chromium on a phone, by keyboard alone.

That it needs no script is shown by tests/mobile_api/test_journey_editor.py, which runs none.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cart.db import make_engine, reading
from cart.journeys import loading
from cart.picking.roles import Role
from tests.browser.shopping import serious
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.staffing import COOKIE, app_over, hire

pytestmark = pytest.mark.browser
WIDTH_PX: Final = 390


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def opened(floor: Floor, browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """Open a page on a marketer's phone."""
    with serving(app_over(floor, tmp_path, public_url="")) as url:
        context = browser.new_context(
            viewport={"width": WIDTH_PX, "height": 844}, locale="en", base_url=url
        )
        context.set_default_timeout(10_000)
        token = hire(floor, "9", role=Role.MARKETER)
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])

        def make(path: str) -> Page:
            page = context.new_page()
            page.goto(path)
            return page

        yield make
        context.close()


def press(where: Locator) -> None:
    """Press Enter there; when it returns, the page that answers has come to its end."""
    with where.page.expect_navigation():
        where.press("Enter")


def test_a_journey_is_written_by_keyboard_on_a_phone(
    opened: Callable[[str], Page], floor: Floor
) -> None:
    """Add, move, remove, an error that is mended, checked, saved; the reader is led along."""
    page = opened("/staff/journeys/new")
    page.get_by_label("Title").fill("Come back")
    page.get_by_label("Short name").fill("come-back")
    page.locator(".add-here summary").first.press("Enter")
    press(page.get_by_role("button", name="Wait").first)
    expect(page.get_by_label("Hours", exact=True)).to_be_focused()
    page.keyboard.type("x")  # behind the 24 that stands there
    press(page.get_by_role("button", name="Move step 1 down"))
    moved = page.get_by_role("button", name="Move step 2 up")
    expect(moved).to_be_focused()
    press(moved)
    expect(page.get_by_role("button", name="Move step 1 down")).to_be_focused()
    page.locator(".add-here summary").last.press("Enter")
    press(page.get_by_role("button", name="Leave").last)
    expect(page.get_by_label("Name of the step").last).to_be_focused()
    press(page.get_by_role("button", name="Remove step 3"))
    expect(page.locator(".add-here summary").last).to_be_focused()
    press(page.get_by_label("Title"))  # as any form: it is checked, not saved
    expect(page.get_by_role("alert")).to_contain_text("This has to be a whole number.")
    page.get_by_role("link", name="Step 1, Hours").press("Enter")
    hours = page.get_by_label("Hours", exact=True)
    expect(hours).to_have_attribute("aria-invalid", "true")
    expect(hours).to_have_accessible_description("This has to be a whole number.")
    expect(page.get_by_label("Title")).to_have_value("Come back")
    assert serious(page) == []
    hours.fill("48")
    press(hours)
    expect(page.get_by_role("heading", name="This is what happens")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH_PX
    press(page.get_by_role("button", name="Save as version 1"))
    expect(page.locator(".notice.good")).to_contain_text("Version 1 is saved.")
    with reading(floor.engine) as db:
        one = loading.version_of(db, "come-back", 1)
    assert [step.kind for step in one.steps] == ["wait", "message"]
