"""A shared device that nobody touches, in Chromium: emptied, locked, and opened where it was."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cart.db import make_engine
from cart.picking import doors, staff
from tests.cart.buying import HERE, MUG
from tests.cart.floor import PIN_ALONE, Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.staffing import COOKIE, app_over

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
Held = Callable[..., tuple[Page, str]]


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop at this moment."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def held(floor: Floor, browser: Browser, tmp_path: Path) -> Iterator[Held]:
    """Make a device of somebody who is signed in; give its page, and her PIN."""
    with serving(app_over(floor, tmp_path, public_url="")) as url:
        made = []

        def make(path: str, **how: Any) -> tuple[Page, str]:  # noqa: ANN401 - Playwright's
            who = floor.hire("7")
            pin = floor.do(lambda db: staff.new_pin(db, floor.clock, floor.ids, staff_id=who.id))
            known = floor.look(lambda db: staff.known(db, location_id=HERE, number="7"))
            checked = known.checked(pin)
            signed = floor.do(
                lambda db: doors.sign_in(db, floor.clock, floor.ids, checked, PIN_ALONE)
            )
            assert isinstance(signed, staff.SignedIn)
            context = browser.new_context(**{"base_url": url, "viewport": PHONE, **how})
            made.append(context)
            context.add_cookies([{"name": COOKIE, "value": signed.token, "url": url}])
            page = context.new_page()
            page.clock.install()
            page.goto(path)
            return page, pin

        yield make
        for context in made:
            context.close()


def opens(page: Page, pin: str) -> None:
    """Type the PIN on the locked page."""
    page.locator("[name=pin]").fill(pin)
    page.locator("[name=pin]").press("Enter")


@pytest.mark.parametrize(("locale", "viewport"), [("en", PHONE), ("he", DESK), ("pl", PHONE)])
def test_a_device_that_nobody_touches_is_emptied_and_locked(
    held: Held, locale: str, viewport: dict[str, int]
) -> None:
    """Nothing of her is on the glass; her PIN opens it where she was. Everybody can use it."""
    page, pin = held("/staff/returns", viewport=viewport, locale=locale)
    expect(page.locator("#staff-live")).to_be_visible()
    page.clock.fast_forward("14:00")
    expect(page.locator("main h1")).to_be_visible()
    page.clock.fast_forward("01:30")
    expect(page.locator("[name=pin]")).to_be_visible()
    assert "Staff 7" not in page.content()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    opens(page, pin)
    expect(page).to_have_url(re.compile(r"/staff/returns$"))


def test_a_hand_on_another_tab_is_one_on_this_device(held: Held) -> None:
    """A tab that was forgotten does not lock the one in use."""
    page, _ = held("/staff/returns")
    forgotten = page.context.new_page()
    forgotten.clock.install()
    forgotten.goto("/staff/queue")
    expect(forgotten.locator("#staff-live")).to_be_visible()
    for _ in range(2):
        page.clock.fast_forward("10:00")
        page.keyboard.press("Tab")
        forgotten.clock.fast_forward("10:00")
    expect(forgotten.locator("main h1")).to_be_visible()
    expect(page.locator("main h1")).to_be_visible()


def test_what_was_picked_without_a_network_outlives_the_lock(held: Held, floor: Floor) -> None:
    """The server heard nothing and has locked; the picks wait for her PIN, and count then."""
    order_id = floor.order({MUG: 2})
    page, pin = held("/staff/queue")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    page.wait_for_url("**/staff/walk")
    expect(page.locator("#scan")).to_be_visible()
    page.context.set_offline(True)
    page.keyboard.type(MUG)
    page.keyboard.press("Enter")
    expect(page.locator("#unsent")).to_contain_text("1 kept")
    floor.clock.advance(16 * 60)
    page.context.set_offline(False)
    expect(page.locator("[name=pin]")).to_be_visible()
    assert floor.told(order_id).count("picked") == 0
    opens(page, pin)
    page.wait_for_url("**/staff/walk")
    expect(page.locator("#walk")).to_have_attribute("data-done", "1")
    assert floor.told(order_id).count("picked") == 1
