"""Stripe by its SDK, against a strict emulator of ours and, on the wire, against localstripe."""

import subprocess
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import stripe
from fastapi import FastAPI
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import (
    CarryoverError,
    InvalidPayload,
    Refused,
    SignatureRefused,
    Unavailable,
)
from cart.kernel.ids import RandomIds
from cart.orders import refunding
from cart.orders.sums import differences
from cart.orders.tables import CheckoutRow, OrderRow, RefundRow, TenderRow
from cart.ports import PaymentNews, PaymentWish, RefundNews
from mobile_api.app import create_app
from mobile_api.payment.stripe import StripeProvider
from mobile_api.reconciling import findings
from mobile_api.settings import ApiSettings
from tests.fakes.stripe_emulator import StripeEmulator
from tests.mobile_api.paying import LAMP_MINOR, Shopper, eventually, rows, states, stock_of
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET

WEBHOOK = "/api/v1/payments/stripe/webhook"


@pytest.fixture
def account() -> Iterator[StripeEmulator]:
    """An account at the emulator."""
    made = StripeEmulator()
    yield made
    made.close()


@pytest.fixture
def provider(account: StripeEmulator) -> StripeProvider:
    """Our side of it."""
    return StripeProvider(
        account.secret_key, account.webhook_secret, SystemClock(), api_base=account.url
    )


@pytest.fixture
def wish() -> PaymentWish:
    """Seventy-eight euros; the pieces are reserved for one minute only."""
    return PaymentWish(
        reference="attempt_1",
        amount_minor=7_800,
        currency="EUR",
        description="Harbour Street",
        locale="he",
        success_url="https://shop.example/checkout/c/back",
        cancel_url="https://shop.example/checkout/c",
        expires_at=SystemClock().now() + timedelta(minutes=1),
        email="ada@example.com",
    )


def refused(action: Callable[[], object], error: type[CarryoverError]) -> None:
    """Do what must be refused."""
    with pytest.raises(error):
        action()


def test_a_wish_is_one_session_also_when_the_answer_was_lost(
    account: StripeEmulator, provider: StripeProvider, wish: PaymentWish
) -> None:
    """The key makes the repeat the same call; Stripe's shortest time is kept."""
    account.trouble = [0]
    refused(lambda: provider.create(wish), Unavailable)
    assert len(account.sessions) == 1
    first, again = provider.create(wish), provider.create(wish)
    assert first == again
    assert list(account.sessions) == [first.provider_ref]
    assert first.redirect_url.startswith("https://checkout.stripe.example/")
    refused(lambda: provider.create(replace(wish, amount_minor=1)), Refused)
    refused(lambda: provider.create(replace(wish, reference="b", currency="ISK")), Refused)
    assert len(account.sessions) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unavailable), (429, Unavailable), (409, Unavailable), (402, Refused), (403, Refused)],
)
def test_what_helps_is_told_from_what_does_not(
    account: StripeEmulator,
    provider: StripeProvider,
    wish: PaymentWish,
    status: int,
    error: type[CarryoverError],
) -> None:
    """Our own tries are counted by the workflow: the SDK makes none."""
    account.trouble = [status]
    refused(lambda: provider.create(wish), error)
    assert account.trouble == []
    assert account.sessions == {}


def test_a_wrong_key_or_nobody_there(wish: PaymentWish, account: StripeEmulator) -> None:
    """A wrong key is no use trying again with; an address without a server is."""
    wrong = StripeProvider("sk_wrong", "whsec", SystemClock(), api_base=account.url)
    refused(lambda: wrong.create(wish), Refused)
    away = StripeProvider("sk", "whsec", SystemClock(), api_base="http://127.0.0.1:9")
    refused(lambda: away.create(wish), Unavailable)


def test_cancel_expires_and_money_that_was_faster_is_said(
    account: StripeEmulator, provider: StripeProvider, wish: PaymentWish
) -> None:
    """A session that is complete cannot be expired: then it is captured."""
    open_one = provider.create(wish).provider_ref
    paid = provider.create(replace(wish, reference="attempt_2")).provider_ref
    assert provider.look(open_one).outcome == "pending"
    account.pay(paid)
    assert provider.cancel(open_one).outcome == "cancelled"
    assert provider.cancel(open_one).outcome == "cancelled"
    assert provider.cancel(paid) == PaymentNews("", paid, "captured", 7_800, "EUR")
    assert provider.look(paid).outcome == "captured"
    refused(lambda: provider.look("cs_none"), Refused)


