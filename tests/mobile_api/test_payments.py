"""From pay to paid with everything real: routes, workflows, the test bank, its webhooks."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.errors import Refused, Unavailable
from cart.kernel.ids import RandomIds
from cart.orders import checkout, paying, vouchers
from cart.orders.model import AttemptState
from cart.orders.tables import AttemptRow, CheckoutRow, OrderRow, RefundRow, TenderRow
from cart.ports import HostedPayment, PaymentWish
from mobile_api.app import create_app
from mobile_api.payment.providers import Providers
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import PaymentState
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.payment.sandbox.signing import HEADER, secret_of, sign
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.paying import (
    LAMP_MINOR,
    SHOP,
    WAIT_S,
    Shopper,
    assert_sums,
    eventually,
    rows,
    states,
    stock_of,
)
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE, SECRET, key

RESERVED_FOR_S = 15 * 60


@pytest.fixture
def app(shop_engine: Engine, tmp_path: Path, clock: FakeClock) -> FastAPI:
    """The application with its durable work; in the shop, three red lamps."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        database_url=shop_engine.url.render_as_string(hide_password=False),
    )
    return create_app(settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False)


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """Its address."""
    with serving(app) as address:
        yield address


@pytest.fixture
def somebody(url: str, shop_engine: Engine, clock: FakeClock) -> Iterator[Callable[[], Shopper]]:
    """Makes shoppers."""
    made: list[Shopper] = []

    def make() -> Shopper:
        made.append(Shopper(url, shop_engine, clock))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


@pytest.fixture
def shopper(somebody: Callable[[], Shopper]) -> Shopper:
    """Somebody with a lamp in her cart, about to pay."""
    one = somebody()
    one.fill()
    return one


@pytest.fixture
def bank(app: FastAPI, url: str) -> Bank:
    """The bank's books."""
    assert url
    provider = app.state.parts.payments.active
    assert isinstance(provider, SandboxProvider)
    return provider.bank


def placed(engine: Engine) -> None:
    """Wait for the order."""
    eventually(lambda: states(engine, OrderRow)["placed"], "an order")


def test_paid_and_allocated_once(shop_engine: Engine, shopper: Shopper, bank: Bank) -> None:
    """The page, the money, the webhook, the order; a second look shows the same."""
    headers = key()
    begun = shopper.pay(headers)
    assert begun["reserved_until"] is not None
    assert stock_of(shop_engine) == (3, 1, 0)
    shopper.choose(begun["redirect_url"], "pay")
    placed(shop_engine)
    again = shopper.post("pay", headers, total_minor=LAMP_MINOR).json()
    [order] = rows(shop_engine, OrderRow)
    assert (again["state"], again["order_id"]) == ("succeeded", order.id)
    assert (again["checkout_state"], again["redirect_url"]) == ("paid", "")
    assert stock_of(shop_engine) == (3, 0, 1)
    assert_sums(shop_engine, bank)


@pytest.mark.parametrize("choice", ["refuse", "leave"])
def test_refused_by_the_bank_or_by_her(
    shop_engine: Engine, shopper: Shopper, bank: Bank, choice: str
) -> None:
    """Nothing stays held, the checkout is open again, and a new try succeeds."""
    shopper.choose(shopper.pay()["redirect_url"], choice)
    eventually(lambda: states(shop_engine, CheckoutRow)["open"], "the end of the attempt")
    assert stock_of(shop_engine) == (3, 0, 0)
    assert_sums(shop_engine, bank)
    shopper.choose(shopper.pay()["redirect_url"], "pay")
    placed(shop_engine)
    assert_sums(shop_engine, bank)


def test_the_same_webhook_twice_is_one_order(
    shop_engine: Engine, shopper: Shopper, bank: Bank
) -> None:
    """Both are answered 200, so that the bank is content."""
    shopper.choose(shopper.pay()["redirect_url"], "twice")
    placed(shop_engine)
    eventually(lambda: not bank.waiting(), "the second delivery")
    assert states(shop_engine, OrderRow) == {"placed": 1}
    assert_sums(shop_engine, bank)


def test_a_lost_webhook_is_found_by_asking(
    shop_engine: Engine, shopper: Shopper, bank: Bank, clock: FakeClock
) -> None:
    """The sweep asks the bank about payments that are silent."""
    shopper.choose(shopper.pay()["redirect_url"], "lost")
    assert states(shop_engine, AttemptRow) == {"pending": 1}
    clock.advance(25)
    placed(shop_engine)
    assert_sums(shop_engine, bank)


def test_money_that_came_late_still_buys_what_is_there(
    shop_engine: Engine, shopper: Shopper, bank: Bank, clock: FakeClock
) -> None:
    """The reservation has ended before the shop hears of the money; the lamp is still there."""
    shopper.choose(shopper.pay()["redirect_url"], "late", RESERVED_FOR_S + 60)
    clock.advance(RESERVED_FOR_S + 1)
    placed(shop_engine)
    clock.advance(120)
    eventually(lambda: not bank.waiting(), "the late webhook")
    assert states(shop_engine, OrderRow) == {"placed": 1}
    assert_sums(shop_engine, bank)


