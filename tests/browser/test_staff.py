"""Staff pages and the board in Chromium: by scanner, by keyboard, without a network, live."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from cart.db import make_engine, unit_of_work
from cart.picking import staff, substitution
from cart.picking.handover import handover_code, handover_token
from cart.picking.roles import Role
from gateway.fanout import DeskChanged
from inventory_api.catalogue.tables import PictureRow
from tests.browser.shopping import COUNT_TONES, becomes, serious
from tests.cart.buying import HERE, JACKET, LAMP, MUG, SHOP
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock
from tests.journeys.windows import check_for_everyone
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import API, COOKIE, app_over, failed_refund, hire
from tests.real.balancer import Balancer

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
Opened = Callable[..., Page]


@pytest.fixture
def floor(sqlite_url: str) -> Iterator[Floor]:
    """A shop at this moment: the browser's clock counts the time of an offer."""
    engine = make_engine(sqlite_url)
    yield Floor(engine, FakeClock(datetime.now(UTC)))
    engine.dispose()


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    return app_over(floor, tmp_path, public_url="")


@pytest.fixture
def opened(app: FastAPI, browser: Browser, floor: Floor) -> Iterator[Opened]:
    """Open a page on a device of its own: ``opened("/staff/queue", "7", Role.LEAD, locale="he")``.

    Without a number nobody is signed in. A script error fails the test.
    """
    contexts: list[BrowserContext] = []

    def fail(error: Any) -> None:  # noqa: ANN401 - Playwright's
        pytest.fail(f"the page's script failed: {error}")

    with serving(app) as url:

        def make(
            path: str,
            number: str = "",
            role: Role = Role.ASSOCIATE,
            **how: Any,  # noqa: ANN401
        ) -> Page:
            wanted = {"viewport": PHONE, "locale": "en", "base_url": url, **how}
            contexts.append(context := browser.new_context(**wanted))
            context.set_default_timeout(10_000)
            if number:
                token = hire(floor, number, role=role)
                context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
            page = context.new_page()
            page.on("pageerror", fail)
            page.goto(path)
            return page

        yield make
        for context in contexts:
            context.close()


