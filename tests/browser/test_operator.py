"""The operator's pages in Chromium: three languages, two sizes, by keyboard, live."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cart.db import make_engine
from cart.kernel.ids import RandomIds
from gateway.dead_letters import service as dead_letters
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.fleet import Fleet, operator
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
Opened = Callable[..., Page]


@pytest.fixture
def fleet(sqlite_url: str) -> Iterator[Fleet]:
    """A shop's devices at this moment."""
    engine = make_engine(sqlite_url)
    yield Fleet(Floor(engine, FakeClock(datetime.now(UTC)))).at_work().shared()
    engine.dispose()


@pytest.fixture
def app(fleet: Fleet, tmp_path: Path) -> FastAPI:
    """The application over them."""
    floor, settings = fleet.floor, ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def opened(app: FastAPI, browser: Browser, fleet: Fleet) -> Iterator[Opened]:
    """Open a page as an operator; a script error fails the test."""
    contexts: list[BrowserContext] = []
    token = operator(fleet.floor)

    def fail(error: Any) -> None:  # noqa: ANN401 - Playwright's
        pytest.fail(f"the page's script failed: {error}")

    with serving(app) as url:

        def make(path: str, **how: Any) -> Page:  # noqa: ANN401
            wanted = {"viewport": DESK, "locale": "en", "base_url": url, **how}
            context = browser.new_context(**wanted)
            contexts.append(context)
            context.set_default_timeout(10_000)
            context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
            page = context.new_page()
            page.on("pageerror", fail)
            page.goto(path)
            return page

        yield make
        for context in contexts:
            context.close()


def paths(fleet: Fleet) -> dict[str, str]:
    """Return every page by name."""
    floor = fleet.floor
    (letter,) = floor.look(lambda db: dead_letters.listed(db, limit=10))
    return {
        "overview": "/operator",
        "devices": "/operator/devices",
        "device": f"/operator/devices/{fleet.first.device.device_id}",
        "letters": "/operator/letters",
        "letter": f"/operator/letters/{letter.id}",
        "audit": "/operator/audit",
    }


@pytest.mark.parametrize(
    ("locale", "scheme", "viewport"),
    [("en", "light", PHONE), ("he", "dark", DESK), ("pl", "light", PHONE)],
)
def test_everybody_can_use_it(
    opened: Opened, fleet: Fleet, locale: str, scheme: str, viewport: dict[str, int]
) -> None:
    """No serious finding of axe-core, nothing wider than the screen; Hebrew from the right."""
    how = {"color_scheme": scheme, "reduced_motion": "reduce", "viewport": viewport}
    page = opened("/operator", locale=locale, **how)
    for name, path in paths(fleet).items():
        page.goto(path)
        expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
        assert page.locator("html").get_attribute("lang") == locale
        direction = page.locator("html").get_attribute("dir")
        assert direction == ("rtl" if locale == "he" else "ltr")
        found = Axe().run(page)
        serious = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in found.response["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == [], name
        for size in (DESK, PHONE, viewport):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], name


def test_a_device_is_watched_live(opened: Opened, fleet: Fleet) -> None:
    """What it says is there as it is stored, marked as new; what the reader focused keeps it."""
    page = opened(paths(fleet)["device"])
    expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
    expect(page.locator(".events li")).to_have_count(4)
    page.get_by_role("main").get_by_role("link", name="Devices").focus()
    fleet.hear(fleet.first.message(fleet.first.scanned("v1")))
    expect(page.locator(".events li")).to_have_count(5)
    expect(page.locator(".events li").first).to_have_class("is-new")
    focused = page.evaluate("document.activeElement.getAttribute('href')")
    assert focused == "/operator/devices"


def test_a_device_is_found_by_keyboard(opened: Opened, fleet: Fleet) -> None:
    """What she types stays while the table moves; Enter narrows it; nothing found leads back."""
    page = opened("/operator/devices")
    expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    field = page.get_by_role("searchbox", name="Name or id")
    field.focus()
    page.keyboard.type("LAM")
    spare = fleet.tablets["Spare tablet"]
    fleet.hear(
        spare.message(spare.scanned("v3", sequence=1)),
        spare.message(spare.scanned("v3", sequence=3)),
    )
    expect(page.get_by_role("link", name="1 missing")).to_be_visible()
    expect(field).to_be_focused()
    page.keyboard.type("PS")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Tablet by the lamps")
    expect(field).to_have_value("LAMPS")
    field.fill("nothing of the kind")
    field.press("Enter")
    page.get_by_role("link", name="Show all devices").press("Enter")
    expect(rows).to_have_count(4)


def test_a_partition_that_is_taken_moves_live(opened: Opened, fleet: Fleet) -> None:
    """From the free ones, in the colour of what needs a hand, to its gateway; the tile as well."""
    page = opened("/operator")
    expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
    rows = page.locator(".partitions .waits > li")
    expect(rows.first).to_contain_text("nobody works for these")
    expect(rows.first.locator(".cells li")).to_have_text(["p03", "p07"])
    expect(page.locator(".tile.bad", has_text="Partitions")).to_contain_text("14 / 16")
    fleet.give("m1", "p03", "p07")
    expect(rows.first.locator(".cells li")).to_have_count(8)
    expect(rows).to_have_count(2)
    expect(page.locator(".tile:not(.bad)", has_text="Partitions")).to_contain_text("16 / 16")


def test_a_letter_is_sent_again_by_keyboard(opened: Opened, fleet: Fleet) -> None:
    """Asked first; said no, nothing is sent; said yes, it says how it went."""
    page = opened("/operator/letters")
    page.locator("[data-act=replay]").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    (letter,) = fleet.floor.look(lambda db: dead_letters.listed(db, limit=10))
    assert letter.replayed_at is None
    expect(page.locator("[data-act=replay]")).to_be_focused()  # she is where she was
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Send again").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Still not possible")
    expect(page.locator(".letters .tiny")).to_contain_text("sent again")


def test_without_a_connection_it_says_from_when_it_is(opened: Opened) -> None:
    """Figures that stand still must not look live."""
    page = opened("/operator")
    expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('online'))")  # a fresh stream, which does not come about
    expect(page.locator("#offline")).to_contain_text("What stands here is of then")
