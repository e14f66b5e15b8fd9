"""Locks an order before anything of it is changed, and says what of it one may change.

Everything about an order is locked in one order: the order's row, then its task and
lines, then stock; several orders by their ids. So nothing deadlocks, and what is
read after the lock stays true until the commit. The guarded UPDATEs still decide.
"""

from collections.abc import Collection

from sqlmodel import Session, col, select

from cart.kernel.errors import TaskTaken, UnknownOrder, UnknownTask
from cart.orders.goods import Moved
from cart.orders.model import ORDER_OPEN
from cart.orders.queries import hold
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking.model import Changed, Staff, TaskState
from cart.picking.tables import PickLineRow, PickTaskRow

__all__ = ["hold", "hold_at", "hold_line", "hold_many", "hold_task"]


def hold_many(db: Session, order_ids: Collection[str]) -> list[OrderRow]:
    """Return those of the orders that exist, by id, their rows locked until the commit."""
    db.flush()
    found = db.exec(
        select(OrderRow)
        .where(col(OrderRow.id).in_(sorted(order_ids)))
        .order_by(col(OrderRow.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def hold_at(db: Session, staff: Staff, order_id: str) -> OrderRow:
    """Return an order of the staff's own location, locked.

    Raises:
        UnknownOrder: there is none of this id here.
    """
    order = hold(db, order_id)
    if order.location_id != staff.location_id:
        raise unknown_order(order_id)
    return order


def hold_task(db: Session, staff: Staff, task_id: str) -> tuple[PickTaskRow, OrderRow]:
    """Return a pick task of the staff's location and its order, the order locked.

    Raises:
        UnknownTask: there is none of this id here.
    """
    order_id = db.exec(
        select(PickTaskRow.order_id).where(
            PickTaskRow.id == task_id, PickTaskRow.location_id == staff.location_id
        )
    ).first()
    if order_id is None:
        raise unknown_task(task_id)
    order = hold(db, order_id)
    task = db.exec(
        select(PickTaskRow)
        .where(PickTaskRow.id == task_id)
        .execution_options(populate_existing=True)
    ).one()
    return task, order


def hold_line(
    db: Session, staff: Staff, line_id: str
) -> tuple[PickLineRow, OrderLineRow, OrderRow]:
    """Return a pick line that the staff holds, its order's line and its order, the order locked.

    Raises:
        UnknownTask: there is none of this id here.
        TaskTaken: somebody else holds its task, or nobody does, or the order is over.
    """
    task_id = db.exec(select(PickLineRow.task_id).where(PickLineRow.id == line_id)).first()
    if task_id is None:
        raise unknown_task(line_id)
    task, order = hold_task(db, staff, task_id)
    held = task.state == TaskState.CLAIMED and task.claimed_by == staff.id
    if not held or order.state not in ORDER_OPEN:
        msg = f"task {task.id} is {task.state} and not yours"
        raise TaskTaken(msg, task_id=task.id, state=task.state)
    line, order_line = db.exec(
        select(PickLineRow, OrderLineRow)
        .join(OrderLineRow, col(OrderLineRow.id) == col(PickLineRow.order_line_id))
        .where(PickLineRow.id == line_id)
        .execution_options(populate_existing=True)
    ).one()
    return line, order_line, order


def changed(moved: Moved) -> Changed:
    """Return what a command of ``cart.orders.goods`` has changed."""
    return Changed(moved.order_id, moved.version, moved.location_id, moved.refunds)


def unknown_order(order_id: str) -> UnknownOrder:
    """Return the refusal of an order that is not here."""
    return UnknownOrder("there is no such order here", order_id=order_id[:80])


def unknown_task(task_id: str) -> UnknownTask:
    """Return the refusal of a task or line that is not here."""
    return UnknownTask("there is no such task here", task_id=task_id[:80])
