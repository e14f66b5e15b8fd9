"""From the cart to the ticket in Chromium: problems, payment at the test bank, refused, back."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlmodel import Session, select

from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.orders import terms, vouchers
from cart.orders.model import AttemptState
from cart.orders.tables import AttemptRow, OrderLineRow, OrderRow, RefundRow
from cart.orders.terms import Terms
from cart.picking import handover
from inventory_api.catalogue.tables import LocationRow, PriceRow
from mobile_api.app import create_app
from mobile_api.orders.telling import tell
from mobile_api.settings import ApiSettings
from tests.browser.shopping import IN_EACH_SCHEME, serious
from tests.mobile_api.desk import Desk
from tests.mobile_api.paying import LAMP_MINOR
from tests.mobile_api.served import serving
from tests.mobile_api.shop import BLUE, HERE, MUG, RED, SECRET, fill, key, stock

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
TOLD_MS = 15_000  # bank, webhook, workflow and bell, on a busy machine


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[FastAPI]:
    """The application with payments, and a shop that is always open, taxes and sends."""
    engine, clock = make_engine(sqlite_url), SystemClock()
    fill(engine, clock)
    stock(engine, clock, HERE, "mug", 9)
    with unit_of_work(engine) as db:
        for place in db.exec(select(LocationRow)):
            place.opening_hours = {}
            db.add(place)
        terms.put(db, Terms(HERE, tax_rate_bp=2300, ships=True, shipping_minor=490))
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    yield create_app(settings, engine=engine, listen=False)
    engine.dispose()


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """The address of the running application, which is also the bank's."""
    with serving(app) as address:
        yield address


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A phone that speaks English and has its own cookies."""
    made = browser.new_context(viewport=PHONE, locale="en", base_url=url)  # type: ignore[arg-type]
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page whose script errors fail the test."""
    return watched(context)


def watched(context: BrowserContext) -> Page:
    """Open a page whose script errors fail the test."""
    made = context.new_page()

    def fail(error: Any) -> None:  # noqa: ANN401 - Playwright's
        pytest.fail(f"the page's script failed: {error}")

    made.on("pageerror", fail)
    return made


def put(context: BrowserContext, gtin: str = RED, quantity: int = 1) -> None:
    """Put an article into this phone's cart."""
    answer = context.request.post(
        "/api/v1/cart/lines",
        data={"gtin": gtin, "quantity": quantity, "location_id": HERE},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.ok, answer.text()


def check_out(context: BrowserContext, page: Page, gtin: str = RED, quantity: int = 1) -> None:
    """Go from the cart to the checkout."""
    put(context, gtin, quantity)
    page.goto("/")
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()


def to_the_bank(page: Page) -> None:
    """Press the one verb; the bank's page comes."""
    page.get_by_role("button", name="Pay €").click()
    page.wait_for_url("**/sandbox/pay/**")


def orders(app: FastAPI) -> int:
    """Count the orders."""
    with unit_of_work(app.state.parts.engine) as db:
        return len(db.exec(select(OrderRow.id)).all())


def test_problems_are_decided_and_it_is_paid(
    app: FastAPI, context: BrowserContext, page: Page
) -> None:
    """Two of five, a new price, one to a list; then the bank, and the ticket by itself."""
    parts = app.state.parts
    put(context, RED, 5)
    put(context, BLUE)
    put(context, MUG, 2)
    with unit_of_work(parts.engine) as db:
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
    page.locator(f'[data-gtin="{BLUE}"]').get_by_role("button", name="Move to a list").click()
    expect(pay).to_be_enabled()
    expect(pay).to_have_text("Pay €597.00")
    page.get_by_label("E-mail address").fill("ada@example.org")
    pay.click()
    page.wait_for_url("**/sandbox/pay/**")
    page.locator('button[value="pay"]').click()
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)
    expect(page.locator(".ticket-code")).to_be_visible()
    expect(page.get_by_text("You are next.")).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("Your cart is empty")).to_be_visible()
    expect(page.get_by_text("Your order is being prepared.")).to_be_visible()


