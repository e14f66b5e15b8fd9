"""Signing in, in Chromium: scripts on and off, three languages, phone and desktop, a passer-by."""

import re

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from tests.browser.shopping import IN_EACH_LANGUAGE, PHONE, becomes, come_in, looked_at, put
from tests.mobile_api.shop import BLUE, MUG, RED
from tests.mobile_api.signing_in import ADA, code

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("locale", "size"), IN_EACH_LANGUAGE, ids=["en", "he", "pl"])
def test_every_page_of_signing_in_can_be_read_by_everyone(
    browser: Browser, url: str, shop: FastAPI, locale: str, size: dict[str, int]
) -> None:
    """Axe finds nothing serious, nothing is wider than the screen, Hebrew runs from the right."""
    context = browser.new_context(viewport=size, locale=locale, base_url=url)  # type: ignore[arg-type]
    page = context.new_page()
    home = browser.new_context(base_url=url)
    put(home, MUG, 2)
    come_in(home.new_page(), shop)
    put(context, RED, 2)
    put(context, BLUE)
    mark = f"{locale}-{size['width']}"
    page.goto("/sign-in")
    assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "he" else "ltr")
    looked_at(page, f"{mark}-address")
    page.locator("input[name=email]").fill(ADA)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")
    page.locator("input[name=code]").fill("000 000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).not_to_be_empty()
    looked_at(page, f"{mark}-code")
    page.locator("input[name=code]").fill(code(shop))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    expect(page.locator("#joined")).to_be_visible()
    looked_at(page, f"{mark}-joined")
    page.goto("/account")
    expect(page.locator(".phones li")).to_have_count(2)
    looked_at(page, f"{mark}-account")
    for one in (context, home):
        one.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_cart_joins_is_undone_and_comes_back(
    browser: Browser, url: str, shop: FastAPI, *, scripts: bool
) -> None:
    """Two lamps on this phone, two mugs at home; the press of one button gives both back."""
    home = browser.new_context(base_url=url)
    put(home, MUG, 2)
    come_in(home.new_page(), shop)
    here = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        locale="en",
        base_url=url,
        java_script_enabled=scripts,
    )
    put(here, RED, 2)
    page = here.new_page()
    come_in(page, shop)
    expect(page.locator("#joined")).to_contain_text("2 things from this phone")
    expect(page.locator(".lines .line")).to_have_count(2)
    page.locator("#joined").get_by_role("button", name="Undo").click()
    expect(page.locator("#joined")).to_have_count(0)
    expect(page.locator(".lines .line")).to_have_count(1)
    expect(page.locator(".lines .line")).to_contain_text("Harbour mug")
    page.get_by_role("link", name="My account").click()
    page.get_by_role("button", name="Sign out on this phone").click()
    page.wait_for_url("**/sign-in")
    page.goto("/")
    expect(page.locator(".lines .line")).to_contain_text("Arc <lamp>")
    for one in (here, home):
        one.close()


def test_signing_out_leaves_nothing_of_hers_in_the_browser(
    browser: Browser, url: str, shop: FastAPI
) -> None:
    """Pages kept for being without a network are hers: they go, and are not shown later."""
    phone = browser.new_context(base_url=url, locale="en")
    page = phone.new_page()
    come_in(page, shop)
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.goto("/")  # this time by the worker, which keeps it
    kept = "caches.open('pages').then((kept) => kept.keys()).then((keys) => keys.length)"
    becomes(page, f"{kept}.then((count) => count > 0)")
    page.goto("/account")
    page.get_by_role("button", name="Sign out on this phone").click()
    page.wait_for_url("**/sign-in")
    assert page.evaluate(kept) == 0
    phone.close()


def test_a_phone_that_is_signed_out_elsewhere_shows_nothing_of_hers(
    browser: Browser, url: str, shop: FastAPI
) -> None:
    """Its open page is told nothing more, and the next look finds an empty cart."""
    lost, kept = (browser.new_context(base_url=url, locale="en") for _ in range(2))
    page, other = lost.new_page(), kept.new_page()
    come_in(page, shop)
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.goto("/wristband")  # says no-store
    page.goto("/lists")
    page.goto("/")  # both by the worker, which keeps them
    urls = "caches.open('pages').then((kept) => kept.keys())"
    names = f"{urls}.then((all) => all.map((one) => new URL(one.url).pathname))"
    becomes(page, f"{names}.then((all) => all.includes('/lists') && all.includes('/'))")
    assert "/wristband" not in page.evaluate(names)
    expect(page.locator("#live")).to_have_text("live")
    come_in(other, shop)
    other.goto("/account")
    other.get_by_role("button", name="Sign out everywhere").click()
    other.wait_for_url("**/sign-in")
    expect(page.locator("#live")).not_to_have_text("live")
    page.goto("/")
    expect(page.get_by_text("Your cart is empty")).to_be_visible()
    becomes(page, f"{names}.then((all) => !all.includes('/lists'))")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('/lists'))") == []
    page.goto("/account")
    page.wait_for_url("**/sign-in")
    for one in (lost, kept):
        one.close()
