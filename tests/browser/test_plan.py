"""A plan in Chromium: made at home, booked, followed in the shop, and staff see her come."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, ViewportSize, expect
from sqlalchemy import Engine

from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.planning import PlanShop
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire

pytestmark = pytest.mark.browser
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> PlanShop:
    """A shop that plans are made for."""
    return PlanShop(engine, clock)


@pytest.fixture
def app(shop: PlanShop, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    floor = shop.floor
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """The address of the running application."""
    with serving(app) as address:
        yield address


def test_from_home_to_the_shop(browser: Browser, app: FastAPI, url: str, shop: PlanShop) -> None:
    """Chosen, booked, seen by staff; her band comes in, and the phone leads on from there."""
    theirs = browser.new_context(viewport=PHONE)
    theirs.add_cookies([{"name": COOKIE, "value": hire(shop.floor, "7"), "url": url}])
    staff = theirs.new_page()
    staff.goto(f"{url}/staff/bookings")
    hers = browser.new_context(viewport=PHONE).new_page()
    for product in ("lamp", "mug"):
        hers.goto(f"{url}/p/{product}")
        hers.locator("[data-act=add]").first.click()
        expect(hers.locator(".toast")).to_be_visible()
    hers.goto(f"{url}/plan")
    hers.get_by_role("link", name="harbour-street").click()
    hers.get_by_label("What may we call you?").fill("Ada")
    assert Axe().run(hers).response["violations"] == []
    hers.get_by_role("button", name="Make my plan").click()
    room = hers.locator("[data-serves=fitting_room]")
    room.get_by_role("button", name="Book").click()
    expect(room.locator(".booked")).to_be_visible()
    expect(staff.get_by_role("heading", name="Ada")).to_be_visible()
    expect(staff.get_by_text("expected")).to_be_visible()
    assert Axe().run(hers).response["violations"] == []
    assert Axe().run(staff).response["violations"] == []
    shop.wear(7)
    for notice in shop.walk("lamp-zone"):  # as the gateway tells it
        app.state.parts.bells.hear(notice)
    expect(hers.locator(".next-stop")).to_contain_text("You are there: next stop")
    expect(hers.locator(".next-where")).to_have_text("Lamps, bay 3")
    expect(staff.get_by_text("here since")).to_be_visible()
    hers.locator(".next-stop").get_by_role("button", name="Done: Lamp").click()
    expect(hers.locator(".next-where")).to_have_text("Mugs, bay 1")
    hers.locator(".toast").get_by_role("button", name="Undo").click()
    expect(hers.locator(".next-where")).to_have_text("Lamps, bay 3")
    for notice in shop.walk("mug-zone"):
        app.state.parts.bells.hear(notice)
    expect(hers.locator(".next-where")).to_have_text("Mugs, bay 1")
    staff.get_by_role("button", name="Served").click()
    expect(room.locator(".booked")).to_contain_text("done")
