"""Windows of the people at a shop: the shopper's phone, the picker's phone, the board at the desk.

Owns how a window is opened and looked at; what is in it is the tests' matter.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.real import browser

PHONE: ViewportSize = {"width": 390, "height": 844}
SCREEN: ViewportSize = {"width": 1280, "height": 800}
# Bank, webhook, workflow, bell and three pages, on two cores that other work has, too.
SEEN_WITHIN_MS = 30_000
KEPT = "document.documentElement.dataset.kept"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Chromium; what a page shows is waited for as long as a busy machine needs."""
    expect.set_options(timeout=SEEN_WITHIN_MS)
    with browser.running_browser() as made:
        yield made


def window(browser: Browser, url: str, size: ViewportSize) -> Page:
    """Return a window with cookies of its own; a script error in it fails the test."""
    context = browser.new_context(viewport=size, locale="en", base_url=url, reduced_motion="reduce")
    context.set_default_timeout(SEEN_WITHIN_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    return page


def mark(page: Page) -> None:
    """Mark the page that is in this window now: a reload would lose the mark."""
    page.evaluate(f"{KEPT} = 'yes'")


def is_marked(page: Page) -> bool:
    """Whether the page is still the one that was marked: it came to what it shows by itself."""
    found: object = page.evaluate(KEPT)
    return found == "yes"


def check_for_everyone(page: Page) -> None:
    """Check that axe-core finds nothing serious, and that nothing is wider than the window."""
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert found == [], page.url
    wider = "document.documentElement.scrollWidth > innerWidth"
    assert page.evaluate(wider) is False, page.url


def type_as_scanner(page: Page, text: str) -> None:
    """Type what a hand scanner types: the code and Enter, wherever the focus is."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")
