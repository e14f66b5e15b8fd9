"""One visit in two windows: the kiosk on the tablet and the page on the phone, all parts real.

Nothing is reloaded: what one window does, the other shows by itself.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import products
from firmware_sim.testing import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
HERE = "harbour-street"
FIRST, SECOND = products(7)[0].variants[0], products(7)[40].variants[0]
ONE, TWO = str(Gtin.parse(FIRST.gtin)), str(Gtin.parse(SECOND.gtin))
ACTED_WITHIN_MS = 20_000


def window(browser: Browser, width: int, height: int) -> Page:
    """Return a page of its own person; a script error fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en", reduced_motion="reduce"
    )
    context.set_default_timeout(ACTED_WITHIN_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    return page


def serious(page: Page) -> list[str]:
    """Return axe-core's serious and critical findings."""
    found = Axe().run(page).response["violations"]
    return [str(one["id"]) for one in found if one["impact"] in {"serious", "critical"}]


def test_a_visit_in_two_windows(browser: Browser, carryover_shop: RunningShop) -> None:
    """Scanned, claimed by the link in the QR code, live on both, cleared by Done."""
    shop = carryover_shop
    for sku in (FIRST.sku, SECOND.sku):
        shop.server.command("inventory_api.cli", "count", HERE, sku, "9", "--safety-stock", "0")
    tablet = shop.take_tablet()
    kiosk = window(browser, 1280, 800)
    kiosk.goto(tablet.device.url)

    tablet.scan(ONE)
    expect(kiosk.locator(f"#line-{ONE}")).to_be_visible()
    expect(kiosk.locator(".shops .here")).to_contain_text("9 pieces")

    phone = window(browser, 390, 844)
    link = tablet.link
    phone.goto(link)
    phone.wait_for_url(f"{shop.url.rstrip('/')}/")
    expect(phone.locator(f'.line[data-gtin="{ONE}"]')).to_be_visible()
    expect(kiosk.get_by_text("It is on your phone")).to_be_visible()

    tablet.scan(TWO)
    expect(phone.locator(f'.line[data-gtin="{TWO}"]')).to_be_visible()
    assert serious(phone) == []
    assert serious(kiosk) == []

    shop.server.move(HERE, SECOND.sku, -8)
    expect(kiosk.locator(".shops .here")).to_contain_text("1 piece")
    expect(phone.locator(f'.line[data-gtin="{TWO}"] [data-stock]')).to_contain_text("1 left")

    phone.locator(f'.line[data-gtin="{ONE}"]').get_by_role("button", name="One less of").click()
    expect(phone.locator(f'.line[data-gtin="{ONE}"]')).to_have_count(0)
    expect(kiosk.locator(f"#line-{ONE}")).to_have_count(0)

    other = window(browser, 390, 844)
    other.goto(link)
    expect(other.locator("main")).to_contain_text("another phone")
    expect(other.locator(".line")).to_have_count(0)

    tablet.put_down()
    expect(kiosk.locator(f"#line-{TWO}")).to_have_count(0)
    expect(phone.locator(f'.line[data-gtin="{TWO}"]')).to_be_visible()
    for page in (kiosk, phone, other):
        page.context.close()
