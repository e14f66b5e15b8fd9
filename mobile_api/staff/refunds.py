"""Refunds as staff see them: on their way, done, or failed and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cart.kernel.money import Money
from cart.orders.model import RefundState
from cart.orders.queries import OrderView
from cart.picking import refunds
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.staff.cards import due
from mobile_api.staff.looking import Looking

STATE_WORDS: Final[Mapping[RefundState, str]] = {
    RefundState.DUE: N_("On its way to the shopper"),
    RefundState.DONE: N_("Refunded"),
    RefundState.FAILED: N_("The refund failed"),
}


@dataclass(frozen=True, slots=True)
class ShownRefund:
    """A refund of an order. ``failure``: what the provider said, in its words."""

    refund_id: str
    amount: Money
    state: RefundState
    state_words: str
    failure: str


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """Money of a shopper at this location that she has not had back.

    ``order_id`` None, ``ticket`` "": the money bought nothing. ``failure``: what
    the provider said, in its words.
    """

    refund_id: str
    order_id: str | None
    ticket: str
    amount: Money
    failure: str
    since: str


def of_order(view: OrderView, spoken: Words) -> tuple[ShownRefund, ...]:
    """Return the refunds of an order, oldest first."""
    return tuple(
        ShownRefund(
            refund_id=one.id,
            amount=Money(one.amount_minor, view.currency),
            state=one.state,
            state_words=spoken.gettext(STATE_WORDS[one.state]),
            failure=one.failure,
        )
        for one in view.refunds
    )


def failed(look: Looking) -> tuple[FailedRefund, ...]:
    """Return the refunds of her location that failed, oldest first."""
    zone, now = look.zone, look.clock.now()
    return tuple(
        FailedRefund(
            refund_id=one.id,
            order_id=one.order_id,
            ticket=one.ticket,
            amount=Money(one.amount_minor, one.currency),
            failure=one.failure,
            since=due(look.spoken, one.created_at, now, zone),
        )
        for one in refunds.failed(look.db, look.me.location_id)
    )
