"""A wristband held to the tablet, in Chromium: greeted, told why not, and gone from the page."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gateway.wire.downlink import (
    BeginVisit,
    CartData,
    Clear,
    ClearData,
    GreetData,
    ShowCart,
    ShownLine,
    TapOutcome,
)
from store_devices.link import LinkState
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import MUG, Bench

pytestmark = pytest.mark.browser

LONG = "Wilhelmina Anna-Katarzyna Brzęczyszczykiewicz-Konstantynopolitańczykowianeczka"


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up, online."""
    made = Bench(tmp_path, clock)
    made.commands.link(LinkState(online=True, since=clock.now()))
    yield made
    made.switch_off()


@pytest.fixture
def page(bench: Bench, browser: Browser) -> Iterator[Page]:
    """Its screen, of ten inches."""
    serving = bench.serve()
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", has_touch=True
    )
    made = context.new_page()
    with made.expect_request("**/events"):  # the script runs and listens
        made.goto(serving.url)
    yield made
    context.close()
    serving.stop()


def greet(bench: Bench, name: str, locale: str) -> None:
    """Let the server begin her visit, with a mug on her list."""
    until = bench.clock.now() + timedelta(seconds=15)
    said = {"visit": "hers", "greeting": name, "locale": locale, "until": until}
    data = GreetData.model_validate(said)
    bench.commands.command(BeginVisit(id="c1", time=bench.clock.now(), data=data))
    line = ShownLine(gtin=MUG, quantity=2, name="Mug", price_minor=1400, currency="EUR")
    cart = CartData(visit="hers", version=1, lines=(line,))
    bench.commands.command(ShowCart(id="c2", time=bench.clock.now(), data=cart))


def sound(page: Page) -> None:
    """Hold it to what axe finds serious, and to the width of the screen."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("name", "locale", "said", "direction"),
    [
        ("Dana", "en", "Hello Dana", "ltr"),
        ("דנה", "he", "שלום דנה", "rtl"),
        (LONG, "pl", "Dzień dobry, Wilhelmina", "ltr"),
    ],
)
def test_a_greeting_on_the_screen(
    page: Page, bench: Bench, *, name: str, locale: str, said: str, direction: str
) -> None:
    """Large, in her language and direction, her list beside it; a long name is cut, not broken."""
    greet(bench, name, locale)
    hello = page.locator(".prompt .hello")
    expect(hello).to_be_visible()
    assert said in hello.inner_text().replace("\u2068", "").replace("\u2069", "")
    expect(page.locator("#screen")).to_have_attribute("dir", direction)
    expect(page.locator(f"#line-{MUG} output")).to_have_text("2")
    expect(page.locator("#take")).to_have_count(0)
    expect(page.locator("#done")).to_be_in_viewport()
    box = hello.bounding_box()
    assert box is not None
    assert box["height"] < 80, "one line"
    sound(page)
    data = ClearData(visit="hers", reason="left")
    bench.commands.command(Clear(id="c3", time=bench.clock.now(), data=data))
    expect(page.locator("#begin")).to_be_visible()
    assert name not in page.content()


@pytest.mark.parametrize("outcome", list(TapOutcome))
@pytest.mark.parametrize("in_use", [False, True])
def test_why_nothing_begins(page: Page, bench: Bench, outcome: TapOutcome, *, in_use: bool) -> None:
    """Said over the screen, in a colour that blames nobody, moving nothing; gone by itself."""
    if in_use:
        bench.agent.take_up()
        expect(page.locator("#done")).to_be_visible()
    before = page.locator("#floor").bounding_box()
    bench.agent.say(outcome)
    told = page.locator(".tap")
    expect(told).to_be_visible()
    assert page.locator("#floor").bounding_box() == before
    blue = told.evaluate("element => getComputedStyle(element).color.match(/[0-9]+/g).map(Number)")
    assert blue[2] == max(blue)
    sound(page)
    bench.clock.advance(8)
    bench.agent.tick()
    expect(told).to_have_count(0)


def test_that_it_was_cleared_is_said_for_a_moment(page: Page, bench: Bench) -> None:
    """The next person does not read of the last one's visit; the focus stays where it was."""
    greet(bench, "Dana", "en")
    expect(page.locator("#done")).to_be_visible()
    data = ClearData(visit="hers", reason="left")
    bench.commands.command(Clear(id="c3", time=bench.clock.now(), data=data))
    expect(page.locator(".farewell")).to_be_visible()
    page.locator("#begin").focus()
    bench.clock.advance(5)
    bench.agent.tick()
    expect(page.locator(".farewell")).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "begin"
