"""The test bank: strict books, signed webhooks, and a page where anything can happen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.kernel.errors import CarryoverError, InvalidPayload, Refused, SignatureRefused
from cart.kernel.ids import RandomIds
from cart.ports import PaymentNews, PaymentWish
from mobile_api.app import create_app
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.delivery import Delivery
from mobile_api.payment.sandbox.model import Choice, PaymentState
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.payment.sandbox.signing import HEADER, TOLERANCE_S, sign
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET

SHARED = b"between bank and shop"
BACK, BACK_UNPAID = "http://testserver/paid", "http://testserver/not-paid"


class Door:
    """Where the bank posts to: keeps what came, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[tuple[bytes, dict[str, str]]] = []
        self.answers: list[int] = []

    def __call__(self, body: bytes, headers: dict[str, str]) -> int:
        """Take a webhook."""
        self.came.append((body, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if not answer:
            raise ConnectionRefusedError
        return answer


@pytest.fixture
def bank(tmp_path: Path, clock: FakeClock) -> Bank:
    """Fresh books."""
    return Bank(tmp_path / "bank.db", clock, RandomIds())


@pytest.fixture
def provider(bank: Bank, clock: FakeClock) -> SandboxProvider:
    """The shop's side of it."""
    return SandboxProvider(bank, clock, secret=SHARED, base_url="http://testserver")


@pytest.fixture
def door() -> Door:
    """The shop's door."""
    return Door()


@pytest.fixture
def postman(bank: Bank, clock: FakeClock, door: Door) -> Delivery:
    """Posts when the test says so."""
    return Delivery(bank, clock, secret=SHARED, post=door)


@dataclass(frozen=True, slots=True)
class Street:
    """The way between bank and shop: who posts, the door, and the clock over both."""

    postman: Delivery
    door: Door
    clock: FakeClock


@pytest.fixture
def street(postman: Delivery, door: Door, clock: FakeClock) -> Street:
    """All of it."""
    return Street(postman, door, clock)


@pytest.fixture
def wish(clock: FakeClock) -> PaymentWish:
    """Seventy-eight euros, asked for until half past nine."""
    return PaymentWish(
        reference="att_1",
        amount_minor=7_800,
        currency="EUR",
        description="Harbour Street",
        locale="en",
        success_url=BACK,
        cancel_url=BACK_UNPAID,
        expires_at=clock.now() + timedelta(minutes=30),
    )


def refused(action: Callable[[], object], error: type[CarryoverError] = Refused) -> None:
    """Do what must be refused."""
    with pytest.raises(error):
        action()


def test_a_reference_is_one_payment(
    bank: Bank, provider: SandboxProvider, wish: PaymentWish
) -> None:
    """Asked for again, also by rivals, it is the same; for another amount it is refused."""
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: provider.create(wish), range(16)))
    [one] = made
    assert one.redirect_url == f"http://testserver/sandbox/pay/{one.provider_ref}"
    refused(lambda: provider.create(replace(wish, amount_minor=7_801)))
    [kept] = bank.payments()
    assert (kept.amount_minor, kept.state) == (7_800, PaymentState.OPEN)


def test_a_payment_is_captured_once(
    bank: Bank, provider: SandboxProvider, wish: PaymentWish, postman: Delivery, door: Door
) -> None:
    """Whatever is chosen afterwards changes nothing, and one webhook tells of it."""
    ref = provider.create(wish).provider_ref
    with ThreadPoolExecutor(8) as pool:
        states = set(pool.map(lambda _: bank.choose(ref, Choice.PAY).state, range(8)))
    assert states == {PaymentState.CAPTURED}
    for choice in (Choice.REFUSE, Choice.LEAVE, Choice.TWICE, Choice.CONFIRM):
        assert bank.choose(ref, choice).state is PaymentState.CAPTURED
    assert provider.cancel(ref).outcome == "captured"
    assert bank.balance_minor() == 7_800
    postman.deliver_due()
    assert len(door.came) == 1


def test_refunds_in_part_never_exceed_what_was_captured(
    bank: Bank, provider: SandboxProvider, wish: PaymentWish
) -> None:
    """A key is one refund; too much, the wrong currency and an open payment are refused."""
    ref = provider.create(wish).provider_ref

    def refund(amount_minor: int, key: str, currency: str = "EUR") -> str:
        return provider.refund(ref, amount_minor=amount_minor, currency=currency, key=key)

    refused(lambda: refund(1, "early"))
    bank.choose(ref, Choice.PAY)
    first = refund(3_000, "a")
    assert refund(3_000, "a") == first
    refused(lambda: refund(2_000, "a"))
    refused(lambda: refund(4_801, "b"))
    refused(lambda: refund(0, "c"))
    refused(lambda: refund(1, "d", "PLN"))
    assert bank.balance_minor() == 4_800
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: refund(4_800, "rest"), range(8)))) == 1
    assert bank.balance_minor() == 0


