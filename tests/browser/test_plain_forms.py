"""From the cart to the bank and back to the ticket in Chromium with scripts switched off."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine
from sqlmodel import select

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.orders import terms
from cart.orders.terms import Terms
from inventory_api.catalogue.tables import LocationRow, PriceRow
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.mobile_api.served import serving
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, SECRET, fill, stock

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A shop's database."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def url(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """A shop that is always open and takes one order a quarter hour, with the test bank."""
    clock = SystemClock()
    fill(engine, clock)
    stock(engine, clock, HERE, "mug", 5)
    with unit_of_work(engine) as db:
        for place in db.exec(select(LocationRow)):
            place.opening_hours = {}
            db.add(place)
        terms.put(db, Terms(HERE, tax_rate_bp=2300, ships=True, orders_per_quarter=1))
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    with serving(create_app(settings, engine=engine, listen=False)) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A phone without scripts, with a lamp in its cart."""
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        locale="en",
        base_url=url,
        java_script_enabled=False,
    )
    put(context, RED)
    yield context.new_page()
    context.close()


def put(context: BrowserContext, gtin: str, quantity: int = 1) -> None:
    """Put an article into this phone's cart."""
    answer = context.request.post(
        "/api/v1/cart/lines",
        data={"gtin": gtin, "quantity": quantity, "location_id": HERE},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.ok, answer.text()


def test_a_cart_becomes_a_ticket_without_scripts(page: Page) -> None:
    """A time is chosen, the address is kept, the bank is paid, the ticket is there."""
    page.goto("/")
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    chip = page.locator("label.chip", has=page.locator("#slot-2"))
    when = chip.locator("bdi").inner_text()
    expect(chip).to_contain_text("1 place left")
    chip.click()
    page.locator("#email").fill("nobody")
    page.get_by_role("button", name="Save these choices").first.click()
    # The browser itself refuses the address: nothing was sent.
    page.locator("#email").fill("ada@example.org")
    page.get_by_role("button", name="Save these choices").first.click()
    expect(page.locator("#slot-2")).to_be_checked()
    expect(page.locator("#email")).to_have_value("ada@example.org")
    expect(page.locator(".till")).to_contain_text(when)
    page.get_by_role("button", name="Pay €").click()
    expect(page.get_by_role("heading", name="We keep these pieces for you until")).to_be_visible()
    page.get_by_role("button", name="Stop and change").click()
    expect(page.locator("#slot-2")).to_be_checked()
    page.get_by_role("button", name="Pay €").click()
    page.get_by_role("link", name="Continue to payment").click()
    page.wait_for_url("**/sandbox/pay/**")
    page.get_by_role("button", name="Pay It succeeds at once.").click()
    page.wait_for_url("**/orders/**")
    expect(page.locator(".order")).to_be_visible()
    expect(page.locator(".ticket, .code").first).to_be_visible()


def test_problems_are_decided_without_scripts(page: Page, engine: Engine) -> None:
    """Three of five, one off, one to a list, a new price; then the bank, and the ticket."""
    for gtin, quantity in ((RED, 4), (BLUE, 1), (MUG, 2)):
        put(page.context, gtin, quantity)
    with unit_of_work(engine) as db:
        price = db.get_one(PriceRow, ("mug", "EUR"))
        price.price_minor = 1_500
        db.add(price)
    page.goto("/")
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_text("3 things to decide before you pay.")).to_be_visible()
    pay = page.get_by_role("button", name="Pay €")
    expect(pay).to_be_disabled()
    page.get_by_role("button", name="Take 3").click()
    expect(page.get_by_text("2 things to decide before you pay.")).to_be_visible()
    page.get_by_role("button", name="Buy it for €15.00").click()
    expect(page.get_by_text("1 thing to decide before you pay.")).to_be_visible()
    blue = page.locator(f'[data-gtin="{BLUE}"]')
    blue.get_by_role("button", name="Move to a list").click()
    expect(pay).to_be_enabled()
    put(page.context, BLUE)
    page.reload()
    expect(pay).to_be_disabled()
    blue.get_by_role("button", name="Remove").click()
    expect(blue).to_have_count(0)
    page.get_by_text("Have it sent").click()
    page.get_by_role("button", name="Save these choices").first.click()
    expect(page.get_by_text("We need to know where it goes.")).to_be_visible()
    page.get_by_role("link", name="Fill in the address").click()
    expect(page.locator("#address-name:target")).to_be_visible()
    page.get_by_role("button", name="Collect it at the shop").click()
    expect(pay).to_have_text("Pay €597.00")
    pay.click()
    page.get_by_role("link", name="Continue to payment").click()
    page.wait_for_url("**/sandbox/pay/**")
    page.get_by_role("button", name="Pay It succeeds at once.").click()
    page.wait_for_url("**/orders/**")
    expect(page.locator(".ticket-code")).to_be_visible()
    page.goto("/lists")
    expect(page.get_by_text("Arc <lamp>")).to_be_visible()