def test_a_refused_card_leads_back_and_is_tried_again(
    app: FastAPI, context: BrowserContext, page: Page
) -> None:
    """What happened is said, nothing was charged, nothing is held; the second try succeeds."""
    check_out(context, page)
    to_the_bank(page)
    page.locator('button[value="refuse"]').click()
    page.wait_for_url("**/checkout/*")
    expect(page.get_by_text("Nothing was charged; you can try again.")).to_be_visible(
        timeout=TOLD_MS
    )
    assert orders(app) == 0
    to_the_bank(page)
    page.locator('button[value="pay"]').click()
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)
    assert orders(app) == 1


def test_she_goes_to_the_bank_once(context: BrowserContext, page: Page) -> None:
    """Answer and bell both bring the bank's address: one of them leads there."""
    asked: list[str] = []

    def away(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=204)  # the page stays where it is

    context.route("**/sandbox/pay/**", away)
    check_out(context, page)
    # The page may say what is kept before the bank's address is known.
    with page.expect_request("**/sandbox/pay/**"):
        page.get_by_role("button", name="Pay €").click()
    expect(page.get_by_role("heading", name="We keep these pieces for you until")).to_be_visible()
    assert len(asked) == 1


def test_back_reload_and_a_second_tab_show_what_is_true(
    context: BrowserContext, page: Page
) -> None:
    """While paying every tab says until when the pieces are kept; stopped, all are open again."""
    check_out(context, page)
    address = page.url
    to_the_bank(page)
    page.go_back()
    kept = page.get_by_role("heading", name="We keep these pieces for you until")
    expect(kept).to_be_visible()
    expect(page.get_by_role("timer")).to_contain_text(":")
    page.reload()
    expect(kept).to_be_visible()
    tab = watched(context)
    tab.goto("/checkout")
    assert tab.url == address
    expect(tab.get_by_role("link", name="Continue to payment")).to_be_visible()
    tab.get_by_role("button", name="Stop and change").click()
    expect(tab.get_by_role("heading", name="Checkout")).to_be_visible()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()  # told by its bell
    expect(page.get_by_role("button", name="Pay €")).to_be_enabled()


def test_the_time_runs_out_while_she_pays(
    app: FastAPI, context: BrowserContext, page: Page
) -> None:
    """The pieces are everybody's again, and the page says so by itself."""
    parts = app.state.parts
    check_out(context, page)
    to_the_bank(page)
    page.go_back()
    expect(page.get_by_role("timer")).to_be_visible()
    with unit_of_work(parts.engine) as db:
        attempt = db.exec(select(AttemptRow)).one()
        from mobile_api.payment.settling import end  # noqa: PLC0415 - as its sweep does

        assert end(parts, db, attempt.id, AttemptState.EXPIRED)
    expect(page.get_by_text("The time to pay ran out")).to_be_visible(timeout=TOLD_MS)
    expect(page.get_by_role("button", name="Pay €")).to_be_enabled()


def test_coming_back_before_the_bank_has_said_so(context: BrowserContext, page: Page) -> None:
    """The page waits, and goes on to the ticket when the late news comes."""
    check_out(context, page)
    to_the_bank(page)
    page.get_by_label("Seconds").fill("3")
    page.locator('button[value="late"]').click()
    page.wait_for_url("**/back")
    expect(page.get_by_role("heading", name="One moment")).to_be_visible()
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)


def test_a_gift_card_pays_all_of_it_without_a_bank(
    app: FastAPI, context: BrowserContext, page: Page
) -> None:
    """A wrong code is said at the field; the right one leaves nothing to pay."""
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        code = vouchers.issue(db, parts.clock, parts.ids, amount_minor=50_000, currency="EUR")
    check_out(context, page)
    field = page.get_by_label("Code of the gift card or voucher")
    field.fill("WRONG")
    field.press("Enter")
    expect(page.locator("#voucher-fault")).to_have_text(
        "We know no gift card or voucher with this code."
    )
    field.fill(code)
    page.get_by_role("button", name="Use").click()
    page.get_by_role("button", name="Pay with the gift card").click()
    # The answer and the bell lead there both, and the second ends what the first has begun.
    expect(page).to_have_url(re.compile("/orders/"), timeout=TOLD_MS)


