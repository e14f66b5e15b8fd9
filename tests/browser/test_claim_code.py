"""The claim code: shown on a mirror's glass, typed on a phone whose camera does not work."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from cart.kernel.i18n import LOCALES
from cart.kernel.ids import secret_hash
from firmware_sim.mirror.mirror import SimMirror
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop, wait_until
from gateway.wire.claim_code import claim_code
from store_devices.link import LinkState
from tests.browser.shopping import serious
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.journeys.windows import PHONE, window

pytestmark = pytest.mark.browser
GLASS: Final[ViewportSize] = {"width": 1080, "height": 1920}
HERE = "harbour-street"
BOX = "one => [one.scrollWidth - innerWidth, one.scrollHeight - innerHeight]"
# Where each character stands, from the left: read from left to right also in a Hebrew page.
LEFTS = """one => [...one.firstChild.data].map((_, at) => {
  const range = document.createRange();
  range.setStart(one.firstChild, at);
  range.setEnd(one.firstChild, at + 1);
  return range.getBoundingClientRect().left;
})"""


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror that nobody has taken up, online."""
    made = MirrorBench(tmp_path, clock)
    made.commands.link(LinkState(online=True, since=clock.now()))
    yield made
    made.switch_off()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_glass_shows_the_code_of_its_visit(
    bench: MirrorBench, browser: Browser, locale: str
) -> None:
    """One touch away, beside the code to scan; from left to right in Hebrew, too; gone after."""
    serving = bench.serve()
    page = window(browser, serving.url, GLASS)
    page.goto("/")
    page.locator("#begin").click()
    expect(page.locator("#take")).to_be_visible()  # the glass is drawn anew
    page.locator(f"#tongue-{locale}").click()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    expect(page.locator("#claim-code")).to_have_count(0)
    page.locator("#take").click()
    code = page.locator("#claim-code")
    visit = bench.mirror.snapshot().visit
    assert visit is not None
    expect(code).to_have_text(claim_code(secret_hash(visit.secret or "")))
    lefts = code.evaluate(LEFTS)
    assert lefts == sorted(lefts)
    expect(page.locator(".by-code bdi")).to_contain_text("/claim")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.locator("html").evaluate(BOX) == [0, 0]
    assert serious(page) == []
    page.locator("#close").click()
    page.locator("#done").click()
    expect(page.locator("#begin")).to_be_visible()
    assert claim_code(secret_hash(visit.secret or "")) not in page.content()
    page.context.close()
    serving.stop()


@pytest.fixture
def shop(open_carryover_shop: OpenShop) -> RunningShop:
    """A running shop."""
    return open_carryover_shop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_typed_on_a_phone_the_glass_greets(
    browser: Browser, shop: RunningShop, tmp_path: Path
) -> None:
    """Wrong first, then small and without a space: she is at her looks, the glass knows her."""
    mirror = SimMirror.enrol(tmp_path, shop.url, shop.server.token(HERE, "Room 1", "mirror"))
    mirror.start()
    try:
        wait_until(lambda: mirror.on.agent.snapshot().link.online, 30, "the broker")
        glass, phone = window(browser, mirror.on.url, GLASS), window(browser, shop.url, PHONE)
        glass.goto("/")
        glass.locator("#begin").click()
        glass.locator("#take").click()
        shown = glass.locator("#claim-code").inner_text()
        phone.goto("/looks")
        phone.get_by_role("link", name="Type the code of a tablet or a mirror").click()
        phone.wait_for_url("**/claim")
        assert serious(phone) == []
        field = phone.get_by_label("Code on the screen")
        field.fill(shown[:-1])
        phone.get_by_role("button", name="Join").click()
        expect(phone.get_by_role("alert")).to_contain_text("ten letters and digits")
        expect(field).to_be_focused()
        expect(field).to_have_value(shown[:-1])
        assert serious(phone) == []
        wait_until(lambda: len(mirror.on.spool) == 0, 20, "the event")
        field.fill(shown.replace(" ", "").lower())
        phone.keyboard.press("Enter")
        phone.wait_for_url("**/looks")
        expect(phone.get_by_role("button", name="Yes, keep my looks")).to_be_visible()
        expect(glass.get_by_text("Your phone is with us")).to_be_visible()
        expect(glass.locator("#claim-code")).to_have_count(0)
        for page in (glass, phone):
            page.context.close()
    finally:
        mirror.stop()