def scan(page: Page, code: str) -> None:
    """Type what a scanner types: the code, fast, and Enter, wherever the focus is."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def current(page: Page) -> Locator:
    """Return the step that is shown."""
    return page.locator(".step:not([hidden])")


def walking(page: Page) -> None:
    """Wait until the walk is there and its scan field armed."""
    page.wait_for_url("**/staff/walk")
    expect(page.locator("#scan")).to_be_visible()


def live(page: Page) -> None:
    """Wait until bells are heard."""
    expect(page.locator("#staff-live")).to_have_text("live")


def test_signing_in_and_out(opened: Opened, floor: Floor) -> None:
    """The way back is kept; a wrong PIN is said; signing out leaves the page closed."""
    who: Any = {"location_id": HERE, "number": "12", "name": "Dana"}
    _, pin = floor.do(lambda db: staff.add(db, floor.clock, floor.ids, **who))
    page = opened("/staff/desk")
    for tried in ("000", pin):
        page.get_by_label("Your number").fill("12")
        page.get_by_label("PIN").fill(tried)
        page.get_by_role("button", name="Sign in").click()
        if tried != pin:
            expect(page.get_by_role("alert")).to_contain_text("Number or PIN is wrong")
    page.wait_for_url("**/staff/desk")
    page.locator("header summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/staff/queue")
    expect(page.get_by_role("heading", name="Staff")).to_be_visible()


def test_an_order_is_picked_by_scanner(opened: Opened, floor: Floor) -> None:
    """Right flashes and goes on, wrong shows both, pieces by count, a shelf; the board follows."""
    pictures = [PictureRow(sku=one, position=0, name=f"{one}.webp") for one in ("lamp", "mug")]
    floor.do(lambda db: db.add_all(pictures))
    order_id = floor.order({MUG: 3, LAMP: 1})
    ticket = floor.view(order_id).ticket
    board = opened(f"/board/{HERE}", viewport={"width": 1280, "height": 800})
    expect(board.locator(".picking [data-code]")).to_have_text([ticket])
    page = opened("/staff/queue", "1")
    page.get_by_role("button", name=f"Pick {ticket}", exact=True).click()
    walking(page)
    page.evaluate(COUNT_TONES)
    expect(current(page).locator(".bay")).to_have_text("A1")
    scan(page, LAMP)
    wrong = page.locator("#wrong")
    expect(wrong).to_be_visible()
    expect(wrong.locator(".no")).to_contain_text("Lamp")
    expect(wrong.locator(".yes")).to_contain_text("Mug")
    expect(wrong.locator(".no img")).to_have_attribute("src", re.compile("/lamp.webp"))
    expect(wrong.locator(".yes img")).to_have_attribute("src", re.compile("/mug.webp"))
    expect(page.locator("body")).to_have_attribute("data-tones", "2")
    expect(page.locator("body")).to_have_attribute("data-played", "wrong")
    scan(page, MUG)  # the next scan answers the dialog
    expect(wrong).to_be_hidden()
    expect(current(page).locator("[data-count]")).to_have_text("1")
    expect(page.locator("body")).to_have_attribute("data-played", "right")
    current(page).get_by_role("button", name="Pick one more").click()
    expect(current(page).locator("[data-count]")).to_have_text("2")
    current(page).get_by_role("button", name="All 3").click()
    expect(current(page).locator(".bay")).to_have_text("C7")
    page.locator("header .mark").focus()
    scan(page, LAMP)
    expect(page.locator("#walk")).to_have_attribute("data-done", "4")
    expect(page.get_by_role("heading", name="To the desk")).to_be_visible()
    expect(page.get_by_label("Scan or type the shelf")).to_be_visible()
    scan(page, "B-47")
    expect(page.locator(".toast")).to_contain_text(f"{ticket} is ready")
    expect(page.get_by_text("You are not picking")).to_be_visible()
    expect(board.locator("#ready [data-code]")).to_have_text([ticket])
    expect(board.locator("#ready .is-new")).to_have_count(1)
    expect(board.locator("#spoken")).to_have_text(f"{ticket} is ready.")
    assert floor.view(order_id).shelf == "B-47"


def test_a_wrong_item_leaves_the_walk_where_it_is(opened: Opened, floor: Floor) -> None:
    """Of two variants each is called by its own; muted, nothing sounds."""
    order_id = floor.order({MUG: 1, LAMP: 1})
    page = opened("/staff/queue", "1")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    walking(page)
    page.get_by_role("button", name="Sound").click()
    scan(page, LAMP)
    expect(page.locator("#wrong")).to_be_visible()
    assert page.locator("body").get_attribute("data-played") is None
    page.get_by_role("button", name="Scan again").click()
    expect(current(page)).to_have_attribute("data-gtin", MUG)
    expect(current(page).locator("[data-count]")).to_have_text("0")
    scan(page, MUG)
    expect(current(page)).to_have_attribute("data-gtin", LAMP)
    scan(page, BLUE)
    expect(page.locator("#wrong .no")).to_contain_text("Lamp · blue")
    assert floor.told(order_id).count("picked") == 1


def test_several_orders_are_one_walk(opened: Opened, floor: Floor) -> None:
    """Chosen together, told apart by ticket, each put on its own shelf."""
    first, second = floor.order({MUG: 1}), floor.order({MUG: 1, LAMP: 1})
    tickets = [floor.view(one).ticket for one in (first, second)]
    page = opened("/staff/queue", "1")
    for ticket in tickets:
        page.get_by_label(f"Pick {ticket} together").check()
    page.get_by_role("button", name="Pick 2 orders in one walk").click()
    walking(page)
    seen = []
    for code in (MUG, MUG, LAMP):
        seen.append(current(page).locator(".tote .ticket").inner_text())
        scan(page, code)
        expect(page.locator("#walk")).to_have_attribute("data-done", str(len(seen)))
    assert sorted(seen) == sorted([*tickets, tickets[1]])
    for _ in tickets:
        expect(page.get_by_label("Scan or type the shelf").first).to_be_visible()
        shown = page.locator("form[data-stage]").first.get_attribute("data-ticket")
        scan(page, f"S-{shown}")
        expect(page.locator(f'form[data-ticket="{shown}"]')).to_have_count(0)
    assert [floor.view(one).shelf for one in (first, second)] == [f"S-{one}" for one in tickets]


def test_two_pickers_never_hold_the_same(opened: Opened, floor: Floor) -> None:
    """Both see it free; the second is told, and her page shows who has it."""
    ticket = floor.view(floor.order({MUG: 1})).ticket
    one, two = opened("/staff/queue", "1"), opened("/staff/queue", "2")
    two.route("**/api/v1/staff/events", lambda route: route.abort())
    two.reload()
    one.get_by_role("button", name=f"Pick {ticket}", exact=True).click()
    walking(one)
    two.get_by_role("button", name=f"Pick {ticket}", exact=True).click()
    expect(two.locator(".toast")).to_contain_text("A colleague has taken this already")
    two.unroute("**/api/v1/staff/events")
    two.reload()
    expect(two.get_by_text("Staff 1 picks it")).to_be_visible()
    expect(two.get_by_role("button", name=f"Take over {ticket}")).to_have_count(0)
    lead = opened("/staff/queue", "3", Role.LEAD)
    lead.get_by_role("button", name=f"Give {ticket} to a colleague").click()
    lead.locator("#give").get_by_label("Staff 2").check()
    lead.locator("#give").get_by_role("button", name="Give").click()
    expect(lead.locator(".toast")).to_contain_text("Staff 2")
    expect(lead.get_by_text("Staff 2 picks it")).to_be_visible()
    (given,) = floor.queue()
    assert given.claimed_name == "Staff 2"


def test_what_is_missing_is_offered_and_answered(
    opened: Opened, floor: Floor, app: FastAPI
) -> None:
    """The picker sees the clock run, then the answer; the replacement is one more line."""
    order_id = floor.order({LAMP: 1})
    page = opened("/staff/queue", "1")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    walking(page)
    live(page)
    current(page).get_by_role("button", name="Not enough").click()
    dialog = page.locator("#short")
    dialog.get_by_label("It is damaged").check()
    dialog.get_by_text("blue").click()
    dialog.get_by_role("button", name="Go on").click()
    waiting = page.locator("#staging .offer")
    expect(waiting).to_contain_text("Offered, waiting for the shopper")
    expect(waiting.locator(".left")).to_have_text(re.compile(r"^[0-3]:\d\d left to answer$"))
    expect(page.locator("form[data-stage]")).to_be_hidden()
    with unit_of_work(floor.engine) as db:
        offer = substitution.offers(db, order_id)[0]
        substitution.answer(
            db,
            floor.clock,
            floor.ids,
            SHOP,
            order_id=order_id,
            offer_id=offer.id,
            accepted=True,
        )
    app.state.parts.bells.hear(DeskChanged(HERE))
    expect(current(page)).to_have_attribute("data-gtin", BLUE)
    scan(page, BLUE)
    scan_shelf = page.get_by_label("Scan or type the shelf")
    expect(scan_shelf).to_be_visible()
    scan(page, "A1")
    expect(page.get_by_text("You are not picking")).to_be_visible()
    view = floor.view(order_id)
    assert (view.state, view.refunded_minor) == ("ready", 3_900)


@pytest.fixture
def cable(
    app: FastAPI,
    opened: Opened,  # noqa: ARG001 - it serves the application
) -> Iterator[Balancer]:
    """A way to the application that can be cut, whatever a browser lets through while it loads."""
    made = Balancer()
    made.serve([app.state.parts.settings.http_port])
    yield made
    made.close()


def test_a_pick_survives_a_reload_and_a_lost_network(
    opened: Opened, floor: Floor, app: FastAPI, cable: Balancer
) -> None:
    """What was scanned stays; scans without a network are kept, said, and each counts once."""
    order_id = floor.order({MUG: 2, JACKET: 1})
    page = opened(f"{cable.url}staff/queue", "1")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    walking(page)
    page.evaluate("navigator.serviceWorker.ready")
    scan(page, MUG)
    expect(page.locator("#walk")).to_have_attribute("data-done", "1")
    page.reload()
    walking(page)
    expect(current(page).locator("[data-count]")).to_have_text("1")
    cable.cut()
    page.context.set_offline(True)
    scan(page, MUG)
    expect(current(page)).to_have_attribute("data-gtin", JACKET)
    expect(page.locator("#unsent")).to_contain_text("1 kept")
    page.reload()
    expect(page.locator("#unsent")).to_contain_text("1 kept")
    scan(page, LAMP)
    expect(page.locator("#wrong")).to_be_visible()
    scan(page, JACKET)
    expect(page.locator("#unsent")).to_contain_text("2 kept")
    assert floor.told(order_id).count("picked") == 1
    cable.serve([app.state.parts.settings.http_port])
    page.context.set_offline(False)
    expect(page.locator("#unsent")).to_be_hidden()
    expect(page.locator("#walk")).to_have_attribute("data-done", "3")
    assert floor.told(order_id).count("picked") == 3


def test_a_tap_is_not_lost_to_an_answer_that_comes_meanwhile(opened: Opened, floor: Floor) -> None:
    """A finger is on a button as the page is drawn anew: the button is there when it lets go."""
    order_id = floor.order({MUG: 3})
    page = opened("/staff/queue", "1")
    page.get_by_role("button", name="Pick", exact=False).first.click()
    walking(page)
    scan(page, MUG)
    expect(current(page).locator("[data-count]")).to_have_text("1")
    page.get_by_role("button", name="All 3").hover()
    page.mouse.down()
    with page.expect_response(f"**{API}/walk/picks?*"):
        current(page).get_by_role("button", name="Pick one more").evaluate("one => one.click()")
    page.mouse.up()
    expect(page.locator("#walk")).to_have_attribute("data-done", "3")
    assert floor.told(order_id).count("picked") == 3


def test_the_desk_hands_over_once(opened: Opened, floor: Floor) -> None:
    """The phone's code is scanned, lines are checked, given out; elsewhere it is refused then."""
    order_id = floor.ready(floor.hire("5"), {LAMP: 1, MUG: 2})
    token = handover_token(SECRET.encode(), order_id)
    late = opened(f"/staff/handover/{order_id}", "2")
    late.route("**/api/v1/staff/events", lambda route: route.abort())
    late.reload()
    page = opened("/staff/desk", "1")
    scan(page, "co:nothing.ours")
    expect(page.locator("#find-fault")).to_contain_text("not the code of this order")
    scan(page, token)
    page.wait_for_url("**/staff/handover/*")
    expect(page.get_by_text("The shopper's code was read.")).to_be_visible()
    expect(page.locator(".goods > li")).to_have_count(2)
    page.get_by_role("button", name="Hand over", exact=True).click()
    expect(page.locator(".verdict")).to_contain_text("Handed over")
    scan(late, handover_code(SECRET.encode(), order_id))
    expect(late.locator(".verdict")).to_be_visible()
    assert floor.told(order_id).count("handed_over") == 1
    wrong = floor.ready(floor.hire("6"), {MUG: 1})
    page.goto(f"/staff/handover/{wrong}")
    scan(page, "000000")
    expect(page.locator("#hand-fault")).to_contain_text("not the code of this order")


