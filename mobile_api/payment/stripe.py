"""Stripe by its official SDK: hosted Checkout pages, signed webhooks, refunds in part.

The one module that imports the SDK. A payment is a Checkout Session: its id is
the provider's reference. Cards and the wallets that ride on them only: methods
whose money comes days later (bank debits) outlive every reservation. Repeats are
the workflow's; the SDK makes none of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import stripe

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidPayload, Refused, SignatureRefused, Unavailable
from cart.ports import HostedPayment, PaymentNews, PaymentWish, RefundNews

if TYPE_CHECKING:
    from stripe.checkout import Session
    from stripe.params.checkout import SessionCreateParams

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 3, 20  # Stripe answers in well under a second
# Stripe takes 30 minutes to 24 hours from the session's creation. A reservation may be shorter, so
# the page is given this much more than it, and is closed by us when the reservation ends.
PAGE_OUTLIVES: Final = timedelta(minutes=31)
OURS: Final = "carryover_attempt"  # marks sessions of ours: an account may serve other programs
SPOKEN: Final = {"en": "en", "pl": "pl"}  # its pages speak no Hebrew: there the browser decides
# Stripe counts these otherwise than ISO 4217 does; a price would be wrong by a factor.
OTHERWISE_COUNTED: Final = frozenset({"ISK", "BHD", "KWD", "TND"})
BUSY: Final = frozenset({409, 429})  # a repeat that overtook the first call; too many calls
FAILURE_LENGTH_MAX: Final = 500
SETTLING: Final = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)
# "charge.refund.updated" is what accounts with an older API version send for the same.
REFUNDING: Final = frozenset({"refund.failed", "refund.updated", "charge.refund.updated"})
LOST: Final = frozenset({"failed", "canceled"})  # of a refund: the money is with us again
OUR_REFUND: Final = "carryover_refund"


class StripeProvider:
    """``api_base`` empty: Stripe itself; else an emulator's address."""

    name = "stripe"

    def __init__(
        self, secret_key: str, webhook_secret: str, clock: Clock, *, api_base: str = ""
    ) -> None:
        self._webhook_secret, self._clock = webhook_secret, clock
        self._client = stripe.StripeClient(
            secret_key,
            max_network_retries=0,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            http_client=stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S)),
        )

    def create(self, wish: PaymentWish) -> HostedPayment:
        """Open a Checkout Session; the same reference again is the same one."""
        if wish.currency in OTHERWISE_COUNTED:
            msg = f"payments in {wish.currency} are not set up"
            raise Refused(msg)
        # Nothing in here may depend on when it is sent: a repeat must be the same request.
        params: SessionCreateParams = {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "client_reference_id": wish.reference,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": wish.currency.lower(),
                        "unit_amount": wish.amount_minor,
                        "product_data": {"name": wish.description},
                    },
                }
            ],
            "success_url": wish.success_url,
            "cancel_url": wish.cancel_url,
            "expires_at": int((wish.expires_at + PAGE_OUTLIVES).timestamp()),
            "locale": SPOKEN.get(wish.locale, "auto"),
            "metadata": {OURS: wish.reference},
            "payment_intent_data": {"metadata": {OURS: wish.reference}},
        }
        if wish.email:
            params["customer_email"] = wish.email
        with _translated():
            made = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": f"create:{wish.reference}"}
            )
        if not made.url:
            msg = f"session {made.id} has no page"
            raise Refused(msg)
        return HostedPayment(made.id, made.url)

    def look(self, provider_ref: str) -> PaymentNews:
        """Ask what became of a session."""
        return _news("", self._session(provider_ref))

    def cancel(self, provider_ref: str) -> PaymentNews:
        """Expire the session. One that is complete, or over, says what it is instead."""
        try:
            with _translated():
                closed = self._client.v1.checkout.sessions.expire(provider_ref)
        except Refused:
            news = self.look(provider_ref)
            if news.outcome == "pending":
                raise
            return news
        return _news("", closed)

    def refund(self, provider_ref: str, *, amount_minor: int, currency: str, key: str) -> str:
        """Give money back to the card that paid."""
        session = self._session(provider_ref)
        intent = session.payment_intent
        if intent is None or (session.currency or "").upper() != currency:
            msg = f"session {provider_ref} holds no payment in {currency}"
            raise Refused(msg)
        with _translated():
            made = self._client.v1.refunds.create(
                {
                    "payment_intent": intent if isinstance(intent, str) else intent.id,
                    "amount": amount_minor,
                    "metadata": {OUR_REFUND: key},
                },
                {"idempotency_key": f"refund:{key}"},
            )
        if made.status in LOST:
            raise Refused(_lost(made))
        return made.id

    def news(self, body: bytes, headers: Mapping[str, str]) -> PaymentNews | RefundNews | None:
        """Read a webhook; sessions, refunds and events that are not ours are None.

        Raises:
            SignatureRefused: not signed by Stripe, or more than five minutes ago.
        """
        try:
            event = self._client.construct_event(
                body, headers.get("stripe-signature", ""), self._webhook_secret
            )
        except stripe.SignatureVerificationError as error:
            msg = f"the webhook's signature is not Stripe's: {error}"
            raise SignatureRefused(msg) from error
        except ValueError as error:
            msg = "the webhook is no event"
            raise InvalidPayload(msg) from error
        if event.type in REFUNDING:
            return _refund_news(event.data.object)
        if event.type not in SETTLING:
            return None
        session = event.data.object
        if not isinstance(session, stripe.checkout.Session) or OURS not in (session.metadata or {}):
            return None
        failed = event.type == "checkout.session.async_payment_failed"
        return _news(event.id, session, failure="the payment failed" if failed else "")

    def _session(self, provider_ref: str) -> "Session":
        with _translated():
            return self._client.v1.checkout.sessions.retrieve(provider_ref)


def _news(event_id: str, session: "Session", *, failure: str = "") -> PaymentNews:
    if failure:
        outcome = "failed"
    elif session.status == "expired":
        outcome, failure = "cancelled", "expired"
    else:
        paid = session.status == "complete" and session.payment_status == "paid"
        outcome = "captured" if paid else "pending"
    return PaymentNews(
        event_id=event_id,
        provider_ref=session.id,
        outcome=outcome,
        amount_minor=session.amount_total or 0,
        currency=(session.currency or "").upper(),
        failure=failure,
    )


def _refund_news(refund: object) -> RefundNews | None:
    """Return that a refund of ours did not arrive; None: it did, is under way, or is not ours."""
    if not isinstance(refund, stripe.Refund) or refund.status not in LOST:
        return None
    metadata = refund.metadata
    if metadata is None or OUR_REFUND not in metadata:
        return None
    key = str(metadata[OUR_REFUND])
    return RefundNews(key.partition(":")[0], refund.id, _lost(refund))


def _lost(refund: stripe.Refund) -> str:
    why = refund.failure_reason or "no reason given"
    return f"refund {refund.id} is {refund.status}: {why}"[:FAILURE_LENGTH_MAX]


@contextmanager
def _translated() -> Iterator[None]:
    """Say in our words whether trying again helps."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        msg = "Stripe does not answer"
        raise Unavailable(msg) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        msg = f"Stripe: {error.user_message or error}"[:FAILURE_LENGTH_MAX]
        if status in BUSY or status >= 500:  # noqa: PLR2004 - server errors
            raise Unavailable(msg) from error
        raise Refused(msg) from error
