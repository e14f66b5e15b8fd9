"""From a scan to goods in hand in three windows: shopper, staff and board, all parts real.

Nobody reloads a page: what one does, the others see. On SQLite and on PostgreSQL.
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import Variant, products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop
from tests.journeys import windows
from tests.journeys.windows import PHONE, SCREEN, check_for_everyone, type_as_scanner, window
from tests.real.postgres import PostgresServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
HERE = "harbour-street"
VARIANTS = {one.sku: one for product in products(7) for one in product.variants}
LAMP, SHORTER = VARIANTS["HM-1001-BRA-170"], VARIANTS["HM-1001-BRA-150"]
MUG, TOTE = VARIANTS["HM-1035-SAG"], VARIANTS["HM-1120-OLI"]
COUNTED = 9  # pieces of each, so that what left is seen
PIECES = 4  # of the whole order
LOOKED_WITHIN_MS = 60_000  # a board that heard no bell looks by itself every half minute


def gtin(variant: Variant) -> str:
    """Return an article's number as pages and devices know it: 14 digits."""
    return str(Gtin.parse(variant.gtin))


def price(variant: Variant) -> int:
    """Return what a piece costs, in cents."""
    return variant.prices["EUR"]


def euros(cents: int) -> str:
    """Return an amount as an English page says it."""
    return f"€{cents / 100:,.2f}"


