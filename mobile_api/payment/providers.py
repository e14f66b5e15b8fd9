"""Which payment providers this process speaks with, and which one takes new payments."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cart.kernel.errors import Refused
from cart.ports import PaymentProvider
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.delivery import Delivery, http_post
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.payment.sandbox.signing import secret_of

if TYPE_CHECKING:
    from cart.kernel.clock import Clock
    from cart.kernel.ids import Ids
    from mobile_api.settings import ApiSettings
    from mobile_api.wiring import Parts

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # listened on, and no place to post to


@dataclass(frozen=True, slots=True)
class Providers:
    """``active`` takes new payments; ``known`` may still have some of before."""

    active: PaymentProvider
    known: dict[str, PaymentProvider]

    def named(self, name: str) -> PaymentProvider:
        """Return the provider that a payment was made with.

        Raises:
            Refused: this process has no access to it: an operator's to set right.
        """
        if name not in self.known:
            msg = f"the payment provider {name} is not configured"
            raise Refused(msg)
        return self.known[name]


def make_providers(settings: "ApiSettings", clock: "Clock", ids: "Ids") -> Providers:
    """Return what the settings ask for. The test bank exists only where it is asked for."""
    known: dict[str, PaymentProvider] = {}
    if settings.payment_provider == "sandbox":
        bank = Bank(settings.data_dir / "sandbox-bank.db", clock, ids)
        known["sandbox"] = SandboxProvider(
            bank, clock, secret=secret_of(settings.key()), base_url=settings.base_url
        )
    if settings.stripe_secret_key:
        from mobile_api.payment.stripe import StripeProvider  # noqa: PLC0415 - a large library

        known["stripe"] = StripeProvider(
            settings.stripe_secret_key,
            settings.stripe_webhook_secret,
            clock,
            api_base=settings.stripe_api_base,
        )
    return Providers(known[settings.payment_provider], known)


def make_postman(parts: "Parts") -> Delivery | None:
    """Return who carries the test bank's webhooks to this process; None where there is none."""
    settings, provider = parts.settings, parts.payments.active
    if not isinstance(provider, SandboxProvider):
        return None
    host = EVERY_ADDRESS.get(settings.http_host, settings.http_host)
    url = f"http://{host}:{settings.http_port}/api/v1/payments/{provider.name}/webhook"
    secret = secret_of(settings.key())
    return Delivery(provider.bank, parts.clock, secret=secret, post=http_post(url))
