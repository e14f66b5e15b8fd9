"""What the test bank knows of a payment, and what its page lets the shopper choose. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field


class PaymentState(StrEnum):
    """Where a payment stands at the bank."""

    OPEN = "open"  # the page waits for the shopper
    CHALLENGE = "challenge"  # her bank asks her to confirm: 3-D Secure
    WAITING = "waiting"  # confirmed; the money comes at ``captures_at``
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNSETTLED: Final = (PaymentState.OPEN, PaymentState.CHALLENGE, PaymentState.WAITING)


class Choice(StrEnum):
    """What the shopper lets happen."""

    PAY = "pay"
    REFUSE = "refuse"
    CONFIRM = "confirm"  # leads to the second page
    DELAY = "delay"  # the money comes after some seconds
    TWICE = "twice"  # paid; the webhook is sent twice
    LATE = "late"  # paid; the webhook is sent after some seconds
    LOST = "lost"  # paid; no webhook is ever sent
    LEAVE = "leave"  # no payment: back to the shop


SECONDS_MAX: Final = 7_200  # no reservation lives longer, and a test bank is no calendar


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the bank has it."""

    ref: str
    reference: str
    amount_minor: int
    currency: str
    description: str
    email: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    state: PaymentState
    refunded_minor: int
    failure: str


class Told(BaseModel):
    """The payment in a webhook."""

    model_config = ConfigDict(extra="forbid")

    ref: Annotated[str, Field(max_length=64)]
    reference: Annotated[str, Field(max_length=128)]
    amount_minor: Annotated[int, Field(ge=1)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    state: PaymentState
    failure: Annotated[str, Field(max_length=500)] = ""


class Webhook(BaseModel):
    """One message of the bank: ``id`` is the same for every delivery of it."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=64)]
    created_at: datetime
    payment: Told