def test_a_parcel_is_sent(opened: Opened, floor: Floor) -> None:
    """Carrier by hand, number by scanner; then it is gone from the desk, and can come back."""
    floor.ship()
    address = {"name": "Ada", "street": "1 Pier", "postcode": "1", "city": "Cork", "country": "IE"}
    order_id = floor.ready(floor.hire("5"), {MUG: 1}, method="ship", address=address)
    page = opened("/staff/desk", "7")
    page.get_by_role("link", name=f"Send {floor.view(order_id).ticket}").click()
    page.get_by_label("Carrier").fill("Parcel Post")
    page.locator("#scan").focus()
    scan(page, "3SABC123")
    expect(page.locator(".verdict h2")).to_have_text("Sent")
    expect(page.get_by_role("link", name="Take something back")).to_be_visible()


def test_something_comes_back(opened: Opened, floor: Floor) -> None:
    """The refund is shown before it is confirmed."""
    who = floor.enter("5", Role.LEAD).staff
    order_id = floor.ready(who, {MUG: 3})
    page = opened("/staff/desk", "9", Role.LEAD)
    page.get_by_role("link", name=f"Hand over {floor.view(order_id).ticket}").click()
    page.get_by_role("button", name="Hand over without a code").click()
    page.locator("#why").get_by_label("Reason").fill("Known here")
    page.locator("#why").get_by_role("button", name="Go on").click()
    expect(page.locator(".verdict")).to_be_visible()
    page.goto("/staff/returns")
    scan(page, order_id)
    page.wait_for_url("**/staff/returns/*")
    page.get_by_role("button", name="Take back").click()
    dialog = page.locator("#take-back")
    dialog.get_by_label("Pieces").fill("2")
    expect(dialog.locator("[data-refund]")).to_have_text("€25.00")
    dialog.get_by_label("No longer wanted").check()
    dialog.get_by_label("As good as new").check()
    dialog.get_by_role("button", name="Take back and refund").click()
    expect(page.get_by_text("2 came back")).to_be_visible()
    page.goto(f"/staff/order/{order_id}")
    expect(page.locator(".history")).to_contain_text("Known here")
    assert floor.view(order_id).refunded_minor == 2_500


