"""The phone's pages in Chromium: live, by keyboard, in three languages, for everyone."""

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    expect,
)

from cart.carts.queries import session_of_key
from cart.carts.service import Shopping, add_line
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock, to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds, secret_hash
from gateway.binding.begin import VisitStart, begin
from gateway.fanout import CartChanged
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.browser.shopping import DETECTOR, IN_EACH_SCHEME, looks
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE, MUG, RED, SECRET, fill
from tests.real.browser import running_browser

pytestmark = pytest.mark.browser
ACTED_WITHIN_MS = 20_000
MAILED_WITHIN_S = 30
KEPT_WITHIN_S = 20
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a camera that shows a test picture."""
    with running_browser(desktop=True) as made:
        yield made


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[FastAPI]:
    """The application with mails, on SQLite."""
    engine = make_engine(sqlite_url)
    fill(engine, SystemClock())
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    yield create_app(settings, engine=engine, listen=False)
    engine.dispose()


@pytest.fixture
def url(shop: FastAPI) -> Iterator[str]:
    """The address of the running application."""
    with serving(shop) as address:
        yield address


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A phone that speaks English and has its own cookies."""
    made = browser.new_context(viewport=PHONE, locale="en", base_url=url)  # type: ignore[arg-type]
    made.set_default_timeout(ACTED_WITHIN_MS)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page whose script errors fail the test."""
    made = context.new_page()

    def fail(error: Any) -> None:  # noqa: ANN401 - Playwright's
        pytest.fail(f"the page's script failed: {error}")

    made.on("pageerror", fail)
    return made


def put(context: BrowserContext, gtin: str = RED, quantity: int = 1) -> None:
    """Put an article into this phone's cart, as another tab would."""
    answer = context.request.post(
        "/api/v1/cart/lines",
        data={"gtin": gtin, "quantity": quantity, "location_id": HERE},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.ok, answer.text()


def serious(page: Page) -> list[str]:
    """Return axe-core's serious and critical findings."""
    found = Axe().run(page)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def left_on_a_tablet(shop: FastAPI) -> str:
    """Begin a visit on a tablet; return the secret of its claim link."""
    parts = shop.state.parts
    secret = "s" * 43
    with unit_of_work(parts.engine) as db:
        begun = to_us(parts.clock.now())
        start = VisitStart(("tab-1", "visit-1"), HERE, begun, claim_hash=secret_hash(secret))
        begin(db, parts.clock, parts.ids, [start])
    return secret


def wait_until_kept(page: Page, gtin: str) -> None:
    """Return when the cart page that is kept for bad times has this article on it."""
    kept = "caches.match('/').then(kept => kept?.text())"
    deadline = time.monotonic() + KEPT_WITHIN_S
    while f'data-gtin="{gtin}"' not in (page.evaluate(kept) or ""):
        assert time.monotonic() < deadline, "the page was not kept"
        page.wait_for_timeout(100)  # the worker keeps it by itself, and says so to nobody


def scan_on_the_tablet(shop: FastAPI, context: BrowserContext, gtin: str) -> None:
    """Put a line into the phone's cart from elsewhere, and ring the doorbell."""
    parts = shop.state.parts
    token = next(one["value"] for one in context.cookies() if one["name"] == "carryover")
    with reading(parts.engine) as db:
        session = session_of_key(db, token, parts.clock.now())
        assert session is not None
        cart_id = session.cart_id
    with unit_of_work(parts.engine) as db:
        shopping = Shopping(cart_id, parts.clock, parts.lookup, "tablet", HERE)
        applied = add_line(db, shopping, operation_id=RandomIds().new("op"), gtin=Gtin(gtin))
    for change in applied.changes:
        parts.hub.hear(CartChanged(change.cart_id, change.version, "tablet"))


def test_the_cart_is_live(shop: FastAPI, context: BrowserContext, page: Page) -> None:
    """A scan elsewhere slides in; quantities and removal go out; removal can be undone."""
    put(context)
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    scan_on_the_tablet(shop, context, MUG)
    expect(page.locator(".line")).to_have_count(2)
    expect(page.locator("[data-part=sum]").first).to_contain_text("2 things")
    lamp = page.locator(f'.line[data-gtin="{RED}"]')
    lamp.get_by_role("button", name="One more of").click()
    expect(lamp.locator("output")).to_have_text("2")
    expect(page.locator(".till .total")).to_contain_text("€390.50")
    mug = page.locator(f'.line[data-gtin="{MUG}"]')
    mug.get_by_role("button", name="One less of").click()
    expect(mug).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(mug).to_have_count(1)


def test_a_list_goes_out_by_mail(context: BrowserContext, page: Page) -> None:
    """A wrong address is said in words; a right one brings a mail into the mailbox."""
    put(context)
    page.goto("/")
    page.get_by_role("button", name="E-mail me this").click()
    page.get_by_label("E-mail address").fill("nobody")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#mail-fault")).to_contain_text("e-mail address")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".toast")).to_contain_text("on its way")
    letter = page.get_by_role("link", name="Your list from Harbour Street")
    deadline = time.monotonic() + MAILED_WITHIN_S
    while not letter.count() and time.monotonic() < deadline:
        page.wait_for_timeout(250)  # a workflow of its own sends it: there is no event to await
        page.goto("/demo/mail")
    letter.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Your list")).to_be_visible()
    page.goto("/lists")
    expect(page.get_by_text("Sent by e-mail")).to_be_visible()


def test_a_product_is_found_and_added(page: Page) -> None:
    """Typed on the scan page, opened, another colour chosen, and put into the cart."""
    page.goto("/scan")
    page.get_by_label("Or type the number").fill("4006381333931")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Arc <lamp>").click()
    page.get_by_role("link", name="blue").click()
    expect(page.locator(".big-price")).to_contain_text("€199.00")
    page.get_by_role("button", name="Put in my cart").click()
    expect(page.locator(".toast")).to_contain_text("is in your cart")
    page.goto("/")
    expect(page.locator(".line")).to_have_count(1)


def test_everything_works_by_keyboard(context: BrowserContext, page: Page) -> None:
    """Menu, move to a list, the dialog and its way out, with nothing but keys."""
    put(context)
    put(context, MUG)
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    more = page.locator(f'.line[data-gtin="{RED}"] summary')
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Move to a list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".line")).to_have_count(1)
    page.get_by_role("button", name="E-mail me this").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="E-mail me this")).to_be_focused()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_a_scan_elsewhere_takes_no_focus_away(
    shop: FastAPI, context: BrowserContext, page: Page
) -> None:
    """Whoever is in a line's menu when the tablet scans stays there."""
    put(context)
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    more = page.locator(f'.line[data-gtin="{RED}"] summary')
    more.focus()
    scan_on_the_tablet(shop, context, MUG)
    expect(page.locator(".line")).to_have_count(2)
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    keep = page.locator(f'.line[data-gtin="{RED}"]').get_by_role("button", name="Move to a list")
    expect(keep).to_be_focused()
    scan_on_the_tablet(shop, context, RED)
    expect(page.locator(f'.line[data-gtin="{RED}"] output')).to_have_text("2")
    expect(keep).to_be_focused()
    scan_on_the_tablet(shop, context, MUG)
    expect(page.locator(f'.line[data-gtin="{MUG}"] output')).to_have_text("2")
    expect(keep).to_be_focused()


