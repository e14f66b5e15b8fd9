"""The test bank's page: where the shopper says how her payment is to end.

It belongs to the outside world: it knows the bank's books and nothing of carts
or orders, and asks for no card. It is there only while the sandbox is the
provider; what is chosen twice changes nothing.
"""

import math
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cart.kernel.errors import NotFound
from cart.kernel.money import Money
from mobile_api.edge.access import Role, allow
from mobile_api.edge.guard import POLICY
from mobile_api.look.templates import page
from mobile_api.payment.sandbox.bank import Bank
from mobile_api.payment.sandbox.model import SECONDS_MAX, Choice, Payment, PaymentState
from mobile_api.payment.sandbox.provider import SandboxProvider
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/sandbox/pay", dependencies=[allow(Role.SANDBOX)], include_in_schema=False
)
Ref = Annotated[str, Path(max_length=64)]
ASKED: Final = (PaymentState.OPEN, PaymentState.CHALLENGE)
PAID: Final = (PaymentState.CAPTURED, PaymentState.WAITING)


def _bank(wired: Parts) -> Bank:
    provider = wired.payments.active
    if not isinstance(provider, SandboxProvider):
        msg = "there is no test bank here"
        raise NotFound(msg)
    return provider.bank


@router.get("/{ref}")
def pay_page(request: Request, ref: Ref, wired: Wired) -> HTMLResponse:
    """Show the payment: what can be chosen, the second page, or that it is over."""
    one = _bank(wired).payment(ref)
    left_s = (one.expires_at - wired.clock.now()).total_seconds()
    context = {
        "payment": one,
        "amount": Money(one.amount_minor, one.currency),
        "left_minutes": max(0, math.ceil(left_s / 60)),
        "seconds_max": SECONDS_MAX,
        "back": _way_back(one),
    }
    # The answer to our form leads to the shop; to a browser that is part of the form's action.
    shop = f"form-action 'self' {wired.settings.base_url}"
    policy = POLICY.replace("form-action 'self'", shop) + "; frame-ancestors 'self'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return page(request, "bank.html", context, headers=headers)


@router.post("/{ref}/choose")
def choose(
    ref: Ref,
    wired: Wired,
    choice: Annotated[Choice, Form()],
    seconds: Annotated[int, Form(ge=0, le=SECONDS_MAX)] = 0,
) -> RedirectResponse:
    """Let it end so, and go back to the shop; or on to the second page."""
    return _onward(_bank(wired).choose(ref, choice, seconds))


@router.post("/{ref}/confirm")
def confirm(
    ref: Ref, wired: Wired, answer: Annotated[Literal["approve", "deny"], Form()]
) -> RedirectResponse:
    """Take the answer of the second page."""
    return _onward(_bank(wired).confirm(ref, approved=answer == "approve"))


def _onward(one: Payment) -> RedirectResponse:
    here = f"/sandbox/pay/{one.ref}"
    return RedirectResponse(here if one.state in ASKED else _way_back(one), 303)


def _way_back(one: Payment) -> str:
    return one.success_url if one.state in PAID else one.cancel_url
