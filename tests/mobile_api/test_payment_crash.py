"""The process is killed at every boundary of a payment's way; after a restart the sums hold.

Everything is real: an API process, its durable work, the test bank's books and its
webhooks. ``MARKS`` in the order in which a payment passes them.
"""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, text

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.orders import paying
from cart.orders.model import AttemptState
from cart.orders.tables import AttemptRow, CheckoutRow, OrderRow, RefundRow, TenderRow
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import Choice, PaymentState
from tests.mobile_api.paying import (
    LAMP_MINOR,
    SHOP,
    Shopper,
    assert_sums,
    eventually,
    rows,
    states,
    stock_of,
)
from tests.mobile_api.payment_process import DIED, HELD, Start, serve
from tests.mobile_api.shop import HERE, SECRET, key, stock
from tests.real.nursery import Born, bear

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BUYING = ("reserved", "asking", "created", "noting", "noted", "settling", "settled")
GIVING_UP = ("giving up", "given up")
CANCELLING = ("cancelling", "cancelled", "closed")
CANCELLING_PAID = ("cancelling", "cancelled", "settling", "settled", "closed")
EXPIRING = ("expiring", "expired", "cancelling", "cancelled", "closed")
REFUNDING = ("settling", "settled", "refunding", "refunded", "noting refund", "refund noted")

PHONES = 3
SPURNED_MINOR = 2 * LAMP_MINOR  # the last phone buys two lamps, so that a bank can tell it
ALL_MINOR = (PHONES + 1) * LAMP_MINOR
# Boundary, how often it is passed before the end: all before the first page, between two
# pages, with pages that nobody has kept, with some that are kept.
TOGETHER = (("asking", 1), ("created", 2), ("noting", 1), ("noted", 1))


@dataclass
class Api:
    """The process, which the test starts, sees die, and starts again at the same address."""

    environment: dict[str, str]
    folder: Path
    running: list[Born] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.environment['HTTP_PORT']}"

    def start(self, mark: str = "", *, ahead_s: float = 0.0, refusing: bool = False) -> None:
        """Start it; it may be dead before it has answered once."""
        self.begin(Start(mark=mark, ahead_s=ahead_s, refusing=refusing))

    def begin(self, start: Start) -> None:
        """Start it in any way."""
        said = self.folder / f"process-{len(self.running)}.txt"
        self.running.append(bear(serve, start, env=os.environ | self.environment, said=said))
        eventually(lambda: not self._lives() or self._answers(), "the start")

    def _lives(self) -> bool:
        return self.running[-1].lives

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/live", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def died(self, mark: str) -> None:
        """Wait until it has killed itself at its mark."""
        eventually(lambda: not self._lives(), f"the death at {mark}")
        assert (self.folder / DIED).read_text() == mark

    def end(self) -> None:
        """Kill it now."""
        for one in self.running:
            one.kill()


@pytest.fixture
def api(tmp_path: Path, database_url: str, free_port: int) -> Iterator[Api]:
    """The API process, not started yet."""
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET,
        "HTTP_PORT": str(free_port),
    }
    made = Api(environment, tmp_path)
    yield made
    made.end()


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """The bank's books, beside the process."""
    return Bank(tmp_path / "sandbox-bank.db", SystemClock(), RandomIds())


@pytest.fixture
def shopper(api: Api, shop_engine: Engine) -> Iterator[Shopper]:
    """A phone; its cart is filled once the API runs."""
    one = Shopper(api.url, shop_engine, SystemClock())
    yield one
    one.client.close()


def try_to_pay(shopper: Shopper, headers: dict[str, str]) -> int:
    """Send the request; return its status, 0 where the process died over it."""
    try:
        return shopper.post("pay", headers, total_minor=LAMP_MINOR).status_code
    except httpx2.TransportError:
        return 0


def page_of(bank: Bank) -> str:
    """Return the id of the one payment that the bank knows."""
    [payment] = bank.payments()
    return payment.ref