def test_money_that_came_too_late_goes_back(
    shop_engine: Engine, shopper: Shopper, bank: Bank, clock: FakeClock
) -> None:
    """Somebody else has all three lamps at the moment the reservation ends: refunded whole."""
    begun = shopper.pay()
    shopper.choose(begun["redirect_url"], "lost")
    assert bank.balance_minor() == LAMP_MINOR
    with unit_of_work(shop_engine) as db:
        paying.end_attempt(
            db, clock, SHOP, attempt_id=begun["attempt_id"], state=AttemptState.EXPIRED
        )
        until = clock.now() + timedelta(hours=2)
        pieces = {"lamp-red": 3}
        assert not SHOP.stock.reserve(
            db, clock, reference="rival", location_id=HERE, pieces=pieces, until=until
        )
    eventually(lambda: states(shop_engine, RefundRow)["done"], "the refund")
    [refund] = rows(shop_engine, RefundRow)
    assert (refund.amount_minor, refund.order_id) == (LAMP_MINOR, None)
    assert bank.balance_minor() == 0
    assert states(shop_engine, OrderRow) == {}
    assert states(shop_engine, CheckoutRow) == {"open": 1}
    assert stock_of(shop_engine) == (3, 3, 0)


def post_webhook(
    shopper: Shopper, body: bytes, clock: FakeClock, *, secret: bytes | None = None, age_s: int = 0
) -> httpx2.Response:
    """Post a webhook, signed by the bank unless told otherwise."""
    signed = sign(
        secret_of(SECRET.encode()) if secret is None else secret,
        body,
        clock.now() - timedelta(seconds=age_s),
    )
    headers = {HEADER: signed, "content-type": "application/json"}
    return shopper.client.post("/api/v1/payments/sandbox/webhook", content=body, headers=headers)


def webhook(ref: str, amount_minor: int) -> bytes:
    """Return the body of a webhook that says that it was paid."""
    payment = {
        "ref": ref,
        "reference": "anything",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "state": "captured",
    }
    event = {"id": f"evt-{amount_minor}", "created_at": "2026-03-02T09:00:00Z", "payment": payment}
    return json.dumps(event).encode()


def test_webhooks_that_are_not_the_banks_change_nothing(
    shop_engine: Engine, shopper: Shopper, bank: Bank, clock: FakeClock
) -> None:
    """Another secret, an old message, nonsense, an unknown provider: refused; the attempt waits."""
    ref = shopper.pay()["redirect_url"].rpartition("/")[2]
    body = webhook(ref, LAMP_MINOR)
    assert post_webhook(shopper, body, clock, secret=b"guessed").status_code == 403
    assert post_webhook(shopper, body, clock, age_s=301).status_code == 403
    assert post_webhook(shopper, b"{}", clock).status_code == 422
    stranger = shopper.client.post("/api/v1/payments/stripe/webhook", content=body)
    assert stranger.status_code == 404
    assert states(shop_engine, AttemptRow) == {"pending": 1}
    assert states(shop_engine, OrderRow) == {}
    assert bank.balance_minor() == 0


def test_a_webhook_that_was_faster_than_we_is_asked_for_again(
    shop_engine: Engine, shopper: Shopper, clock: FakeClock
) -> None:
    """Of a payment that is not written down yet: 503 with a time to come back."""
    answer = post_webhook(shopper, webhook("sbx_unknown", LAMP_MINOR), clock)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert states(shop_engine, OrderRow) == {}


def test_another_amount_buys_nothing(
    shop_engine: Engine, shopper: Shopper, clock: FakeClock
) -> None:
    """It is owed back; here the bank knows of no such money, so an operator has to look."""
    ref = shopper.pay()["redirect_url"].rpartition("/")[2]
    assert post_webhook(shopper, webhook(ref, 1), clock).status_code == 200
    assert states(shop_engine, AttemptRow) == {"failed": 1}
    assert states(shop_engine, OrderRow) == {}
    assert stock_of(shop_engine) == (3, 0, 0)
    eventually(lambda: states(shop_engine, RefundRow)["failed"], "the refusal of the refund")


class Broken(SandboxProvider):
    """The bank, which answers with an error as often as it is told to."""

    error: Exception
    left: int
    ready: threading.Event

    def create(self, wish: PaymentWish) -> HostedPayment:
        """Fail, then work; wait until it is ready."""
        assert self.ready.wait(WAIT_S)
        if self.left:
            self.left -= 1
            raise self.error
        return super().create(wish)


def break_provider(app: FastAPI, error: Exception, times: int) -> Broken:
    """Let the bank fail."""
    parts = app.state.parts
    base_url = parts.settings.base_url
    secret = secret_of(parts.settings.key())
    broken = Broken(parts.payments.active.bank, parts.clock, secret=secret, base_url=base_url)
    broken.error, broken.left, broken.ready = error, times, threading.Event()
    broken.ready.set()
    parts.payments = Providers(broken, {"sandbox": broken})
    return broken