def test_the_page_closes_in_time_or_when_the_shop_cancels(
    bank: Bank, provider: SandboxProvider, wish: PaymentWish, clock: FakeClock
) -> None:
    """Then nobody can pay any more."""
    cancelled = provider.create(wish).provider_ref
    old = provider.create(replace(wish, reference="att_2")).provider_ref
    assert provider.look(cancelled).outcome == "pending"
    assert provider.cancel(cancelled).outcome == "cancelled"
    clock.advance(30 * 60)
    for ref in (cancelled, old):
        assert bank.choose(ref, Choice.PAY).state is PaymentState.CANCELLED
    assert provider.look(old) == PaymentNews("", old, "cancelled", 7_800, "EUR", "expired")
    assert bank.balance_minor() == 0


def test_webhooks_are_sent_until_they_are_taken(
    bank: Bank, provider: SandboxProvider, wish: PaymentWish, street: Street
) -> None:
    """No answer, 503, then 200: waits grow, and the message stays the same one."""
    postman, door, clock = street.postman, street.door, street.clock
    ref = provider.create(wish).provider_ref
    bank.choose(ref, Choice.PAY)
    door.answers = [0, 503]
    assert postman.deliver_due() == [0]
    assert postman.deliver_due() == []
    clock.advance(1)
    assert postman.deliver_due() == [503]
    clock.advance(1)
    assert postman.deliver_due() == []
    clock.advance(1)
    assert postman.deliver_due() == [200]
    clock.advance(86_400)
    assert postman.deliver_due() == []
    news = provider_news(provider, door, clock)
    assert len({body for body, _ in door.came}) == 1
    assert (news.provider_ref, news.outcome, news.amount_minor) == (ref, "captured", 7_800)


def provider_news(provider: SandboxProvider, door: Door, clock: FakeClock) -> PaymentNews:
    """Read the last webhook, signed anew for now."""
    body, _ = door.came[-1]
    news = provider.news(body, {HEADER: sign(SHARED, body, clock.now())})
    assert news is not None
    return news


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice.PAY, [(0, "captured")]),
        (Choice.TWICE, [(0, "captured"), (0, "captured")]),
        (Choice.LATE, [(40, "captured")]),
        (Choice.DELAY, [(40, "captured")]),
        (Choice.LOST, []),
        (Choice.REFUSE, [(0, "failed")]),
        (Choice.LEAVE, [(0, "cancelled")]),
    ],
)
def test_what_the_shopper_chooses_is_what_happens(
    provider: SandboxProvider,
    wish: PaymentWish,
    street: Street,
    choice: Choice,
    told: list[tuple[int, str]],
) -> None:
    """Which webhooks come, and after how many seconds."""
    postman, door, clock = street.postman, street.door, street.clock
    ref = provider.create(wish).provider_ref
    provider.bank.choose(ref, choice, 40)
    heard: list[tuple[int, str]] = []
    passed = 0
    for second in (0, 39, 40, 600):
        clock.advance(second - passed)
        passed = second
        before = len(door.came)
        postman.deliver_due()
        for body, headers in door.came[before:]:
            news = provider.news(body, headers)
            assert news is not None
            heard.append((second, news.outcome))
    assert heard == told
    paid = choice not in {Choice.REFUSE, Choice.LEAVE}
    assert provider.bank.balance_minor() == (7_800 if paid else 0)
    assert provider.look(ref).outcome == ("captured" if paid else told[0][1])


def test_the_same_event_twice_has_one_id(
    provider: SandboxProvider, wish: PaymentWish, door: Door, postman: Delivery
) -> None:
    """So that the shop can know a duplicate."""
    provider.bank.choose(provider.create(wish).provider_ref, Choice.TWICE)
    assert postman.deliver_due() == [200, 200]
    events = [provider.news(body, headers) for body, headers in door.came]
    assert events[0] == events[1]