def test_a_phone_without_network_shows_its_last_cart(context: BrowserContext, page: Page) -> None:
    """The service worker keeps the page; a thin bar says from when it is."""
    put(context)
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # now through the worker, which keeps what it shows
    expect(page.locator("#live")).to_have_text("live")
    wait_until_kept(page, RED)
    context.set_offline(True)
    page.reload()
    expect(page.locator(".line")).to_have_count(1)
    expect(page.locator("#offline")).to_contain_text("Offline since")
    context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()


def test_what_was_scanned_after_the_page_came_is_kept_too(
    shop: FastAPI, context: BrowserContext, page: Page
) -> None:
    """Whoever walks out of the network after the first page sees the last scan, not the first."""
    put(context)
    page.goto("/?brought=1&claim=any")
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate("navigator.serviceWorker.ready")
    scan_on_the_tablet(shop, context, MUG)
    expect(page.locator(".line")).to_have_count(2)
    wait_until_kept(page, MUG)
    context.set_offline(True)
    page.reload()
    expect(page.locator(".line")).to_have_count(2)
    context.set_offline(False)


@pytest.mark.parametrize(("locale", "scheme"), IN_EACH_SCHEME)
def test_every_page_is_for_everyone(
    browser: Browser,
    url: str,
    locale: str,
    scheme: Any,  # noqa: ANN401 - Playwright's literal
) -> None:
    """No serious finding of axe-core, nothing wider than the phone."""
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        locale=locale,
        color_scheme=scheme,
        base_url=url,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/")
    assert serious(page) == []
    put(context, RED, 2)
    put(context, MUG)
    context.request.post("/api/v1/lists", data={}, headers={"Idempotency-Key": uuid.uuid4().hex})
    for path in (
        "/",
        "/p/arc-lamp",
        "/lists",
        "/shops",
        f"/scan?code={RED}",
        "/p/none",
        "/c/short",
    ):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == locale
        assert serious(page) == [], path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path
    context.close()


