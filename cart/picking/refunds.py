"""Refunds that the provider has refused: which there are at a location, and trying one again.

Owns who may ask for it. What a retry is, and that it happens once, is
``cart.orders.refunding``'s; a workflow carries it out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, select

from cart.kernel.clock import Clock
from cart.kernel.errors import LeadNeeded, UnknownOrder
from cart.orders import refunding
from cart.orders.model import RefundState
from cart.orders.tables import AttemptRow, CheckoutRow, OrderRow, RefundRow, TenderRow
from cart.picking.holding import hold_at
from cart.picking.model import Changed, Staff

FAILED_SHOWN_MAX: Final = 50  # a page; more is no matter of single orders, see `orders reconcile`


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """Money that is owed and did not arrive. ``failure``: the provider's own words.

    ``order_id`` None, ``ticket`` "": it bought nothing, for it came too late or was another amount.
    """

    id: str
    order_id: str | None
    ticket: str
    amount_minor: int
    currency: str
    failure: str
    created_at: datetime


def failed(db: Session, location_id: str) -> list[FailedRefund]:
    """Return a location's failed refunds, of orders and of money without one, oldest first."""
    found = db.exec(
        select(RefundRow, OrderRow.ticket)
        .join(TenderRow, col(TenderRow.id) == col(RefundRow.tender_id))
        .join(AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
        .join(CheckoutRow, col(CheckoutRow.id) == col(AttemptRow.checkout_id))
        .outerjoin(OrderRow, col(OrderRow.id) == col(RefundRow.order_id))
        .where(
            RefundRow.state == RefundState.FAILED,
            func.coalesce(OrderRow.location_id, CheckoutRow.location_id) == location_id,
        )
        .order_by(col(RefundRow.created_at), col(RefundRow.id))
        .limit(FAILED_SHOWN_MAX)
        .execution_options(populate_existing=True)
    )
    return [
        FailedRefund(
            id=row.id,
            order_id=row.order_id,
            ticket=ticket or "",
            amount_minor=row.amount_minor,
            currency=row.currency,
            failure=row.failure,
            created_at=row.created_at,
        )
        for row, ticket in found
    ]


def try_again(db: Session, clock: Clock, *, staff: Staff, order_id: str, refund_id: str) -> Changed:
    """Let a failed refund be carried out anew.

    One that is not failed (any more: a colleague was faster) stays as it is, so that two
    who press at once refund once.

    Raises:
        LeadNeeded: it may have been paid by hand meanwhile; a lead knows.
        UnknownOrder: there is none of this id here, or it has no such refund.
    """
    _need_lead(staff)
    order = hold_at(db, staff, order_id)
    if refunding.refund_facts(db, refund_id).order_id != order_id:
        msg = "the order has no such refund"
        raise UnknownOrder(msg, order_id=order_id, refund_id=refund_id)
    refunding.retry_failed(db, clock, refund_id=refund_id, actor=staff.id)
    version = db.get_one(OrderRow, order_id, populate_existing=True).version
    return Changed(order_id, version, order.location_id)


def try_unbought_again(db: Session, clock: Clock, *, staff: Staff, refund_id: str) -> bool:
    """Let a failed refund of money that bought nothing be tried again; False: it has not failed.

    Raises:
        LeadNeeded: it may have been paid by hand meanwhile; a lead knows.
        UnknownOrder: there is none of this id here, or it is an order's.
    """
    _need_lead(staff)
    facts = refunding.refund_facts(db, refund_id)
    if facts.order_id is not None or facts.location_id != staff.location_id:
        msg = "there is no such refund without an order here"
        raise UnknownOrder(msg, refund_id=refund_id)
    return refunding.retry_failed(db, clock, refund_id=refund_id, actor=staff.id)


def _need_lead(staff: Staff) -> None:
    if not staff.is_lead:
        msg = "only a lead may have a refund tried again"
        raise LeadNeeded(msg)
