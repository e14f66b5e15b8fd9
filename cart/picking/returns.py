"""Pieces that come back to the desk: counted against what was handed over, refunded at once."""

from sqlmodel import Session, select

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import Ids
from cart.orders import goods
from cart.orders.goods import ReturnedPieces
from cart.orders.tables import OrderLineRow
from cart.picking.holding import changed, hold, unknown_task
from cart.picking.model import Changed, ReturnReason, Staff
from cart.picking.tables import ReturnRow
from cart.ports import Shop


def take(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    staff: Staff,
    order_line_id: str,
    quantity: int,
    reason: ReturnReason,
    restocked: bool,
) -> Changed:
    """Take pieces of an order back, and owe their price.

    Any shop of the chain takes them; they are on hand where they came back.
    ``restocked`` false: they cannot be sold again and are written off.

    Raises:
        UnknownTask: no order has this line.
        InvalidInput: no pieces.
        TooManyPieces: the shopper has fewer of them. Nothing has changed.
    """
    if quantity < 1:
        msg = "at least one piece comes back"
        raise InvalidInput(msg, quantity=quantity)
    order_id = db.exec(
        select(OrderLineRow.order_id).where(OrderLineRow.id == order_line_id)
    ).first()
    if order_id is None:
        raise unknown_task(order_line_id)
    hold(db, order_id)
    return_id = ids.new("return")
    moved = goods.return_pieces(
        db,
        clock,
        ids,
        shop,
        returned=ReturnedPieces(
            order_line_id, quantity, ReturnReason(reason).value, restocked, staff.location_id
        ),
        fact=return_id,
        actor=staff.id,
    )
    db.add(
        ReturnRow(
            id=return_id,
            order_line_id=order_line_id,
            quantity=quantity,
            reason=ReturnReason(reason).value,
            restocked=restocked,
            taken_by=staff.id,
            at=clock.now(),
        )
    )
    db.flush()
    return changed(moved)