def test_a_webhook_of_somebody_else_is_refused(
    provider: SandboxProvider, wish: PaymentWish, clock: FakeClock, door: Door, postman: Delivery
) -> None:
    """Another secret, another body, an old or odd signature, no signature."""
    provider.bank.choose(provider.create(wish).provider_ref, Choice.PAY)
    postman.deliver_due()
    body, headers = door.came[0]
    assert provider.news(body, headers) is not None
    now = clock.now()
    changed = body.replace(b"7800", b"7801")
    for wrong_body, signature in (
        (body, sign(b"another secret", body, now)),
        (changed, headers[HEADER]),
        (body, sign(SHARED, body, now - timedelta(seconds=TOLERANCE_S + 1))),
        (body, sign(SHARED, body, now + timedelta(seconds=TOLERANCE_S + 1))),
        (body, headers[HEADER].replace("v1=", "v0=")),
        (body, "t=²,v1=00"),
        (body, "nonsense"),
        (body, ""),
    ):
        with pytest.raises(SignatureRefused):
            provider.news(wrong_body, {HEADER: signature})
    with pytest.raises(InvalidPayload):
        provider.news(b"{}", {HEADER: sign(SHARED, b"{}", now)})


def test_the_books_survive_the_process(
    bank: Bank, tmp_path: Path, wish: PaymentWish, clock: FakeClock, door: Door
) -> None:
    """What was to be posted is posted by the next process."""
    bank.choose(bank.create(wish).ref, Choice.PAY)
    reopened = Bank(tmp_path / "bank.db", clock, RandomIds())
    assert reopened.balance_minor() == 7_800
    assert Delivery(reopened, clock, secret=SHARED, post=door).deliver_due() == [200]


@pytest.fixture
def bank_of_app(app: FastAPI) -> Bank:
    """The books of the running application."""
    provider = app.state.parts.payments.active
    assert isinstance(provider, SandboxProvider)
    return provider.bank


def test_the_page_asks_and_leads_back_to_the_shop(
    phone: TestClient, bank_of_app: Bank, wish: PaymentWish
) -> None:
    """It says that it is a test, shows the amount, asks for no card; after that it is closed."""
    ref = bank_of_app.create(wish).ref
    shown = phone.get(f"/sandbox/pay/{ref}")
    assert shown.headers["cache-control"] == "no-store"
    for said in ("Test bank", "€78.00", "Harbour Street", "closes in 30 minutes"):
        assert said in shown.text
    assert "card" not in shown.text.replace("no card is asked for", "").replace("Card refused", "")
    answer = phone.post(
        f"/sandbox/pay/{ref}/choose", data={"choice": "pay"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, BACK)
    again = phone.get(f"/sandbox/pay/{ref}").text
    assert "This is paid." in again
    assert '<form method="post" action="/sandbox' not in again
    assert BACK in again


@pytest.mark.parametrize(
    ("answer", "ends"), [("approve", (BACK, 7_800)), ("deny", (BACK_UNPAID, 0))]
)
def test_the_second_page_approves_or_denies(
    phone: TestClient,
    bank_of_app: Bank,
    wish: PaymentWish,
    answer: str,
    ends: tuple[str, int],
) -> None:
    """3-D Secure: nothing is paid before it is approved."""
    back, balance_minor = ends
    ref = bank_of_app.create(wish).ref
    second = phone.post(f"/sandbox/pay/{ref}/choose", data={"choice": "confirm"})
    assert "Your bank asks" in second.text
    assert bank_of_app.balance_minor() == 0
    done = phone.post(
        f"/sandbox/pay/{ref}/confirm", data={"answer": answer}, follow_redirects=False
    )
    assert done.headers["location"] == back
    assert bank_of_app.balance_minor() == balance_minor


def test_odd_requests_change_nothing(
    phone: TestClient, bank_of_app: Bank, wish: PaymentWish
) -> None:
    """An unknown payment, an unknown choice, seconds out of range, the second page too early."""
    ref = bank_of_app.create(wish).ref
    choose = f"/sandbox/pay/{ref}/choose"
    assert phone.get("/sandbox/pay/sbx_none").status_code == 404
    assert phone.post(choose, data={"choice": "steal"}).status_code == 422
    assert phone.post(choose, data={"choice": "late", "seconds": "7201"}).status_code == 422
    phone.post(f"/sandbox/pay/{ref}/confirm", data={"answer": "approve"})
    assert bank_of_app.payment(ref).state is PaymentState.OPEN


def test_there_is_no_test_bank_where_stripe_takes_the_payments(
    tmp_path: Path, sqlite_url: str
) -> None:
    """Nobody may pay with make-believe money in a real shop."""
    settings = ApiSettings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        secret_key=SECRET,
        payment_provider="stripe",
        stripe_secret_key="sk_test_1",
        stripe_webhook_secret="whsec_1",
    )
    app = create_app(settings, listen=False, mail=False)
    with TestClient(app) as phone:
        assert phone.get("/sandbox/pay/sbx_1").status_code == 404
    assert not (tmp_path / "sandbox-bank.db").exists()
    with pytest.raises(ValueError, match="STRIPE_WEBHOOK_SECRET"):
        ApiSettings(payment_provider="stripe", stripe_secret_key="sk_test_1")