def test_refunds_in_part_are_done_once_and_never_too_much(
    account: StripeEmulator, provider: StripeProvider, wish: PaymentWish
) -> None:
    """The key of our refund is the key of the call."""
    ref = provider.create(wish).provider_ref

    def refund(amount_minor: int, key: str) -> str:
        return provider.refund(ref, amount_minor=amount_minor, currency="EUR", key=key)

    refused(lambda: refund(1, "early"), Refused)
    account.pay(ref)
    account.trouble = [200, 0]  # the session is found, the refund's answer is lost
    refused(lambda: refund(3_000, "a"), Unavailable)
    assert refund(3_000, "a") == refund(3_000, "a")
    assert account.balance_minor() == 4_800
    refused(lambda: refund(4_801, "b"), Refused)
    refund(4_800, "c")
    assert account.balance_minor() == 0


def test_webhooks(account: StripeEmulator, provider: StripeProvider, wish: PaymentWish) -> None:
    """Signed by Stripe and fresh, about a session of ours that is over; nothing else."""
    ref = provider.create(wish).provider_ref
    early = provider.news(*account.webhook("checkout.session.completed", ref))
    assert isinstance(early, PaymentNews)
    assert early.outcome == "pending"  # a bank debit that is under way
    account.pay(ref)
    news = provider.news(*account.webhook("checkout.session.completed", ref))
    event_id = f"evt_checkout.session.completed_{ref}"
    assert news == PaymentNews(event_id, ref, "captured", 7_800, "EUR")
    failed = provider.news(*account.webhook("checkout.session.async_payment_failed", ref))
    assert isinstance(failed, PaymentNews)
    assert failed.outcome == "failed"
    assert provider.news(*account.webhook("charge.succeeded", ref)) is None
    for odd in (
        account.webhook("checkout.session.completed", ref, secret="whsec_guessed"),
        account.webhook("checkout.session.completed", ref, age_s=301),
        (b"{}", {}),
    ):
        with pytest.raises(SignatureRefused):
            provider.news(*odd)
    account.sessions[ref]["metadata"] = {}
    assert provider.news(*account.webhook("checkout.session.completed", ref)) is None


def test_a_refund_that_did_not_arrive_is_told(
    account: StripeEmulator, provider: StripeProvider, wish: PaymentWish
) -> None:
    """By its id here and there, whatever retry it was; what arrives, or is not ours, is no news."""
    ref = provider.create(wish).provider_ref
    account.pay(ref)
    made = provider.refund(ref, amount_minor=3_000, currency="EUR", key="refund_a:2")
    refund = account.refunds[made]
    assert provider.news(*account.event("refund.updated", refund)) is None
    account.lose(made)
    assert account.balance_minor() == 7_800
    words = f"refund {made} is failed: lost_or_stolen_card"
    for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
        news = provider.news(*account.event(kind, refund))
        assert news == RefundNews("refund_a", made, words)
    refund["metadata"] = {}
    assert provider.news(*account.event("refund.failed", refund)) is None


def test_a_body_that_is_no_event(account: StripeEmulator, provider: StripeProvider) -> None:
    """Signed, and still nothing that can be read."""
    signed = stripe.WebhookSignature.generate_signature_header("no event", account.webhook_secret)
    with pytest.raises(InvalidPayload):
        provider.news(b"no event", {"stripe-signature": signed})


def app_of(account: StripeEmulator, engine: Engine, tmp_path: Path) -> FastAPI:
    """Return the application that pays by Stripe."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        payment_provider="stripe",
        stripe_secret_key=account.secret_key,
        stripe_webhook_secret=account.webhook_secret,
        stripe_api_base=account.url,
        database_url=engine.url.render_as_string(hide_password=False),
    )
    return create_app(settings, engine=engine, clock=SystemClock(), ids=RandomIds(), listen=False)


def told(shopper: Shopper, signed: tuple[bytes, dict[str, str]]) -> None:
    """Post a webhook, which is taken."""
    body, headers = signed
    answer = shopper.client.post(WEBHOOK, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"taken": True})


def test_from_pay_to_paid_by_stripe(
    account: StripeEmulator, shop_engine: Engine, tmp_path: Path
) -> None:
    """The page is Stripe's; its webhook makes the order; stopping expires the other session."""
    app, clock = app_of(account, shop_engine, tmp_path), SystemClock()
    with serving(app) as url:
        shopper = Shopper(url, shop_engine, clock)
        with shopper.client:
            shopper.fill()
            given_up = shopper.pay()["redirect_url"].rpartition("/")[2]
            shopper.post("stop")
            eventually(lambda: states(shop_engine, TenderRow)["released"], "the expiry at Stripe")
            assert account.sessions[given_up]["status"] == "expired"
            ref = shopper.pay()["redirect_url"].rpartition("/")[2]
            account.pay(ref)
            for _ in range(2):
                told(shopper, account.webhook("checkout.session.completed", ref))
    assert states(shop_engine, OrderRow) == {"placed": 1}
    assert states(shop_engine, CheckoutRow) == {"paid": 1}
    assert account.balance_minor() == LAMP_MINOR
    assert stock_of(shop_engine) == (3, 0, 1)