def test_it_is_sent_to_an_address(context: BrowserContext, page: Page) -> None:
    """The form asks for what is missing; what was typed stays; shipping is in the total."""
    check_out(context, page)
    page.get_by_label("Have it sent").check()
    expect(page.get_by_text("We need to know where it goes.")).to_be_visible()
    for label, text in (
        ("Name", "Ada Quay"),
        ("Street and number", "1 Pier Road"),
        ("Postcode", "T12"),
        ("Town", "Cork"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Town", exact=True).press("Tab")
    expect(page.get_by_text("We need to know where it goes.")).to_be_hidden()
    expect(page.get_by_role("button", name="Pay €")).to_have_text("Pay €193.90")
    page.reload()
    expect(page.get_by_label("Street and number")).to_have_value("1 Pier Road")
    page.get_by_label("Collect at Harbour Street").check()
    expect(page.get_by_role("button", name="Pay €")).to_have_text("Pay €189.00")


def test_everything_works_by_keyboard(context: BrowserContext, page: Page) -> None:
    """From the cart to the ticket with nothing but keys; the focus is kept as the page changes."""
    put(context)
    page.goto("/")
    page.get_by_role("button", name="Check out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    page.locator("#slot-now").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#slot-1")).to_be_checked()
    expect(page.locator("#slot-1")).to_be_focused()
    expect(page.locator("[data-part=foot]")).not_to_contain_text("As soon")
    page.get_by_label("E-mail address").focus()
    page.keyboard.type("ada@example.org")
    page.get_by_role("button", name="Pay €").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/pay/**")
    page.locator('button[value="pay"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)
    page.get_by_role("button", name="I am here").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("They know.")).to_be_visible()
    page.keyboard.press("Tab")


def test_the_button_keeps_the_focus_when_the_page_changes_around_it(
    context: BrowserContext, page: Page
) -> None:
    """Her other phone chooses a time while she is on the way to the key: it pays what is shown."""
    check_out(context, page)
    pay = page.get_by_role("button", name="Pay €")
    pay.focus()
    checkout, slot = page.evaluate(
        """() => [document.querySelector("#checkout").dataset.checkout,
                  document.querySelector("#slot-1").value]"""
    )
    answer = context.request.post(
        f"/api/v1/checkouts/{checkout}/choices",
        data={"slot_at": slot},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.ok, answer.text()
    expect(page.locator("[data-part=foot]")).not_to_contain_text("As soon")
    expect(page.locator("#slot-1")).to_be_checked()
    expect(pay).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/pay/**")


def test_the_ticket_follows_the_desk_and_works_without_network(
    app: FastAPI, context: BrowserContext, page: Page, url: str
) -> None:
    """Her place moves up, ready comes with the code; offline the page is there, with its strip."""
    parts = app.state.parts
    desk = Desk.of(app)
    with httpx2.Client(base_url=url) as rival:
        body = {"gtin": RED, "quantity": 1, "location_id": HERE}
        assert rival.post("/api/v1/cart/lines", json=body, headers=key()).is_success
        before_hers = desk.sell(rival)
    put(context)
    with unit_of_work(parts.engine) as db:
        session = context.cookies()
        assert [one["name"] for one in session] == ["carryover"]
        code = vouchers.issue(db, parts.clock, parts.ids, amount_minor=50_000, currency="EUR")
    page.goto("/")
    page.get_by_role("button", name="Check out").click()
    page.get_by_label("Code of the gift card or voucher").fill(code)
    page.get_by_role("button", name="Use").click()
    page.get_by_role("button", name="Pay with the gift card").click()
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)
    order_id = page.url.rsplit("/", 1)[1]
    page.evaluate("navigator.serviceWorker.ready")
    expect(page.get_by_text("1 order is before yours.")).to_be_visible()
    desk.make_ready(before_hers)
    with unit_of_work(parts.engine) as db:
        _ring(app, db, before_hers)
    expect(page.get_by_text("You are next.")).to_be_visible()
    desk.make_ready(order_id)
    with unit_of_work(parts.engine) as db:
        _ring(app, db, order_id)
    expect(page.locator(".handover-code")).to_be_visible()
    expect(page.locator(".qr svg")).to_be_visible()
    expect(page.locator(".toast").first).to_contain_text("Ready at the desk")
    with unit_of_work(parts.engine) as db:  # she has given her address meanwhile
        db.get_one(OrderRow, order_id).email = "ada@example.org"
    with unit_of_work(parts.engine) as db:
        handover.resend_ready(db, parts.clock, staff=desk.who, order_id=order_id)
        _ring(app, db, order_id)
    expect(page.locator(".toast").last).to_contain_text("the desk told you again")
    shown = page.locator(".handover-code").inner_text()
    kept = "caches.match(location.pathname).then(kept => kept?.text())"
    for _ in range(40):
        if "handover-code" in (page.evaluate(kept) or ""):
            break
        page.wait_for_timeout(250)
    context.set_offline(True)
    page.reload()
    assert page.locator(".handover-code").inner_text() == shown
    expect(page.locator("#offline")).to_contain_text("Offline since")
    context.set_offline(False)


def _ring(app: FastAPI, db: Session, order_id: str) -> None:
    from cart.picking.model import Changed  # noqa: PLC0415 - only here

    row = db.get_one(OrderRow, order_id)
    tell(app.state.parts, db, Changed(order_id, row.version, row.location_id))


def answered(app: FastAPI, *, accepted: bool) -> None:
    """Of two lamps one is missing: the other one instead, or the money of one back."""
    with unit_of_work(app.state.parts.engine) as db:
        refunds = [one.amount_minor for one in db.exec(select(RefundRow))]
        lines = {one.gtin: one.cancelled for one in db.exec(select(OrderLineRow))}
    assert lines == ({RED: 1, BLUE: 0} if accepted else {RED: 1})
    if not accepted:
        assert refunds == [LAMP_MINOR]


@pytest.mark.parametrize(("locale", "scheme"), IN_EACH_SCHEME)
def test_every_page_is_for_everyone(
    app: FastAPI,
    browser: Browser,
    url: str,
    locale: str,
    scheme: Any,  # noqa: ANN401 - Playwright's literal
) -> None:
    """No serious finding of axe-core, nothing wider than the phone or the desktop."""
    desk = Desk.of(app)
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        locale=locale,
        color_scheme=scheme,
        base_url=url,
        reduced_motion="reduce",
    )
    page = watched(context)

    def look(path: str) -> None:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == locale
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], path
        assert serious(page) == [], path

    put(context, RED, 5)
    put(context, BLUE)
    look("/")
    page.locator('form[action="/checkout"] button').click()
    page.wait_for_url("**/checkout/*")
    look("/checkout")
    page.locator("#method-ship").check()
    expect(page.locator("#address-name")).to_be_visible()
    assert serious(page) == []
    context.request.put(f"/api/v1/cart/lines/{RED}", data={"quantity": 2})
    context.request.delete(f"/api/v1/cart/lines/{BLUE}")
    page.locator("#method-collect").check()
    page.locator('[data-act="pay"]:not([disabled])').click()
    page.wait_for_url("**/sandbox/pay/**")
    look("/checkout")
    page.locator("#go-on").click()
    page.locator('button[value="pay"]').click()
    page.wait_for_url("**/orders/**", timeout=TOLD_MS)
    order_id = page.url.rsplit("/", 1)[1]
    look(f"/orders/{order_id}")
    task_id = desk.claim(order_id)
    stock(app.state.parts.engine, app.state.parts.clock, HERE, "lamp-blue", 1)
    desk.short(task_id, RED, offer=BLUE)
    look(f"/orders/{order_id}")
    accepted = "" if locale == "en" else "yes"  # "No, money back", or "Yes, please"
    page.locator(f'[data-accept="{accepted}"]').click()
    expect(page.locator(".offer")).to_have_count(0)
    answered(app, accepted=bool(accepted))
    desk.pick(task_id)
    desk.stage(task_id)
    look(f"/orders/{order_id}")
    desk.hand_over(order_id, page.locator(".handover-code").inner_text().replace(" ", ""))
    for path in (f"/orders/{order_id}", "/orders", f"/here/{HERE}"):
        look(path)
    context.close()
