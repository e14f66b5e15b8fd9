"""Every select of purses."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cart.orders.model import TenderKind, TenderState
from cart.orders.purse.tables import PurseRow
from cart.orders.tables import OrderRow, TenderRow, VoucherRow


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment by wristband; amounts in minor units of the purse's currency."""

    order_id: str
    ticket: str
    amount_minor: int
    refunded_minor: int
    at: datetime


def of_customer(db: Session, customer_id: str) -> PurseRow | None:
    """Return a customer's purse as it is now."""
    return db.get(PurseRow, customer_id, populate_existing=True)


def balance_minor(db: Session, purse: PurseRow) -> int:
    """Return what is in a purse."""
    return db.get_one(VoucherRow, purse.voucher_id, populate_existing=True).balance_minor


def payments(db: Session, purse: PurseRow, limit: int) -> list[Paid]:
    """Return what was paid from a purse, the newest first."""
    rows = db.exec(
        select(TenderRow, OrderRow)
        .join(OrderRow, col(OrderRow.id) == col(TenderRow.order_id))
        .where(
            TenderRow.voucher_id == purse.voucher_id,
            TenderRow.kind == TenderKind.WRISTBAND,
            TenderRow.state == TenderState.CAPTURED,
        )
        .order_by(col(TenderRow.created_at).desc(), col(TenderRow.id))
        .limit(limit)
    )
    return [
        Paid(order.id, order.ticket, tender.amount_minor, tender.refunded_minor, tender.created_at)
        for tender, order in rows
    ]