@pytest.mark.parametrize("mark", BUYING)
def test_killed_on_the_way_to_an_order(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """She repeats her request, pays once, and has one order; the bank has her money once."""
    api.start(mark)
    shopper.fill()
    headers = key()
    status = try_to_pay(shopper, headers)
    if mark in {"settling", "settled"}:
        assert status == 200
        bank.choose(page_of(bank), Choice.PAY)
    api.died(mark)
    api.start()
    eventually(lambda: try_to_pay(shopper, headers) == 200, "the page")
    bank.choose(page_of(bank), Choice.PAY)
    eventually(lambda: states(shop_engine, OrderRow)["placed"], "the order")
    eventually(lambda: not bank.waiting(), "the last webhook")
    assert states(shop_engine, AttemptRow) == {"succeeded": 1}
    assert states(shop_engine, OrderRow) == {"placed": 1}
    assert bank.balance_minor() == LAMP_MINOR
    assert stock_of(shop_engine) == (3, 0, 1)
    assert_sums(shop_engine, bank)


@pytest.mark.parametrize("mark", GIVING_UP)
def test_killed_while_there_is_no_page(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """Nothing stays held, and the same request is told so."""
    api.start(mark, refusing=True)
    shopper.fill()
    headers = key()
    assert try_to_pay(shopper, headers) == 0
    api.died(mark)
    api.start(refusing=True)
    eventually(lambda: states(shop_engine, AttemptRow)["failed"], "the end of the attempt")
    assert try_to_pay(shopper, headers) == 503
    assert states(shop_engine, CheckoutRow) == {"open": 1}
    assert stock_of(shop_engine) == (3, 0, 0)
    assert_sums(shop_engine, bank)


@pytest.mark.parametrize("mark", CANCELLING)
def test_killed_while_she_stops(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """Everything is free, and nobody can pay at the bank any more."""
    api.start(mark)
    shopper.fill()
    shopper.pay()
    stop(shopper)
    api.died(mark)
    api.start()
    eventually(lambda: states(shop_engine, TenderRow)["released"], "the closing")
    eventually(lambda: not bank.waiting(), "the last webhook")
    [payment] = bank.payments()
    assert payment.state is PaymentState.CANCELLED
    assert states(shop_engine, AttemptRow) == {"cancelled": 1}
    assert stock_of(shop_engine) == (3, 0, 0)
    assert_sums(shop_engine, bank)


def stop(shopper: Shopper) -> None:
    """Stop; the process may die over the answer."""
    try:
        shopper.post("stop")
    except httpx2.TransportError:
        return


@pytest.mark.parametrize("mark", CANCELLING_PAID)
def test_killed_while_she_stops_what_is_paid(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """The money was faster: it buys the lamp, once."""
    api.start(mark)
    shopper.fill()
    shopper.pay()
    bank.choose(page_of(bank), Choice.LOST)
    stop(shopper)
    api.died(mark)
    api.start()
    eventually(lambda: states(shop_engine, OrderRow)["placed"], "the order")
    assert states(shop_engine, AttemptRow) == {"succeeded": 1}
    assert bank.balance_minor() == LAMP_MINOR
    assert_sums(shop_engine, bank)


@pytest.mark.parametrize("mark", EXPIRING)
def test_killed_while_the_time_runs_out(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """An hour later everything is free, and the page is closed."""
    api.start()
    shopper.fill()
    shopper.pay()
    api.end()
    api.start(mark, ahead_s=900)
    api.died(mark)
    api.start(ahead_s=900)
    eventually(lambda: states(shop_engine, TenderRow)["released"], "the closing")
    [payment] = bank.payments()
    assert payment.state is PaymentState.CANCELLED
    assert states(shop_engine, AttemptRow) == {"expired": 1}
    assert stock_of(shop_engine) == (3, 0, 0)
    assert_sums(shop_engine, bank)


@pytest.mark.parametrize("mark", REFUNDING)
def test_killed_while_money_goes_back(
    api: Api, shopper: Shopper, shop_engine: Engine, bank: Bank, mark: str
) -> None:
    """Money that came too late for the pieces is given back whole, once."""
    api.start()
    shopper.fill()
    begun = shopper.pay()
    api.end()
    bank.choose(page_of(bank), Choice.LOST)
    somebody_has_it(shop_engine, begun["attempt_id"])
    api.start(mark)
    api.died(mark)
    api.start()
    eventually(lambda: states(shop_engine, RefundRow)["done"], "the refund")
    [refund] = rows(shop_engine, RefundRow)
    assert (refund.state, refund.amount_minor) == ("done", LAMP_MINOR)
    [payment] = bank.payments()
    assert (payment.state, payment.refunded_minor) == (PaymentState.CAPTURED, LAMP_MINOR)
    assert states(shop_engine, OrderRow) == {}
    assert states(shop_engine, CheckoutRow) == {"open": 1}
    assert stock_of(shop_engine) == (3, 3, 0)


def somebody_has_it(engine: Engine, attempt_id: str) -> None:
    """Let the attempt end, and somebody else reserve every lamp, at one moment."""
    clock = SystemClock()
    with unit_of_work(engine) as db:
        attempt = db.get_one(AttemptRow, attempt_id)
        paying.end_attempt(db, clock, SHOP, attempt_id=attempt_id, state=AttemptState.CANCELLED)
        assert not SHOP.stock.reserve(
            db,
            clock,
            reference="rival",
            location_id=HERE,
            pieces={"lamp-red": 3},
            until=attempt.reserved_until,
        )


@dataclass
class Phone:
    """Somebody with lamps in her cart, and her one request to pay."""

    shopper: Shopper
    total_minor: int
    headers: dict[str, str] = field(default_factory=key)

    def status(self, total_minor: int = 0) -> int:
        """Send it, or one for a wrong sum; return what came of it, 0 for the process's death."""
        headers = key() if total_minor else self.headers
        sum_minor = total_minor or self.total_minor
        try:
            return self.shopper.post("pay", headers, total_minor=sum_minor).status_code
        except httpx2.TransportError:
            return 0


@dataclass
class Three:
    """Three phones, the process that they talk to, and what it writes."""

    api: Api
    phones: list[Phone]
    engine: Engine
    bank: Bank
    folder: Path

    def pay_together(self, start: Start) -> None:
        """Let all pay in one batch, behind somebody who pays a wrong sum; return at the death."""
        self.api.begin(start)
        for one in self.phones:
            one.shopper.fill(one.total_minor // LAMP_MINOR)
        with ThreadPoolExecutor(PHONES + 1) as pool:
            wrong: Future[int] = pool.submit(self.phones[0].status, 1)
            eventually((self.folder / HELD).exists, "the batch before")
            tries = [pool.submit(one.status) for one in self.phones]
        assert wrong.result() in {0, 409}
        assert all(one.result() in {0, 200, 202, 503} for one in tries)
        self.api.died(start.mark)

    def wait_for_pages(self, count: int) -> None:
        """Wait until so many have pages, though nobody repeats a request."""
        eventually(
            lambda: sum(bool(one.redirect_url) for one in rows(self.engine, TenderRow)) == count,
            "the pages",
        )

    def all_pay(self, count: int) -> None:
        """Let the first of them repeat their requests and pay; return once it is all told."""
        assert [one.status() for one in self.phones[:count]] == [200] * count
        payments = self.bank.payments()
        assert len({one.reference for one in payments}) == len(payments) == count
        for one in payments:
            self.bank.choose(one.ref, Choice.PAY)
        eventually(lambda: states(self.engine, OrderRow)["placed"] == count, "the orders")
        eventually(lambda: not self.bank.waiting(), "the last webhook")
        assert_sums(self.engine, self.bank)

    def workflows(self, name: str) -> int:
        """Count the durable work of a name; the sweep may start ``pay`` for one of them, too."""
        if self.engine.dialect.name == "sqlite":
            books = sqlite3.connect(self.folder / "workflows.db")
            found = [name for (name,) in books.execute("SELECT name FROM workflow_status")]
            books.close()
        else:
            with self.engine.connect() as connection:
                found = list(connection.scalars(text("SELECT name FROM dbos.workflow_status")))
        return found.count(name)


@pytest.fixture
def three(api: Api, shop_engine: Engine, bank: Bank, tmp_path: Path) -> Iterator[Three]:
    """Phones for as many lamps as there are; their carts are filled once the API runs."""
    stock(shop_engine, SystemClock(), HERE, "lamp-red", 1)
    wanted = [LAMP_MINOR] * (PHONES - 1) + [SPURNED_MINOR]
    made = [Phone(Shopper(api.url, shop_engine, SystemClock()), total) for total in wanted]
    yield Three(api, made, shop_engine, bank, tmp_path)
    for one in made:
        one.shopper.client.close()


@pytest.mark.parametrize(("mark", "nth"), TOGETHER)
def test_killed_while_pages_are_made_for_several(three: Three, mark: str, nth: int) -> None:
    """All have their pages though nobody asks again; each has one order for her own sum."""
    three.pay_together(Start(mark=mark, nth=nth, company=PHONES))
    three.api.start()
    three.wait_for_pages(PHONES)
    three.all_pay(PHONES)
    assert states(three.engine, AttemptRow) == {"succeeded": PHONES}
    assert three.bank.balance_minor() == ALL_MINOR
    assert stock_of(three.engine) == (4, 0, 4)
    assert three.workflows("pay_many") == 1


@pytest.mark.parametrize("mark", ["giving up", "given up"])
def test_killed_while_one_of_several_is_refused_her_page(three: Three, mark: str) -> None:
    """What she reserved is free and she is told so; the others have their pages, and pay."""
    start = Start(mark=mark, company=PHONES, spurned_minor=SPURNED_MINOR)
    three.pay_together(start)
    three.api.begin(Start(spurned_minor=SPURNED_MINOR))
    eventually(lambda: states(three.engine, AttemptRow)["failed"], "the end of the attempt")
    assert three.phones[-1].status() == 503
    three.wait_for_pages(PHONES - 1)
    three.all_pay(PHONES - 1)
    assert states(three.engine, AttemptRow) == {"succeeded": PHONES - 1, "failed": 1}
    assert states(three.engine, CheckoutRow) == {"paid": PHONES - 1, "open": 1}
    assert stock_of(three.engine) == (4, 0, 2)
    assert three.workflows("pay_many") == 1


def test_killed_while_one_of_several_is_asked_for_again(three: Three) -> None:
    """The bank was away for one of them: work for her alone asks again, and she pays once."""
    again = Start(
        mark="asking", nth=PHONES + 1, company=PHONES, spurned_minor=SPURNED_MINOR, away=True
    )
    three.pay_together(again)
    three.api.start()
    three.wait_for_pages(PHONES)
    three.all_pay(PHONES)
    assert states(three.engine, AttemptRow) == {"succeeded": PHONES}
    assert three.bank.balance_minor() == ALL_MINOR
    assert three.workflows("pay_many") == 1
