"""The preference page, segments and topics in Chromium: by keyboard, two sizes, right to left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.picking.roles import Role
from cart.profile.consent import queries as ledger
from cart.profile.consent.model import Purpose, Subject
from cart.profile.queries import customer_of
from cart.profile.subscriptions import queries, service
from mobile_api.app import create_app
from mobile_api.edge.links import choices_link
from mobile_api.settings import ApiSettings
from tests.browser.shopping import DESKTOP, PHONE, come_in, looked_at, speaks
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.signing_in import ADA
from tests.mobile_api.staffing import COOKIE, hire
from tests.mobile_api.test_privacy import gate_says

pytestmark = pytest.mark.browser
NEWS = Purpose.MARKETING_EMAIL.value


def make_topic(shop: FastAPI) -> None:
    """Make a topic with names in three languages."""
    names = {"en": "Lamps & light", "he": "מנורות ואור", "pl": "Lampy i światło"}
    parts = shop.state.parts
    with unit_of_work(parts.engine) as db:
        service.make_topic(db, parts.clock, topic_id="lamps", names=names, abouts={"en": "New"})


def link_of(shop: FastAPI) -> str:
    """Return the page that a letter to Ada leads to."""
    parts = shop.state.parts
    with reading(parts.engine) as db:
        subject = Subject(customer_id=customer_of(db, ADA) or "")
        subject_id = ledger.subject_id_of(db, subject) or ""
    return f"/letters/by/{choices_link(parts.settings.key(), subject_id)}"


def state_of(shop: FastAPI) -> list[str]:
    """Return the states of Ada's subscriptions."""
    with reading(shop.state.parts.engine) as db:
        return [one.state for one in queries.mine(db, customer_of(db, ADA) or "")]


def test_she_chooses_leaves_and_takes_it_back_by_the_link(
    browser: Browser, url: str, shop: FastAPI
) -> None:
    """Signed in she switches on; from the mail, on another device, in Hebrew, all off, and undo."""
    make_topic(shop)
    context = browser.new_context(viewport=PHONE, locale="en", base_url=url)  # type: ignore[arg-type]
    page = context.new_page()
    come_in(page, shop)
    page.goto("/letters/by/me")
    looked_at(page, "letters-off")
    page.locator(f"#{NEWS}").get_by_role("switch").press("Enter")
    page.get_by_role("switch", name="Lamps & light").press("Enter")
    expect(page.get_by_role("switch", name="Lamps & light")).to_have_attribute(
        "aria-checked", "true"
    )
    looked_at(page, "letters-on")
    assert (gate_says(shop, NEWS), state_of(shop)) == (True, ["confirmed"])
    context.close()
    context = browser.new_context(viewport=DESKTOP, locale="he", base_url=url)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(link_of(shop))
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert ADA not in page.content()
    page.locator(".all-off button").press("Enter")
    expect(page.locator(".saved")).to_be_visible()
    assert (gate_says(shop, NEWS), state_of(shop)) == (False, ["left"])
    looked_at(page, "letters-left")
    page.locator(".undo-left button").press("Enter")
    expect(page.locator(".undo-left")).to_have_count(0)
    assert (gate_says(shop, NEWS), state_of(shop)) == (True, ["confirmed"])
    context.close()


@pytest.fixture
def marketer(engine: Engine, tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """A marketer's phone."""
    floor = Floor(engine, FakeClock(SystemClock().now()))
    token = hire(floor, "35", role=Role.MARKETER)
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    app = create_app(settings, engine=engine, mail=False, listen=False)
    with serving(app) as url:
        context = browser.new_context(viewport=PHONE, locale="en", base_url=url)  # type: ignore[arg-type]
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        yield context.new_page()
        context.close()


def test_a_segment_is_composed_counted_and_begun(marketer: Page) -> None:
    """A fault is said, a rule counted in words, the draft kept and begun; Hebrew likewise."""
    page, errors = marketer, list[str]()
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
    page.goto("/staff/segments")
    looked_at(page, "segments-none")
    condition = page.get_by_role("group", name="Condition 1")
    condition.get_by_label("What").select_option(label="Scanned")
    condition.get_by_label("Times, pieces").fill("2")
    condition.get_by_label("Days back").fill("14")
    page.get_by_role("button", name="Count", exact=True).press("Enter")
    expect(page.locator(".segment-count")).to_contain_text("as of now")
    expect(condition.get_by_label("Days back")).to_have_value("14")
    looked_at(page, "segments-counted")
    page.get_by_label("Name of the segment, to keep it").fill("Twice in a fortnight")
    page.get_by_role("button", name="Keep as a draft").press("Enter")
    page.wait_for_url("**/staff/segments/*")
    page.get_by_role("button", name="Begin").press("Enter")
    expect(page.get_by_role("button", name="End for good")).to_be_visible()
    page.goto("/staff/segments")
    expect(page.get_by_role("link", name="Twice in a fortnight")).to_be_visible()
    speaks(page, "עברית", "he")
    assert page.locator("html").get_attribute("dir") == "rtl"
    looked_at(page, "segments-he")
    assert errors == []


def test_a_topic_is_made_and_written_to(marketer: Page) -> None:
    """By keyboard; what is missing the browser says, what went is told in numbers."""
    page = marketer
    page.goto("/staff/topics")
    page.get_by_text("Make a topic").press("Enter")
    page.get_by_label("Short id").fill("lamps")
    page.get_by_label("Name · English").fill("Lamps")
    looked_at(page, "topics-make")
    page.get_by_role("button", name="Make it").press("Enter")
    expect(page.get_by_role("heading", name="Lamps")).to_be_visible()
    page.get_by_text("Write to them").press("Enter")
    page.get_by_label("Subject · English").fill("New lamps")
    page.get_by_role("button", name="Send to all readers").press("Enter")
    expect(page.get_by_label("Text · English")).to_be_focused()  # it is missing
    page.get_by_label("Text · English").fill("They are here.")
    page.get_by_role("button", name="Send to all readers").press("Enter")
    expect(page.locator(".issues")).to_contain_text("New lamps")
    looked_at(page, "topics-written")
    speaks(page, "עברית", "he")
    looked_at(page, "topics-he")
