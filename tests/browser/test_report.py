"""The report in a browser: chosen by form, read by everybody, printed."""

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from cart.kernel.clock import SystemClock
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.browser.shopping import speaks
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.reporting import five
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire

pytestmark = pytest.mark.browser


def test_a_marketer_chooses_a_shop_and_a_device(
    engine: Engine, tmp_path: Path, browser: Browser
) -> None:
    """On a phone, in Hebrew too: nothing sticks out, axe finds nothing, CSP refuses nothing."""
    now = SystemClock().now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    clock = FakeClock(noon - timedelta(days=2))  # a day that is over in every time zone
    floor = Floor(engine, clock)
    five(floor)
    clock.jump((now - clock.now()).total_seconds())
    token = hire(floor, "35", role=Role.MARKETER)
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    app = create_app(settings, engine=engine, mail=False, listen=False)
    with serving(app) as url:
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=url)
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
        page.goto("/staff/report")
        page.get_by_text("All shops", exact=True).click()
        page.get_by_label(HERE).check()
        page.get_by_label("Began with").select_option(label="Tablet")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**device=tablet**")
        funnel = page.get_by_role("region", name="From scan to sale")
        expect(funnel.get_by_role("listitem").first).to_contain_text("5 100%")
        expect(page.get_by_label(HERE)).to_be_checked()
        for language, tag in (("עברית", "he"), ("English", "en")):
            speaks(page, language, tag)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide == 390
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV funnel").click()
        assert download.value.suggested_filename == "funnel.csv"
        page.emulate_media(media="print")
        expect(page.locator(".report-form")).to_be_hidden()
        assert errors == []
        context.close()