def always_open(feeds: Path, folder: Path) -> Path:
    """Write the shops' feed without opening hours, which is always open: nights have tests, too."""
    given = (feeds / "locations.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [{**json.loads(line), "opening_hours": {}} for line in given]
    path = folder / "locations.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@dataclass(slots=True)
class Desk:
    """A running shop with terms, counted goods and one member of staff."""

    shop: RunningShop
    number: str = "12"
    pin: str = field(default="")

    def api(self, *arguments: str) -> str:
        """Run a command line of the API's."""
        return self.shop.server.command("mobile_api.cli", *arguments)

    def inventory(self, *arguments: str) -> str:
        """Run a command line of the inventory's."""
        return self.shop.server.command("inventory_api.cli", *arguments)

    def furnish(self, locations: Path) -> None:
        """Open the desk: hours, taxes, counted goods, somebody to pick."""
        self.inventory("import", str(locations))
        self.api("terms", "set", HERE, "--tax-bp", "2300")
        self.count_goods()
        hired = self.api(
            "staff", "add", "--location", HERE, "--number", self.number, "--name", "Mira"
        )
        self.pin = hired.split()[-1]

    def count_goods(self) -> None:
        """Count what the tests sell anew."""
        for one in (LAMP, SHORTER, MUG, TOTE):
            self.inventory("count", HERE, one.sku, str(COUNTED), "--safety-stock", "0")

    def on_hand(self, variant: Variant) -> int:
        """Return how many pieces lie in the shop."""
        told = self.inventory("stock", variant.sku)
        return int(re.findall(rf"{HERE} +on hand +(\d+)", told)[0])

    def orders(self) -> list[str]:
        """Return the ids of all orders, the newest first."""
        return [line.split()[0] for line in self.api("orders", "list").splitlines()]

    def order(self, order_id: str) -> str:
        """Return what the command line tells of an order."""
        return self.api("orders", "show", order_id)

    def handed_over(self, order_id: str) -> int:
        """Return how many pieces of an order were handed over."""
        return sum(int(one) for one in re.findall(r"handed over (\d+)", self.order(order_id)))

    def check_sums(self) -> None:
        """Check that orders, money and pieces add up; the command lines fail where they do not."""
        assert self.api("orders", "reconcile").splitlines()[-1] == "0 wrong"
        assert self.inventory("reconcile").startswith("0 rows with a difference")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with windows.running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def shop_database_url(postgres: PostgresServer) -> Iterator[str]:
    """URL of a PostgreSQL database that outlives the shop on it."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(
    request: pytest.FixtureRequest,
    open_carryover_shop: OpenShop,
    carryover_feeds: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A shop that sells, on each kind of database."""
    settings = {}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("shop_database_url")
    made = Desk(open_carryover_shop(settings=settings))
    made.furnish(always_open(carryover_feeds, tmp_path_factory.mktemp("locations")))
    return made


def scanned_to_phone(browser: Browser, shop: RunningShop, *goods: Variant) -> Page:
    """Scan these with a tablet, and open the claim link on a phone: its window with the cart."""
    tablet = shop.take_tablet()
    for one in goods:
        tablet.scan(one.gtin)
    phone = window(browser, shop.url, PHONE)
    phone.goto(tablet.link)
    phone.wait_for_url(shop.url)
    for number in {gtin(one) for one in goods}:
        expect(phone.locator(f'.line[data-gtin="{number}"]')).to_be_visible()
    tablet.put_down()
    return phone


def signed_in(browser: Browser, desk: Desk) -> Page:
    """Sign in on a picker's phone; her queue is shown and live."""
    staff = window(browser, desk.shop.url, PHONE)
    staff.goto("/staff")
    check_for_everyone(staff)
    staff.get_by_label("Harbour Street").check()
    staff.get_by_label("Your number").fill(desk.number)
    staff.get_by_label("PIN").fill(desk.pin)
    staff.get_by_role("button", name="Sign in").click()
    staff.wait_for_url("**/staff/queue")
    expect(staff.locator("#staff-live")).to_have_text("live")
    return staff


def open_board(browser: Browser, desk: Desk) -> Page:
    """Return the window of the board."""
    board = window(browser, desk.shop.url, SCREEN)
    board.goto(f"/board/{HERE}")
    expect(board.get_by_role("heading", name="Ready at the desk")).to_be_visible()
    return board


def to_the_bank(phone: Page, total: int) -> None:
    """Press the one verb of the checkout; the bank asks for the same amount."""
    pay = phone.get_by_role("button", name=f"Pay {euros(total)}")
    expect(pay).to_be_enabled()
    pay.click()
    phone.wait_for_url("**/sandbox/pay/**")
    expect(phone.get_by_role("heading", level=1)).to_contain_text(euros(total))


def step(staff: Page) -> Locator:
    """Return the line of the walk that is shown."""
    return staff.locator(".step:not([hidden])")


def close(*pages: Page) -> None:
    """Close these windows."""
    for page in pages:
        page.context.close()


def paid_after_a_refusal(phone: Page, desk: Desk, total: int) -> str:
    """Check out, be refused by the bank, try again with 3-D Secure; return the order's id."""
    phone.get_by_role("button", name="Check out").click()
    expect(phone.get_by_role("heading", name="Checkout")).to_be_visible()
    expect(phone.locator(".till .total")).to_contain_text(euros(total))
    expect(phone.locator(".till .total")).to_contain_text(re.compile(r"ready about \d+:\d\d"))
    check_for_everyone(phone)
    to_the_bank(phone, total)
    phone.get_by_role("button", name="Card refused").click()
    phone.wait_for_url("**/checkout/*")
    expect(phone.get_by_text("Nothing was charged; you can try again.")).to_be_visible()
    check_for_everyone(phone)
    assert desk.orders() == []
    assert "reserved    0" in desk.inventory("stock", LAMP.sku)
    to_the_bank(phone, total)
    phone.get_by_role("button", name="Pay with 3-D Secure").click()
    expect(phone.get_by_role("button", name="Approve")).to_be_visible()
    check_for_everyone(phone)
    phone.get_by_role("button", name="Approve").click()
    phone.wait_for_url("**/orders/**")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Ready about")
    expect(phone.get_by_text("You are next.")).to_be_visible()
    check_for_everyone(phone)
    return phone.url.rsplit("/", 1)[1]


def refuse_the_wrong_item(staff: Page, desk: Desk, order_id: str) -> None:
    """Scan another lamp than the one that is wanted: both are shown, and nothing has changed."""
    expect(step(staff)).to_have_attribute("data-gtin", gtin(LAMP))
    type_as_scanner(staff, SHORTER.gtin)
    wrong = staff.locator("#wrong")
    expect(wrong).to_contain_text("Wrong item. Put it back.")
    expect(wrong.locator(".no")).to_contain_text("150 cm")
    expect(wrong.locator(".yes")).to_contain_text("170 cm")
    check_for_everyone(staff)
    assert desk.order(order_id).count("picked 0") == len((LAMP, MUG, TOTE))
    staff.get_by_role("button", name="Scan again").click()
    expect(step(staff)).to_have_attribute("data-gtin", gtin(LAMP))
    expect(step(staff).locator("[data-count]")).to_have_text("0")


def replace_what_is_missing(staff: Page, phone: Page) -> None:
    """Say that the lamp is not there and offer a cheaper one: accepted on the phone, live."""
    step(staff).get_by_role("button", name="Not enough").click()
    staff.get_by_label("It is not there").check()
    staff.locator(f'#instead [value="{gtin(SHORTER)}"]').check()
    check_for_everyone(staff)
    staff.get_by_role("button", name="Go on").click()
    offer = phone.locator(".offer")
    expect(offer).to_contain_text("Would you take this one instead?")
    expect(offer).to_contain_text(euros(price(SHORTER)))
    check_for_everyone(phone)
    offer.get_by_role("button", name="Yes, please").click()
    expect(offer).to_have_count(0)


def pick_the_rest(staff: Page, shelf: str) -> None:
    """Scan what the walk asks for, in its order; then the shelf at the desk."""
    for one, pieces in ((MUG, 2), (TOTE, 1), (SHORTER, 1)):
        expect(step(staff)).to_have_attribute("data-gtin", gtin(one))
        for _ in range(pieces):
            type_as_scanner(staff, one.gtin)
    expect(staff.get_by_role("heading", name="To the desk")).to_be_visible()
    expect(staff.get_by_label("Scan or type the shelf")).to_be_visible()
    check_for_everyone(staff)
    type_as_scanner(staff, shelf)
    expect(staff.get_by_text("You are not picking")).to_be_visible()


def ready_on_both(board: Page, phone: Page, ticket: str) -> str:
    """See the ticket move to "ready" on the board, and the phone show the code: return it."""
    expect(board.locator(".ready [data-code]")).to_have_text([ticket])
    expect(board.locator(".picking [data-code]")).to_have_count(0)
    check_for_everyone(board)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Ready at the desk")
    code = phone.locator(".handover-code").inner_text().replace(" ", "")
    assert re.fullmatch(r"\d{6}", code)
    check_for_everyone(phone)
    return code


def hand_over_once(staff: Page, desk: Desk, order_id: str, code: str) -> None:
    """Be told another code, then the right one; the same code again is refused."""
    proof = staff.get_by_label("The six digits on the shopper's phone")
    give = staff.get_by_role("button", name="Hand over", exact=True)
    proof.fill(f"{(int(code) + 1) % 1_000_000:06}")
    give.click()
    expect(staff.get_by_text("This is not the code of this order.")).to_be_visible()
    check_for_everyone(staff)
    assert desk.handed_over(order_id) == 0
    proof.fill(code)
    give.click()
    expect(staff.get_by_role("heading", name="Handed over")).to_be_in_viewport()
    check_for_everyone(staff)
    again = staff.request.post(
        f"/api/v1/staff/orders/{order_id}/handover",
        data={"proof": code},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert (again.status, again.json()["code"]) == (409, "already_handed_over")
    assert desk.handed_over(order_id) == PIECES


def test_from_the_scan_to_the_hands(browser: Browser, desk: Desk) -> None:
    """Scanned, paid, picked, replaced, staged and handed over once, live in three windows."""
    staff, board = signed_in(browser, desk), open_board(browser, desk)
    expect(staff.get_by_role("heading", name="Nothing waits")).to_be_visible()
    for page in (staff, board):
        check_for_everyone(page)
        windows.mark(page)
    phone = scanned_to_phone(browser, desk.shop, LAMP, MUG, MUG, TOTE)
    check_for_everyone(phone)
    total = price(LAMP) + 2 * price(MUG) + price(TOTE)
    order_id = paid_after_a_refusal(phone, desk, total)
    assert desk.orders() == [order_id]
    windows.mark(phone)
    ticket = phone.locator(".ticket-code").inner_text()

    expect(board.locator(".picking [data-code]")).to_have_text([ticket])
    card = staff.locator(f'.task[data-ticket="{ticket}"]')
    expect(card).to_contain_text(f"{PIECES} pieces")
    assert windows.is_marked(staff)
    check_for_everyone(staff)
    card.get_by_role("button", name=f"Pick {ticket}", exact=True).click()
    staff.wait_for_url("**/staff/walk")
    expect(staff.locator("#staff-live")).to_have_text("live")
    check_for_everyone(staff)
    windows.mark(staff)
    expect(phone.get_by_text("Your things are being picked now.")).to_be_visible()
    refuse_the_wrong_item(staff, desk, order_id)
    replace_what_is_missing(staff, phone)
    pick_the_rest(staff, "B-47")
    assert windows.is_marked(staff)

    code = ready_on_both(board, phone, ticket)
    staff.get_by_role("link", name="Desk").click()
    expect(staff.locator(".shelf")).to_contain_text("B-47")
    check_for_everyone(staff)
    staff.get_by_role("link", name=f"Hand over {ticket}").click()
    hand_over_once(staff, desk, order_id, code)

    expect(board.locator("[data-code]")).to_have_count(0)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Handed over")
    back, receipt = price(LAMP) - price(SHORTER), phone.locator(".sums")
    expect(receipt).to_contain_text("Went back to you")
    expect(receipt).to_contain_text(euros(back))
    expect(receipt.locator(".strong").last).to_contain_text(euros(total - back))
    check_for_everyone(phone)
    assert windows.is_marked(phone)
    assert windows.is_marked(board)
    left = {one.sku: COUNTED - desk.on_hand(one) for one in (SHORTER, MUG, TOTE)}
    assert left == {SHORTER.sku: 1, MUG.sku: 2, TOTE.sku: 1}
    assert desk.on_hand(LAMP) == COUNTED - 1  # it was not there
    desk.check_sums()
    close(phone, staff, board)


def test_an_api_killed_while_she_pays(browser: Browser, desk: Desk) -> None:
    """SIGKILL while she is at the bank: paid once, one order, pages recover by themselves."""
    shop = desk.shop
    desk.count_goods()
    before = desk.orders()
    staff, board = signed_in(browser, desk), open_board(browser, desk)
    phone = scanned_to_phone(browser, shop, TOTE)
    phone.get_by_role("button", name="Check out").click()
    to_the_bank(phone, price(TOTE))
    tab = phone.context.new_page()
    tab.goto("/checkout")
    expect(tab.get_by_role("link", name="Continue to payment")).to_be_visible()
    for page in (staff, board):
        windows.mark(page)

    shop.kill("api")
    expect(staff.locator("#staff-live")).to_have_text("connecting")
    expect(board.locator("#stale")).to_be_visible(timeout=LOOKED_WITHIN_MS)
    check_for_everyone(board)
    shop.restart("api")
    expect(staff.locator("#staff-live")).to_have_text("live")
    expect(board.locator("#stale")).to_be_hidden()

    phone.get_by_role("button", name="News sent twice").click()
    phone.wait_for_url("**/orders/**")
    order_id = phone.url.rsplit("/", 1)[1]
    ticket = phone.locator(".ticket-code").inner_text()
    tab.wait_for_url(f"**/orders/{order_id}")
    expect(board.locator(".picking [data-code]")).to_have_text([ticket])
    expect(staff.locator(f'.task[data-ticket="{ticket}"]')).to_be_visible()
    assert windows.is_marked(staff)
    assert windows.is_marked(board)
    assert desk.orders() == [order_id, *before]
    told = desk.order(order_id)
    assert re.findall(r"provider: ([\d.]+) EUR, refunded ([\d.]+)", told) == [
        (f"{price(TOTE) / 100:.2f}", "0.00")
    ]
    assert "allocated    1" in desk.inventory("stock", TOTE.sku)
    desk.check_sums()
    close(phone, staff, board)
