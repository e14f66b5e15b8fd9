"""The test bank as a payment provider: what the rest of the shop sees of it."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidPayload, NotFound, Refused
from cart.ports import HostedPayment, PaymentNews, PaymentWish
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import UNSETTLED, Payment, PaymentState, Webhook
from mobile_api.payment.sandbox.signing import HEADER, verify

NAME: Final = "sandbox"


class SandboxProvider:
    """Calls the bank of this process; ``base_url`` is where shoppers find its page."""

    name = NAME

    def __init__(self, bank: Bank, clock: Clock, *, secret: bytes, base_url: str) -> None:
        self.bank = bank
        self._clock, self._secret, self._base_url = clock, secret, base_url

    def create(self, wish: PaymentWish) -> HostedPayment:
        """Open a payment; the same reference again is the same one."""
        made = self.bank.create(wish)
        return HostedPayment(made.ref, f"{self._base_url}/sandbox/pay/{made.ref}")

    def look(self, provider_ref: str) -> PaymentNews:
        """Ask what became of a payment."""
        return _news("", self._known(provider_ref))

    def cancel(self, provider_ref: str) -> PaymentNews:
        """Close the page."""
        self._known(provider_ref)
        return _news("", self.bank.cancel(provider_ref))

    def refund(self, provider_ref: str, *, amount_minor: int, currency: str, key: str) -> str:
        """Give money back."""
        if self._known(provider_ref).currency != currency:
            msg = f"payment {provider_ref} was not in {currency}"
            raise Refused(msg)
        return self.bank.refund(provider_ref, amount_minor=amount_minor, key=key)

    def news(self, body: bytes, headers: Mapping[str, str]) -> PaymentNews | None:
        """Read a webhook.

        Raises:
            SignatureRefused: not signed by the bank, or too old.
            InvalidPayload: signed, and still not what we agreed upon.
        """
        verify(self._secret, headers.get(HEADER, ""), body, self._clock.now())
        try:
            webhook = Webhook.model_validate_json(body)
        except ValidationError as error:
            msg = f"not a webhook of the test bank: {error}"
            raise InvalidPayload(msg) from error
        told = webhook.payment
        return PaymentNews(
            event_id=webhook.id,
            provider_ref=told.ref,
            outcome=_outcome(told.state),
            amount_minor=told.amount_minor,
            currency=told.currency,
            failure=told.failure,
        )

    def _known(self, provider_ref: str) -> Payment:
        try:
            return self.bank.payment(provider_ref)
        except NotFound as unknown:
            raise Refused(unknown.message) from unknown


def _news(event_id: str, one: Payment) -> PaymentNews:
    return PaymentNews(
        event_id, one.ref, _outcome(one.state), one.amount_minor, one.currency, one.failure
    )


def _outcome(state: PaymentState) -> str:
    return "pending" if state in UNSETTLED else state.value
