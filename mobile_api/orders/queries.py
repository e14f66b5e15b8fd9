"""Selects on orders for the phone: whose it is, and which are open."""

from sqlmodel import Session, col, select

from cart.kernel.errors import UnknownOrder
from cart.orders.model import ORDER_OPEN, Method
from cart.orders.tables import OrderRow

OPEN_MAX = 20  # open orders of one phone that a page shows


def own(db: Session, order_id: str, session_id: str) -> OrderRow:
    """Return a shopper's own order.

    Raises:
        UnknownOrder: there is none of this id, or it is another shopper's; which is not said.
    """
    found = db.exec(
        select(OrderRow).where(OrderRow.id == order_id, OrderRow.session_id == session_id)
    ).first()
    if found is None:
        msg = f"this phone has no order {order_id}"
        raise UnknownOrder(msg, order_id=order_id)
    return found


def open_orders(db: Session, session_id: str, location_id: str | None = None) -> list[OrderRow]:
    """Return a shopper's open orders, the newest first; at one location: those to collect there."""
    here = [OrderRow.location_id == location_id, OrderRow.method == Method.COLLECT]
    rows = db.exec(
        select(OrderRow)
        .where(
            OrderRow.session_id == session_id,
            col(OrderRow.state).in_(ORDER_OPEN),
            *(here if location_id else []),
        )
        .order_by(col(OrderRow.placed_at).desc(), col(OrderRow.id).desc())
        .limit(OPEN_MAX)
    )
    return list(rows)
