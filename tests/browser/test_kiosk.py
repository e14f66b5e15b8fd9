"""The kiosk page in Chromium: by keyboard alone, by scanner, by touch, in three languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cart.kernel.gtin import Gtin
from gateway.wire.events import ListRequested, PutDownReason, Reader, ScannedData
from store_devices.link import LinkState
from store_devices.tablet.serving import Serving
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, LAMP_TALL, MUG, STRANGE, Bench
from tests.real.keys import Keys

pytestmark = pytest.mark.browser

TOUCH_PX = 64
END_IS_A_CODE = "4002096385074"  # its last eight digits are a GTIN-8 as well
TAB_MAX = 60  # more stops than the page has: a keyboard run that needs more is lost


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up, online."""
    made = Bench(tmp_path, clock)
    made.stock.start()
    made.commands.link(LinkState(online=True, since=clock.now()))
    yield made
    made.stock.stop()
    made.switch_off()


@pytest.fixture
def serving(bench: Bench) -> Iterator[Serving]:
    """Its page's server."""
    made = bench.serve()
    yield made
    made.stop()


@pytest.fixture
def keys(page: Page) -> Keys:
    """Its keyboard, and a hand scanner that types."""
    return Keys(page)


@pytest.fixture
def page(serving: Serving, browser: Browser) -> Iterator[Page]:
    """Its screen, of ten inches."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", has_touch=True
    )
    made = context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on(
        "console",
        lambda line: problems.append(line.text) if line.type == "error" else None,
    )
    with made.expect_request("**/events"):  # the script runs and listens
        made.goto(serving.url)
    yield made
    context.close()
    assert [line for line in problems if "ERR_CONNECTION" not in line] == []


def scanned(bench: Bench) -> list[tuple[Gtin, Reader]]:
    """Return what went to the gateway as scanned, the earliest first."""
    return [
        (event.data.gtin, event.data.reader)
        for event in bench.events()
        if isinstance(event.data, ScannedData)
    ]


def tab_to(page: Page, element_id: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(TAB_MAX):
        if page.evaluate("document.activeElement.id") == element_id:
            return
        page.keyboard.press("Tab")
    stops = page.evaluate("document.activeElement.outerHTML")
    pytest.fail(f"Tab does not lead to {element_id}; the last stop was {stops}")


def test_a_whole_visit_by_keyboard(page: Page, keys: Keys, bench: Bench) -> None:
    """Begin, scan, another size, one more, undo, the code large, a mail, done: no pointer."""
    tab_to(page, "begin")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your list")).to_be_visible()
    keys.scan(LAMP)
    expect(page.locator(f"#line-{LAMP}")).to_be_visible()
    expect(page.locator("#product h1")).to_have_text("Arc floor lamp")
    expect(page.locator(".shops .here")).to_contain_text("3 pieces")

    tab_to(page, f"size-{LAMP_TALL}")
    page.keyboard.press("Enter")
    expect(page.locator(".cost")).to_have_text("€231.00")
    tab_to(page, "add")
    page.keyboard.press("Space")
    expect(page.locator(f"#line-{LAMP_TALL}")).to_be_visible()
    tab_to(page, f"more-{LAMP}")
    page.keyboard.press("Enter")
    expect(page.locator(f"#line-{LAMP} output")).to_have_text("2")
    assert page.evaluate("document.activeElement.id") == f"more-{LAMP}", "focus stays"
    tab_to(page, "undo")
    page.keyboard.press("Enter")
    expect(page.locator(f"#line-{LAMP} output")).to_have_text("1")

    tab_to(page, "take")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#take")).to_be_focused()

    tab_to(page, "mail")
    page.keyboard.press("Enter")
    expect(page.locator("#email")).to_be_focused()
    keys.type("dana@example")
    page.keyboard.press("Enter")
    expect(page.locator("#email-bad")).to_contain_text("does not look like")
    expect(page.locator("#email")).to_have_value("dana@example")
    keys.type(".com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("on its way")
    (asked,) = [event for event in bench.events() if isinstance(event, ListRequested)]
    assert asked.data.email == "dana@example.com"

    tab_to(page, "done")
    page.keyboard.press("Enter")
    expect(page.locator("#begin")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("lamp")
    assert bench.agent.visit_id is None


def test_a_scanner_is_heard_wherever_the_focus_is(page: Page, keys: Keys, bench: Bench) -> None:
    """From idle, and in the middle of typing an address, which keeps what was typed."""
    keys.scan(MUG)
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    page.locator("#mail").tap()
    expect(page.locator("#email")).to_be_focused()
    keys.type("dana7")
    keys.scan(LAMP)
    expect(page.locator(f"#line-{LAMP}")).to_be_visible()
    expect(page.locator("#email")).to_have_value("dana7")
    assert scanned(bench) == [(MUG, Reader.HID), (LAMP, Reader.HID)]


@pytest.mark.parametrize("held_up", [1, 5, 12])
def test_a_scan_that_is_held_up_in_the_middle_is_one_scan(
    page: Page, keys: Keys, bench: Bench, held_up: int
) -> None:
    """A weak radio parts the keys: the end alone is another code, or none."""
    keys.scan(MUG[1:], held_up_ms={held_up: 900})
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    page.locator("#mail").tap()
    expect(page.locator("#email")).to_be_focused()
    keys.type("dana7")
    keys.scan(END_IS_A_CODE, held_up_ms={held_up: 900})
    expect(page.locator(f"#line-{Gtin(END_IS_A_CODE)}")).to_be_visible()
    expect(page.locator("#email")).to_have_value("dana7")
    assert scanned(bench) == [(MUG, Reader.HID), (Gtin(END_IS_A_CODE), Reader.HID)]


def test_a_scanner_that_types_slowly_is_heard(page: Page, keys: Keys, bench: Bench) -> None:
    """No pace is asked where nobody types; the event says that it looked like a hand."""
    keys.scan(MUG, gap_ms=250)
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    assert scanned(bench) == [(MUG, Reader.KEYBOARD)]


def test_half_a_scan_does_not_spoil_the_next(page: Page, keys: Keys, bench: Bench) -> None:
    """What was typed long before, and never ended by Enter, is not of this scan."""
    keys.type("40063")
    keys.scan(MUG, held_up_ms={0: 6_000})
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    assert scanned(bench) == [(MUG, Reader.HID)]


def test_a_code_of_no_product_presses_no_button(page: Page, keys: Keys, bench: Bench) -> None:
    """The Enter after a shelf label's code is the scanner's, also while "Done" has the focus."""
    keys.scan(f"]E0{MUG[1:]}")  # with the symbology in front, as some scanners are set
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    page.locator("#done").focus()
    keys.scan("BAY-12.4")
    expect(page.locator("#notice")).to_contain_text("not a product code")
    assert bench.agent.visit_id is not None
    assert scanned(bench) == [(MUG, Reader.HID)]


def test_a_link_is_scanned_into_the_middle_of_an_address(
    page: Page, keys: Keys, bench: Bench
) -> None:
    """A GS1 Digital Link ends in digits that hold by themselves: all of it is taken."""
    keys.scan(LAMP)
    page.locator("#mail").tap()
    expect(page.locator("#email")).to_be_focused()
    keys.type("dana")
    keys.scan(MUG.link("https://shop.example"), held_up_ms={9: 700, 20: 300})
    expect(page.locator(f"#line-{MUG}")).to_be_visible()
    expect(page.locator("#email")).to_have_value("dana")
    assert scanned(bench) == [(LAMP, Reader.HID), (MUG, Reader.HID)]


def test_an_address_by_touch_alone(page: Page, keys: Keys, bench: Bench) -> None:
    """The keys on the screen type, and take back."""
    keys.scan(LAMP)
    page.locator("#mail").tap()
    for key in ("a", "n", "x"):
        page.locator(f'[data-key="{key}"]').tap()
    page.locator('[data-key="back"]').tap()
    for key in ("a", "@", "s", "h", "o", "p", ".com"):
        page.locator(f'[data-key="{key}"]').tap()
    expect(page.locator("#email")).to_have_value("ana@shop.com")
    page.locator("#send").tap()
    expect(page.locator("#notice")).to_contain_text("on its way")
    (asked,) = [event for event in bench.events() if isinstance(event, ListRequested)]
    assert asked.data.email == "ana@shop.com"


def test_what_happens_elsewhere_shows_at_once(page: Page, bench: Bench) -> None:
    """A camera's scan, a lost line and the question slide in without a touch."""
    bench.agent.code_read(LAMP, Reader.CAMERA)
    expect(page.locator(f"#line-{LAMP}")).to_be_visible()
    bench.commands.link(LinkState(online=False, since=bench.clock.now()))
    expect(page.locator("#bar")).to_contain_text("Offline since 9:00")
    expect(page.locator(".shops .here")).to_contain_text("unknown")
    bench.agent.code_read(STRANGE, Reader.CAMERA)
    expect(page.locator("#product")).to_contain_text("I do not know this code yet")
    bench.clock.advance(80)
    bench.agent.tick()
    expect(page.get_by_role("alertdialog")).to_contain_text("10 seconds")
    expect(page.locator("#here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_have_count(0)


def test_back_leads_to_nothing_of_the_last_person(page: Page, keys: Keys, bench: Bench) -> None:
    """No history, no storage, no cookie; Back and Forward show the idle screen."""
    keys.scan(LAMP)
    expect(page.locator(f"#line-{LAMP}")).to_be_visible()
    depth = page.evaluate("history.length")
    page.locator("#done").tap()
    expect(page.locator("#begin")).to_be_visible()
    assert page.evaluate("history.length") == depth
    kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie.length]")
    assert kept == [0, 0, 0]
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("#begin")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("lamp")
    assert bench.shown() == {}


def test_a_dead_program_leaves_nobodys_list_on_the_screen(
    page: Page, keys: Keys, serving: Serving
) -> None:
    """The page says so, and wipes itself after the idle time: nobody else could."""
    page.clock.install()
    page.reload()
    keys.scan(LAMP)
    expect(page.locator(f"#line-{LAMP}")).to_be_visible()
    serving.stop()
    expect(page.locator("#bar")).to_contain_text("starting again")
    page.clock.fast_forward(91_000)
    expect(page.locator("#floor")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text("lamp")


@pytest.mark.parametrize(
    ("locale", "size"), [("en", (1280, 800)), ("he", (800, 1280)), ("pl", (800, 1280))]
)
def test_every_screen_is_accessible_and_fits(
    page: Page, bench: Bench, locale: str, size: tuple[int, int]
) -> None:
    """No serious violation on any screen; nothing wider than it; every target large enough."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    check(page, "idle")
    page.locator(f"#tongue-{locale}").tap()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    for code in (LAMP, LAMP, MUG, LAMP_TALL):
        bench.agent.code_read(code, Reader.CAMERA)
    expect(page.locator(f"#line-{LAMP_TALL}")).to_be_visible()
    expect(page.locator(".shops .here")).to_have_class("good here")
    check(page, "visit")
    targets = page.locator("button:visible")
    boxes = [box for box in (t.bounding_box() for t in targets.all()) if box]
    small = [box for box in boxes if min(box["width"], box["height"]) < TOUCH_PX - 0.5]
    assert small == []
    page.locator("#take").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "take")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#mail").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, "mail")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    bench.clock.advance(80)
    bench.agent.tick()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    check(page, "ask")
    bench.agent.finish(PutDownReason.DONE)
    expect(page.locator("#begin")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    check(page, "cleared")


def check(page: Page, name: str) -> None:
    """Ask axe-core, and whether the page is wider than the screen."""
    found = Axe().run(page).response["violations"]
    bad = [
        (each["id"], [node["html"][:160] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert bad == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