def test_a_refund_that_failed_is_tried_again(opened: Opened, floor: Floor) -> None:
    """From the desk to the order, one press, and its page says so; for everyone."""
    order_id, _ = failed_refund(floor, "card closed")
    page = opened("/staff/desk", "9", Role.LEAD, reduced_motion="reduce")
    check_for_everyone(page)
    page.get_by_role("link", name="Look at the refund of").click()
    page.wait_for_url(f"**/staff/order/{order_id}")
    expect(page.locator(".notice")).to_contain_text("card closed")
    sums = page.locator(".sum dd")  # paid, refunded, still to be refunded, kept
    expect(sums).to_have_text(["€25.00", "€0.00", "€12.50", "€12.50"])
    check_for_everyone(page)
    page.get_by_role("button", name="Try the refund of €12.50 again").click()
    expect(page.get_by_text("On its way to the shopper")).to_be_visible()
    expect(page.locator(".history")).to_contain_text("Refund of €12.50 is tried again")
    expect(page.locator("[data-act=retry-refund]")).to_have_count(0)
    check_for_everyone(page)
    assert floor.told(order_id).count("refund_retried") == 1


def test_a_walk_by_keyboard_alone(opened: Opened, floor: Floor) -> None:
    """Claim, type a number, sound off and remembered, the dialog's way out."""
    floor.order({MUG: 1})
    page = opened("/staff/queue", "1")
    pick = page.get_by_role("button", name="Pick", exact=False).first
    pick.focus()
    page.keyboard.press("Enter")
    walking(page)
    sound = page.get_by_role("button", name="Sound")
    sound.focus()
    page.keyboard.press("Enter")
    expect(sound).to_have_attribute("aria-pressed", "false")
    short = current(page).get_by_role("button", name="Not enough")
    short.focus()
    asked: list[Route] = []
    page.route("**/candidates", lambda one: asked.append(one))  # noqa: PLW0108 - Playwright marks it
    page.keyboard.press("Enter")
    left = "!document.activeElement.matches('[data-act=short]')"
    becomes(page, left)  # it is disabled; a bell may have armed the scan field already
    anew = "document.dispatchEvent(new Event('visibilitychange')) && document.activeElement.id"
    becomes(page, f"({anew}) === 'scan'", every_ms=500)  # the page was shown anew meanwhile
    asked[0].continue_()
    expect(page.locator("#short")).to_be_visible()
    page.keyboard.press("Escape")
    expect(short).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#scan")).to_be_focused()
    scan(page, MUG)
    expect(page.get_by_label("Scan or type the shelf")).to_be_focused()