def test_a_refund_that_came_back_is_failed_and_then_tried_anew(
    account: StripeEmulator, shop_engine: Engine, tmp_path: Path
) -> None:
    """Under another key, so that Stripe makes another refund of it; the sums hold all the time."""
    app, clock = app_of(account, shop_engine, tmp_path), SystemClock()

    def refunds(state: str, number: int) -> bool:
        return states(shop_engine, RefundRow)[state] == 1 and len(account.refunds) == number

    with serving(app) as url:
        shopper = Shopper(url, shop_engine, clock)
        with shopper.client:
            shopper.fill()
            ref = shopper.pay()["redirect_url"].rpartition("/")[2]
            account.pay(ref)
            told(shopper, account.webhook("checkout.session.completed", ref))
            order_id = rows(shop_engine, OrderRow)[0].id
            key = {"Idempotency-Key": uuid.uuid4().hex}
            answer = shopper.client.post(f"/api/v1/orders/{order_id}/cancel", headers=key)
            assert answer.is_success, answer.text
            eventually(lambda: refunds("done", 1), "the refund")
            assert account.balance_minor() == 0
            first = account.refunds["re_0"]
            account.lose("re_0")
            for _ in range(2):
                told(shopper, account.event("refund.failed", first))
            assert states(shop_engine, RefundRow) == {"failed": 1}
            with reading(shop_engine) as db:
                words = [one.words for one in findings(db, clock.now()) if one.what == "refund"]
            assert len(words) == 1
            assert "re_0 is failed: lost_or_stolen_card" in words[0]
            refund_id = rows(shop_engine, RefundRow)[0].id
            with unit_of_work(shop_engine) as db:
                refunding.retry(db, clock, refund_id=refund_id)
            eventually(lambda: refunds("done", 2), "the second refund")
            told(shopper, account.event("refund.updated", first))
    assert states(shop_engine, RefundRow) == {"done": 1}
    assert account.balance_minor() == 0
    with reading(shop_engine) as db:
        assert differences(db) == []


@pytest.fixture
def localstripe(free_port: int, tmp_path: Path) -> Iterator[str]:
    """localstripe, as a process of its own (it is GPL: never imported); its address."""
    command = Path(sysconfig.get_path("scripts")) / "localstripe"
    with (
        (tmp_path / "localstripe.log").open("wb") as log,
        subprocess.Popen(
            [command, "--port", str(free_port), "--from-scratch"],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        ) as process,
    ):
        url = f"http://127.0.0.1:{free_port}"
        end = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{url}/v1/customers", timeout=2)
            except httpx2.TransportError:
                assert time.monotonic() < end
                time.sleep(0.1)
            else:
                break
        yield url
        process.kill()


def test_the_wire_format_of_intents_and_refunds(localstripe: str) -> None:
    """The SDK that we ship and somebody else's emulator understand each other.

    It has no Checkout Sessions, ignores idempotency keys and takes over-refunds:
    so this shows the form of a refund, and no rule.
    """
    client = stripe.StripeClient(
        "sk_test_12345", base_addresses={"api": localstripe}, max_network_retries=0
    )
    number = "4242424242424242"
    method = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"},
        }
    )
    intent = client.v1.payment_intents.create(
        {"amount": 7_800, "currency": "eur", "payment_method": method.id, "confirm": True}
    )
    assert intent.status == "succeeded"
    refund = client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 3_000}, {"idempotency_key": "refund:a"}
    )
    assert (refund.status, refund.amount) == ("succeeded", 3_000)
