"""The floor in Chromium: three come, and the number is there without a reload."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, ViewportSize, expect
from sqlalchemy import Engine

from cart.kernel.ids import RandomIds
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.notices import FloorChanged
from gateway.presence.changes import Change, Kind
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire

pytestmark = pytest.mark.browser
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
PLAN: Final = b"""
[[zone]]
id = "door"
areas = [[0, 0, 6, 6]]
[[zone]]
id = "back"
areas = [[6, 0, 12, 6]]
"""


@dataclass
class Shop:
    """A drawn floor that is served, and somebody of its staff."""

    url: str
    token: str
    floor: Floor
    app: FastAPI

    def come(self, *numbers: int) -> None:
        """Let bands come in at the door, and ring."""
        settled = [
            Settled(Change(Kind.ARRIVED, one, "door", "", 0.0), HERE, f"loan-{one}")
            for one in numbers
        ]
        self.floor.do(lambda db: keep(db, self.floor.clock, settled))
        self.app.state.parts.bells.hear(FloorChanged(HERE))


@pytest.fixture
def shop(engine: Engine, clock: FakeClock, tmp_path: Path) -> Iterator[Shop]:
    """The shop."""
    floor = Floor(engine, clock)
    floor.do(lambda db: draw(db, HERE, read_plan(PLAN)))
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    app = create_app(
        settings, engine=engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    token = hire(floor, "7")
    with serving(app) as url:
        yield Shop(url, token, floor, app)


def test_three_who_come_are_on_the_map_without_a_reload(browser: Browser, shop: Shop) -> None:
    """Two are a few, three are a number; the page says the same to everybody."""
    context = browser.new_context(viewport=PHONE)
    context.add_cookies([{"name": COOKIE, "value": shop.token, "url": shop.url}])
    page = context.new_page()
    page.goto(f"{shop.url}/staff/floor")
    door = page.locator(".zone[data-zone=door]")
    expect(door.locator(".zone-people")).to_have_text("\N{EN DASH}")
    page.evaluate("window.seenSince = 1")
    shop.come(1, 2)
    expect(door.locator(".zone-people")).to_have_text("a few")
    assert page.locator("text=2 people").count() == 0
    shop.come(3)
    expect(door.locator(".zone-people")).to_have_text("3")
    row = page.get_by_role("row").filter(has_text="door")
    expect(row.locator("td").first).to_have_text("3")
    assert page.evaluate("window.seenSince") == 1
    assert Axe().run(page).response["violations"] == []
    context.close()