def test_the_board_keeps_what_it_showed(opened: Opened, floor: Floor) -> None:
    """Without a network the codes stay, with the time from which they are."""
    ticket = floor.view(floor.ready(floor.hire("5"))).ticket
    board = opened(f"/board/{HERE}", viewport={"width": 1920, "height": 1080})
    expect(board.locator("#ready [data-code]")).to_have_text([ticket])
    board.context.set_offline(True)
    expect(board.locator("#stale")).to_have_text(re.compile(r"^since \d\d:\d\d"))
    expect(board.locator("#ready [data-code]")).to_have_text([ticket])
    board.context.set_offline(False)
    expect(board.locator("#stale")).to_be_hidden()


@pytest.mark.parametrize(("locale", "scheme"), [("en", "dark"), ("he", "light"), ("pl", "dark")])
def test_every_page_of_staff_is_for_everyone(
    opened: Opened, floor: Floor, locale: str, scheme: str
) -> None:
    """No serious finding of axe-core, nothing wider than the screen, targets for thumbs."""
    ready = floor.ready(floor.hire("5"), {LAMP: 1, MUG: 2})
    floor.order({MUG: 3})
    unpaid, _ = failed_refund(floor, "card closed")
    how: dict[str, Any] = {"locale": locale, "color_scheme": scheme, "reduced_motion": "reduce"}
    page = opened("/staff", **how)
    assert serious(page) == []
    page = opened("/staff/queue", "9", Role.LEAD, **how)
    page.locator("[data-act=claim]").first.click()
    walking(page)
    floor.order({LAMP: 1})
    orders = (f"handover/{ready}", f"order/{ready}", f"order/{unpaid}")
    for path in ("walk", "queue", "desk", *orders, "returns"):
        page.goto(f"/staff/{path}")
        assert page.locator("html").get_attribute("lang") == locale
        assert serious(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        small = "[...document.querySelectorAll('main button, .tabs a, main .button')].filter(b =>"
        small += " b.offsetParent && Math.min(b.offsetWidth, b.offsetHeight) < 44).length"
        assert page.evaluate(small) == 0, path
    page = opened("/staff/people", "10", Role.MANAGER, **how)
    page.locator(".people summary").first.click()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for wide, high in ((1280, 800), (1080, 1920)):
        board = opened(f"/board/{HERE}", viewport={"width": wide, "height": high}, locale=locale)
        assert serious(board) == []
        assert board.evaluate("document.documentElement.scrollWidth") <= wide
