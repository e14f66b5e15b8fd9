"""Refunds that the provider has refused: which there are at a location, and trying one again.

Owns who may ask for it. What a retry is, and that it happens once, is
``cart.orders.refunding``'s; a workflow carries it out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from cart.kernel.errors import LeadNeeded, UnknownOrder
from cart.orders import refunding
from cart.orders.model import RefundState
from cart.orders.tables import OrderRow, RefundRow
from cart.picking.holding import hold_at
from cart.picking.model import Changed, Staff

FAILED_SHOWN_MAX: Final = 50  # a page; more is no matter of single orders, see `orders reconcile`


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """Money that is owed and did not arrive. ``failure``: the provider's own words."""

    id: str
    order_id: str
    ticket: str
    amount_minor: int
    currency: str
    failure: str
    created_at: datetime


def failed(db: Session, location_id: str) -> list[FailedRefund]:
    """Return the failed refunds of a location's orders, oldest first."""
    found = db.exec(
        select(RefundRow, OrderRow.ticket)
        .join(OrderRow, col(OrderRow.id) == col(RefundRow.order_id))
        .where(RefundRow.state == RefundState.FAILED, OrderRow.location_id == location_id)
        .order_by(col(RefundRow.created_at), col(RefundRow.id))
        .limit(FAILED_SHOWN_MAX)
        .execution_options(populate_existing=True)
    )
    return [
        FailedRefund(
            id=row.id,
            order_id=str(row.order_id),
            ticket=ticket,
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
    if not staff.is_lead:
        msg = "only a lead may have a refund tried again"
        raise LeadNeeded(msg)
    order = hold_at(db, staff, order_id)
    if refunding.refund_facts(db, refund_id).order_id != order_id:
        msg = "the order has no such refund"
        raise UnknownOrder(msg, order_id=order_id, refund_id=refund_id)
    refunding.retry_failed(db, clock, refund_id=refund_id, actor=staff.id)
    version = db.get_one(OrderRow, order_id, populate_existing=True).version
    return Changed(order_id, version, order.location_id)