@pytest.mark.parametrize(
    ("error", "times"), [(Unavailable("no answer"), 3), (Refused("no such account"), 1)]
)
def test_no_page_means_nothing_is_held(
    app: FastAPI, shopper: Shopper, bank: Bank, error: Exception, times: int
) -> None:
    """Away for all tries, or a refusal at once: she is told so; another try works."""
    engine = shopper.engine
    broken = break_provider(app, error, times)
    answer = shopper.post("pay", total_minor=LAMP_MINOR)
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_unavailable")
    assert broken.left == 0
    assert stock_of(engine) == (3, 0, 0)
    assert states(engine, CheckoutRow) == {"open": 1}
    shopper.choose(shopper.pay()["redirect_url"], "pay")
    placed(engine)
    assert_sums(engine, bank)


def test_a_provider_that_stumbles_is_asked_again(
    app: FastAPI, shopper: Shopper, bank: Bank
) -> None:
    """The shopper does not notice."""
    break_provider(app, Unavailable("no answer"), 1)
    shopper.choose(shopper.pay()["redirect_url"], "pay")
    placed(shopper.engine)
    assert_sums(shopper.engine, bank)


def test_a_provider_that_takes_its_time_is_asked_for_later(
    app: FastAPI, shopper: Shopper, bank: Bank
) -> None:
    """202 while there is no page; the same request again has it."""
    provider = break_provider(app, Unavailable("never raised"), 0)
    provider.ready.clear()
    headers = key()
    first = shopper.post("pay", headers, total_minor=LAMP_MINOR)
    assert (first.status_code, first.json()["state"]) == (202, "reserved")
    assert first.json()["reserved_until"] is not None
    provider.ready.set()
    shopper.choose(shopper.pay(headers)["redirect_url"], "pay")
    placed(shopper.engine)
    assert_sums(shopper.engine, bank)


def test_twenty_identical_requests_are_one_attempt(shopper: Shopper, bank: Bank) -> None:
    """Each is told the same page, or to come back."""
    headers = key()

    def once(_: int) -> tuple[int, str]:
        answer = shopper.post("pay", headers, total_minor=LAMP_MINOR)
        return answer.status_code, answer.json().get("redirect_url", "")

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(once, range(20)))
    assert {status for status, _ in answers} <= {200, 409}
    assert len({page for _, page in answers if page}) == 1
    assert states(shopper.engine, AttemptRow) == {"pending": 1}
    assert len(bank.payments()) == 1


def test_the_key_stands_for_one_request(shopper: Shopper, somebody: Callable[[], Shopper]) -> None:
    """None 400; another body under it 422; the checkout of somebody else 404."""
    assert shopper.post("pay", {}, total_minor=LAMP_MINOR).status_code == 400
    headers = key()
    shopper.pay(headers)
    other = shopper.post("pay", headers, total_minor=1)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    stranger = somebody()
    stranger.fill()
    stranger.checkout_id = shopper.checkout_id
    for answer in (stranger.post("pay", total_minor=LAMP_MINOR), stranger.post("stop")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_checkout")
    assert states(shopper.engine, AttemptRow) == {"pending": 1}


def test_another_total_than_she_saw_is_refused(shopper: Shopper, bank: Bank) -> None:
    """She decides anew; nothing is held, and the bank hears nothing."""
    answer = shopper.post("pay", total_minor=LAMP_MINOR - 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "checkout_changed")
    assert stock_of(shopper.engine) == (3, 0, 0)
    assert bank.payments() == []


def test_stopped_is_free_at_once_and_closed_at_the_bank(
    shop_engine: Engine, shopper: Shopper, bank: Bank
) -> None:
    """The pieces are free with the answer; the page says that it is closed soon after."""
    page = shopper.pay()["redirect_url"]
    stopped = shopper.post("stop").json()
    assert (stopped["state"], stopped["checkout_state"]) == ("cancelled", "open")
    assert stock_of(shop_engine) == (3, 0, 0)
    eventually(lambda: states(shop_engine, TenderRow)["released"], "the closing at the bank")
    [payment] = bank.payments()
    assert payment.state is PaymentState.CANCELLED
    shopper.choose(page, "pay")
    assert bank.balance_minor() == 0
    assert_sums(shop_engine, bank)


def test_stopped_when_the_money_was_faster_is_bought(
    shop_engine: Engine, shopper: Shopper, bank: Bank
) -> None:
    """The bank says so when its page is to be closed; there is one order, and no double way."""
    shopper.choose(shopper.pay()["redirect_url"], "lost")
    shopper.post("stop")
    placed(shop_engine)
    assert_sums(shop_engine, bank)


def test_a_voucher_for_all_of_it_needs_no_bank(
    shop_engine: Engine, shopper: Shopper, bank: Bank, clock: FakeClock
) -> None:
    """The answer is the order."""
    ids = RandomIds()
    with unit_of_work(shop_engine) as db:
        code = vouchers.issue(db, clock, ids, amount_minor=20_000, currency="EUR")
        checkout.use_voucher(db, clock, checkout_id=shopper.checkout_id, code=code)
    answer = shopper.post("pay", total_minor=LAMP_MINOR)
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["checkout_state"]) == ("succeeded", "paid")
    assert bank.payments() == []
    assert stock_of(shop_engine) == (3, 0, 1)
