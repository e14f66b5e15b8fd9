"""A picker's phone proves what it picks with its own camera."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cart.db import make_engine
from tests.browser.shopping import DETECTOR, looks
from tests.cart.buying import LAMP, MUG
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.staffing import COOKIE, app_over, hire
from tests.real.browser import running_browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a camera that shows a test picture."""
    with running_browser(desktop=True) as made:
        yield made


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop at this moment."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def page(browser: Browser, floor: Floor, tmp_path: Path) -> Iterator[Page]:
    """The phone of somebody who picks; its browser finds what the test holds up."""
    with serving(app_over(floor, tmp_path, public_url="")) as url:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, locale="en", base_url=url
        )
        context.grant_permissions(["camera"])
        context.add_cookies([{"name": COOKIE, "value": hire(floor, "1"), "url": url}])
        made = context.new_page()
        made.add_init_script(DETECTOR)
        yield made
        context.close()


def test_the_camera_is_the_proof(page: Page, floor: Floor) -> None:
    """The right thing counts once while it is in view, the wrong one is refused in words."""
    order_id = floor.order({MUG: 2, LAMP: 1})
    page.goto("/staff/queue")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    page.wait_for_url("**/staff/walk")
    step = page.locator(".step:not([hidden])")
    step.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#camera")).to_be_visible()

    looks(page, [LAMP], [LAMP], [])
    expect(page.locator("#wrong .no")).to_contain_text("Lamp")
    page.get_by_role("button", name="Scan again").click()

    looks(page, [MUG], [MUG])
    expect(step.locator("[data-count]")).to_have_text("1")
    expect(page.locator("body")).to_have_attribute("data-looked", re.compile(r"^\d{2,}$"))
    expect(step.locator("[data-count]")).to_have_text("1")
    assert floor.told(order_id).count("picked") == 1
