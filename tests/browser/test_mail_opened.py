"""The page of a reminder in Chromium: who moves there has opened the mail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts import service as carts
from cart.db import reading, unit_of_work
from cart.journeys import loading
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.edge.links import message_link
from mobile_api.settings import ApiSettings
from tests.cart.journeying import REMINDER
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE, RED, SECRET, fill
from tests.real.waiting import wait_until

pytestmark = pytest.mark.browser
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
STAYS_MS: Final = 300
UNTRUSTED: Final = """
for (const name of ["pointerdown", "keydown", "wheel", "touchstart"])
  document.body.dispatchEvent(new Event(name, { bubbles: true }));
document.querySelector("h1").click();
scrollTo(0, 400);
"""


@pytest.fixture
def page_url(engine: Engine, clock: FakeClock, tmp_path: Path) -> Iterator[str]:
    """Return where the link of a reminder leads to that Ada was sent."""
    fill(engine, clock)
    ids, now = RandomIds(), clock.now()
    with unit_of_work(engine) as db:
        hers = carts.open_session(db, clock, ids, locale="en").id
        name = loading.load(db, clock, REMINDER).name
        run = JourneyRunRow(
            id="run", journey=name, version=1, session_id=hers, trigger_id="one", state="running",
            started_at=now, due_at=now,
        )  # fmt: skip
        db.add(run)
        db.flush()
        line = {"gtin": RED, "sku": "lamp-red", "quantity": 1, "price_minor": 18_900}
        message = JourneyMessageRow(
            id="message", run_id="run", journey=name, version=1, session_id=hers, step="first",
            state="sent", requested_at=now, sent_at=now,
            lines=[line | {"currency": "EUR", "location_id": HERE}],
        )  # fmt: skip
        db.add(message)
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    app = create_app(settings, engine=engine, clock=clock, ids=ids, listen=False, mail=False)
    with serving(app) as url:
        yield f"{url}/back/{message_link(SECRET.encode(), 'message')}"


def opened(engine: Engine) -> bool:
    """Say whether it was noted that the mail was opened."""
    with reading(engine) as db:
        return db.exec(select(JourneyMessageRow.opened_at)).one() is not None


def told_by(page: Page) -> list[str]:
    """Return, as it grows, what the page says to the shop."""
    said: list[str] = []
    page.on("request", lambda one: said.append(one.url) if one.method == "POST" else None)
    return said


@pytest.mark.parametrize("sign", ["key", "tap", "wheel"])
def test_a_move_of_hers_tells_it_once(
    browser: Browser, page_url: str, engine: Engine, sign: str
) -> None:
    """Neither the look nor a script's own events do; the first of hers does, and no second."""
    context = browser.new_context(viewport=PHONE, has_touch=True)
    page = context.new_page()
    said = told_by(page)
    page.goto(page_url)
    expect(page.get_by_role("button", name="Put these in my cart")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.evaluate(f"() => {{{UNTRUSTED}}}")
    page.wait_for_timeout(STAYS_MS)
    assert said == []
    assert not opened(engine)
    heading = page.get_by_role("heading", level=1)
    for _ in range(2):
        if sign == "key":
            page.keyboard.press("Tab")
        elif sign == "tap":
            heading.tap()
        else:
            page.mouse.wheel(0, 50)
    wait_until(lambda: opened(engine))
    page.wait_for_timeout(STAYS_MS)
    assert said == [f"{page_url}/opened"]
    context.close()
