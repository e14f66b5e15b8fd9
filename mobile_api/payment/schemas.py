"""What the routes of payment take and give."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from cart.orders.model import AttemptState, CheckoutState
from cart.orders.seen import Seen
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from mobile_api.carts.schemas import Taken
from mobile_api.checkouts.schemas import CheckoutOut

MINOR_MAX = 2**53 - 1  # what JSON carries exactly everywhere


class Pay(Taken):
    """Pay what the shopper sees. What has become another is refused: she looks anew.

    ``rest_minor``: what of it a voucher left to pay; refused where it is another now.
    ``promise_at``: the time that was shown; refused where it is a later quarter hour now.
    A client that shows neither leaves them out.
    """

    total_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)]
    rest_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)] | None = None
    promise_at: AwareDatetime | None = None

    @property
    def seen(self) -> Seen:
        """What the shopper saw."""
        return Seen(self.total_minor, self.rest_minor, self.promise_at)


class PaymentOut(BaseModel):
    """Where a checkout's payment stands.

    ``redirect_url``: the provider's page, while it is open. ``reserved_until``:
    until then everything is held. ``attempt_id`` null: nothing was tried yet.
    ``checkout``: the whole checkout, as it is with that.
    """

    checkout_id: str
    checkout_state: CheckoutState
    version: int
    order_id: str | None
    attempt_id: str | None = None
    state: AttemptState | None = None
    redirect_url: str = ""
    reserved_until: datetime | None = None
    failure: str = ""
    checkout: CheckoutOut


class WebhookOut(BaseModel):
    """``taken`` false: signed well, but nothing that concerns us."""

    taken: bool


class Tried(BaseModel):
    """What is kept of a try to pay: a repeat is answered with how it stands by then."""

    attempt_id: str


def payment_out(
    checkout: CheckoutRow, attempt: AttemptRow | None, payment: TenderRow | None, whole: CheckoutOut
) -> PaymentOut:
    """Return where a checkout's payment stands. ``payment``: what a provider is asked for."""
    found = PaymentOut(
        checkout_id=checkout.id,
        checkout_state=CheckoutState(checkout.state),
        version=checkout.version,
        order_id=checkout.order_id,
        checkout=whole,
    )
    if attempt is None:
        return found
    pending = attempt.state == AttemptState.PENDING
    return found.model_copy(
        update={
            "attempt_id": attempt.id,
            "state": AttemptState(attempt.state),
            "redirect_url": payment.redirect_url if payment and pending else "",
            "reserved_until": attempt.reserved_until if attempt.ended_at is None else None,
            "failure": attempt.failure,
        }
    )
