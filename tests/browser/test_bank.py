"""The test bank's page in Chromium: for everyone, by keyboard, in three languages."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from cart.kernel.clock import SystemClock
from cart.ports import PaymentWish
from mobile_api.app import create_app
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import Choice, PaymentState
from mobile_api.settings import ApiSettings
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET

pytestmark = pytest.mark.browser
SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 800})


@pytest.fixture
def street(sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Bank, str]]:
    """The bank's books, and the address of its pages."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, database_url=sqlite_url)
    app = create_app(settings, listen=False, mail=False)
    with serving(app) as url:
        yield app.state.parts.payments.active.bank, url


def wish(reference: str, url: str) -> PaymentWish:
    """Return a wish for seventy-eight euros; both ways lead back to the cart."""
    return PaymentWish(
        reference=reference,
        amount_minor=7_800,
        currency="EUR",
        description="Harbour Street",
        locale="en",
        success_url=f"{url}/?paid",
        cancel_url=f"{url}/",
        expires_at=SystemClock().now() + timedelta(minutes=15),
    )


@pytest.mark.parametrize(
    ("language", "direction", "said"),
    [("en", "ltr", "Test bank"), ("he", "rtl", "בנק לניסיון"), ("pl", "ltr", "Bank testowy")],
)
def test_the_page_is_for_everyone(
    browser: Browser, street: tuple[Bank, str], language: str, direction: str, said: str
) -> None:
    """No finding of axe-core on any of its three faces, nothing wider than the screen."""
    bank, url = street
    asked, confirmed, paid = (bank.create(wish(name, url)).ref for name in ("a", "b", "c"))
    bank.choose(confirmed, Choice.CONFIRM)
    bank.choose(paid, Choice.PAY)
    for size in SIZES:
        context = browser.new_context(viewport=size, locale=language, base_url=url)  # type: ignore[arg-type]
        page = context.new_page()
        for ref in (asked, confirmed, paid):
            page.goto(f"/sandbox/pay/{ref}")
            expect(page.locator("html")).to_have_attribute("dir", direction)
            expect(page.locator(".test")).to_contain_text(said)
            assert Axe().run(page).response["violations"] == []
            wider = "document.documentElement.scrollWidth > innerWidth"
            assert page.evaluate(wider) is False
        context.close()


def test_paid_by_keyboard_and_back_in_the_shop(browser: Browser, street: tuple[Bank, str]) -> None:
    """Tab to the second choice, Enter; Tab, Enter on the second page; no script is needed."""
    bank, url = street
    ref = bank.create(wish("a", url)).ref
    context = browser.new_context(base_url=url, locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/sandbox/pay/{ref}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Pay with 3-D Secure")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your bank asks")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?paid")
    assert bank.payment(ref).state is PaymentState.CAPTURED
    context.close()