def test_the_phone_says_that_a_tablet_shows_its_cart_and_clears_it(
    shop: FastAPI, context: BrowserContext, page: Page
) -> None:
    """Claimed by its link, said on the page, cleared from the phone."""
    secret = left_on_a_tablet(shop)
    page.goto(f"/c/{secret}")
    page.wait_for_url("**/")
    scan_on_the_tablet(shop, context, RED)
    expect(page.locator(".line")).to_have_count(1)
    page.get_by_role("button", name="Clear the tablet").click()
    expect(page.locator(".toast").first).to_contain_text("Your cart stays here")
    expect(page.locator("#held")).to_be_hidden()
    expect(page.locator(".line")).to_have_count(1)


def test_a_list_can_be_taken_along_without_scripts(
    shop: FastAPI, browser: Browser, url: str
) -> None:
    """The form's own Origin is told, so the guard knows it from another website's."""
    secret = left_on_a_tablet(shop)
    context = browser.new_context(base_url=url, locale="en", java_script_enabled=False)
    page = context.new_page()
    seen: list[str | None] = []

    def look(request: Request) -> None:
        if request.method == "POST":
            seen.append(request.all_headers().get("origin"))

    page.on("requestfinished", look)
    page.goto(f"/c/{secret}")
    page.get_by_role("button", name="Take my list with me").click()
    page.wait_for_url("**/")
    assert [one["name"] for one in context.cookies()] == ["carryover"]
    assert seen == [url.rstrip("/")]
    context.close()


def test_every_open_tab_shows_the_list_that_one_took_along(
    shop: FastAPI, context: BrowserContext, page: Page
) -> None:
    """A tab with another cart, or none, is not left with it; what comes later is live in both."""
    page.goto("/")
    expect(page.locator(".line")).to_have_count(0)
    other = context.new_page()
    other.goto(f"/c/{left_on_a_tablet(shop)}")
    other.wait_for_url("**/")
    expect(page.locator("#live")).to_have_text("live")
    scan_on_the_tablet(shop, context, RED)
    for tab in (page, other):
        expect(tab.locator(f'.line[data-gtin="{RED}"]')).to_be_visible()


def test_a_tab_without_a_cart_shows_what_another_put_into_it(
    context: BrowserContext, page: Page
) -> None:
    """The first thing of a visit makes the cart: a tab that was opened before has none to hear."""
    page.goto("/")
    expect(page.locator("[data-when=empty]")).to_be_visible()
    other = context.new_page()
    other.goto("/p/arc-lamp")
    other.get_by_role("button", name="Put in my cart").click()
    expect(other.locator(".toast")).to_contain_text("is in your cart")
    expect(page.locator(".line")).to_have_count(1)


TEN_AND_MORE = re.compile(r"^\d{2,}$")


def test_the_phone_reads_barcodes_by_itself(context: BrowserContext, page: Page) -> None:
    """Two looks must agree; what stays in view is found once, the next one at once."""
    context.grant_permissions(["camera"])
    page.add_init_script(DETECTOR)
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/scan/found" in request.url:
            asked.append(request.url.rpartition("code=")[2])

    page.on("request", note)
    page.goto("/scan")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#finder")).to_be_visible()
    assert page.evaluate("formats") == ["ean_13", "qr_code"]
    assert asked == []

    looks(page, [], ["4006381333948"], [], [RED], [RED])  # a misread with a good check digit
    expect(page.locator("#found")).to_contain_text("Arc <lamp>")
    expect(page.locator("body")).to_have_attribute("data-looked", TEN_AND_MORE)
    assert asked == [RED], "seen again and again, found once"

    looks(page, [MUG], [MUG], [])
    expect(page.locator("#found")).not_to_contain_text("Arc <lamp>")
    expect(page.locator(f'#found article[data-gtin="{MUG}"]')).to_be_visible()
    assert asked == [RED, MUG]


def test_two_barcodes_in_the_picture_are_both_read(context: BrowserContext, page: Page) -> None:
    """A shelf shows more than one; neither hides the other."""
    context.grant_permissions(["camera"])
    page.add_init_script(DETECTOR)
    page.goto("/scan")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#finder")).to_be_visible()
    with (
        page.expect_response(lambda answer: answer.url.endswith(RED)),
        page.expect_response(lambda answer: answer.url.endswith(MUG)),
    ):
        looks(page, [RED, MUG])


def test_a_phone_whose_camera_is_refused_says_so(context: BrowserContext, page: Page) -> None:
    """And the other two ways, a photo and the number, stay."""
    context.clear_permissions()
    page.add_init_script(DETECTOR)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('no', 'NotAllowedError'); };"
    )
    page.goto("/scan")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#scan-fault")).not_to_be_empty()
    expect(page.locator("#finder")).to_be_hidden()
    expect(page.locator("#photo-button")).to_be_visible()
    expect(page.get_by_label("Or type the number")).to_be_visible()
