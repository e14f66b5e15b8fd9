"""Her page of privacy in Chromium: three languages, two sizes, by keyboard, without scripts."""

from typing import Final

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from cart.db import reading
from cart.profile.consent.model import Purpose, Subject
from cart.profile.queries import customer_of
from mobile_api.privacy.withdrawing import withdrawal_headers
from tests.browser.shopping import IN_EACH_LANGUAGE, PHONE, come_in, looked_at
from tests.mobile_api.signing_in import ADA

pytestmark = pytest.mark.browser
NEWS: Final = "marketing_email"
STOPS_MAX: Final = 12  # by Tab from the top of the page to the first switch


def link_of(shop: FastAPI) -> str:
    """Return the path of the link in a mail of news to Ada."""
    parts = shop.state.parts
    with reading(parts.engine) as db:
        subject = Subject(customer_id=customer_of(db, ADA) or "")
        headers = withdrawal_headers(db, parts.settings, subject, Purpose.MARKETING_EMAIL)
    return "/withdraw/" + headers["List-Unsubscribe"].strip("<>").rpartition("/")[2]


def on(page: Page) -> list[str]:
    """Return which switches are on."""
    every = page.locator(".purpose").all()
    return [
        str(one.get_attribute("id"))
        for one in every
        if one.locator('[role=switch][aria-checked="true"]').count()
    ]


@pytest.mark.parametrize(("locale", "size"), IN_EACH_LANGUAGE, ids=["en", "he", "pl"])
def test_everyone_can_read_it_and_decide(
    browser: Browser, url: str, shop: FastAPI, locale: str, size: dict[str, int]
) -> None:
    """Axe finds nothing serious on any state of the page, and nothing is wider than the screen."""
    context = browser.new_context(viewport=size, locale=locale, base_url=url)  # type: ignore[arg-type]
    page, mark = context.new_page(), f"{locale}-{size['width']}"
    page.goto("/privacy")
    assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "he" else "ltr")
    expect(page.get_by_role("switch")).to_have_count(4)
    looked_at(page, f"{mark}-anonymous")
    come_in(page, shop)
    page.goto("/privacy")
    expect(page.get_by_role("switch")).to_have_count(6)
    for purpose in (NEWS, "mirror_video"):
        page.locator(f"#{purpose}").get_by_role("switch").click()
        expect(page.locator(f"#{purpose}").get_by_role("status")).to_be_visible()
    assert on(page) == [NEWS, "mirror_video"]
    looked_at(page, f"{mark}-on")
    page.locator(".past summary").first.click()
    looked_at(page, f"{mark}-history")
    link = link_of(shop)
    page.goto(link)
    looked_at(page, f"{mark}-link")
    page.locator("main form button").click()
    expect(page.locator("main [role=status]")).to_be_visible()
    looked_at(page, f"{mark}-withdrawn")
    page.goto("/privacy")
    assert on(page) == ["mirror_video"]
    context.set_extra_http_headers({"Sec-GPC": "1"})
    page.goto("/privacy")
    expect(page.get_by_role("switch")).to_have_count(4)
    looked_at(page, f"{mark}-signal")
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_by_keyboard_with_and_without_scripts(
    browser: Browser, url: str, shop: FastAPI, *, scripts: bool
) -> None:
    """The switch is reached by Tab and pressed by Space; its name and state are told."""
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        locale="en",
        base_url=url,
        java_script_enabled=scripts,
    )
    page = context.new_page()
    come_in(page, shop)
    page.goto("/privacy")
    wanted = page.get_by_role("switch", name="News and offers by e-mail", checked=False)
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        if page.locator(f"#{NEWS} [role=switch]:focus").count():
            break
    expect(wanted).to_be_focused()
    page.keyboard.press("Space")
    page.wait_for_url(f"**/privacy?saved={NEWS}#{NEWS}")
    pressed = page.get_by_role("switch", name="News and offers by e-mail", checked=True)
    expect(pressed).to_have_count(1)
    expect(page.get_by_text("On from now on.")).to_be_in_viewport()
    page.get_by_role("button", name="Switch everything off").click()
    expect(page.get_by_text("Everything is off.")).to_be_visible()
    assert on(page) == []
    expect(page.locator(".past > li")).to_have_count(7)
    context.close()
