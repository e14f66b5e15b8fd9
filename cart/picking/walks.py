"""Who holds which pick task: claimed as one walk, given back, handed to a colleague.

A claim is a row, so it survives a reload of the page and a phone that died. Two
people never hold the same task: one guarded UPDATE decides.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, exists, func, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, LeadNeeded, TaskTaken, UnknownStaff, UnknownTask
from cart.kernel.ids import Ids
from cart.orders import history
from cart.orders.model import OrderState
from cart.orders.tables import OrderRow
from cart.picking.holding import hold_many, hold_task
from cart.picking.model import BEING_PICKED, WALK_TASKS_MAX, Changed, Staff, TaskState
from cart.picking.roles import May, Role, may
from cart.picking.tables import PickTaskRow, StaffRow, StaffSessionRow

# Longer than a coffee. Then whoever is free may take over what she holds.
GONE_AFTER: Final = timedelta(minutes=30)


def claim(
    db: Session, clock: Clock, ids: Ids, *, staff: Staff, task_ids: Collection[str]
) -> list[Changed]:
    """Take tasks to be picked in one walk, all of them or none; they join the walk that is on.

    What she holds already stays as it is. A task of a colleague who is gone
    (signed out, or not seen for GONE_AFTER) can be taken over.

    Raises:
        InvalidInput: none, or more than WALK_TASKS_MAX with what she holds.
        UnknownTask: one is not of this location.
        TaskTaken: a colleague holds one, or it is over. Nothing has changed.
    """
    wanted = sorted(set(task_ids))
    if not wanted:
        msg = "a walk has at least one task"
        raise InvalidInput(msg)
    now = clock.now()
    _hold_staff(db, staff.id)
    orders = _hold_orders(db, staff, wanted)
    held = db.exec(
        select(PickTaskRow).where(
            PickTaskRow.claimed_by == staff.id, PickTaskRow.state == TaskState.CLAIMED
        )
    ).all()
    _require_room({one.id for one in held} | set(wanted))
    fresh = sorted(set(wanted) - {one.id for one in held})
    walk_id = next((one.walk_id for one in held if one.walk_id), None) or ids.new("walk")
    saved = db.begin_nested()
    taken = db.execute(
        update(PickTaskRow)
        .where(col(PickTaskRow.id).in_(fresh), or_(_is_waiting(), gone(now)))
        .values(
            state=TaskState.CLAIMED.value,
            claimed_by=staff.id,
            walk_id=walk_id,
            started_at=now,
            version=PickTaskRow.version + 1,
        )
        .returning(col(PickTaskRow.id))
        .execution_options(synchronize_session=False)
    ).all()
    over = {one for one in fresh if orders[one].state not in BEING_PICKED}
    lost = set(fresh) - {row[0] for row in taken} | over
    if lost:
        saved.rollback()
        msg = "a colleague holds this task, or it is over"
        raise TaskTaken(msg, task_id=min(lost))
    saved.commit()
    _begin_orders(db, [orders[task_id] for task_id in fresh])
    return [
        _noted(db, clock, orders[task_id], "claimed", staff, walk_id=walk_id)
        for task_id in sorted(fresh, key=lambda one: orders[one].id)
    ]


def release(db: Session, clock: Clock, *, staff: Staff, task_id: str) -> Changed:
    """Give a task back to the queue, with what was picked of it; once more changes nothing.

    Raises:
        UnknownTask: there is none of this id here.
        LeadNeeded: it is a colleague's.
    """
    task, order = hold_task(db, staff, task_id)
    if task.state != TaskState.CLAIMED:
        return Changed(order.id, order.version, order.location_id)
    if task.claimed_by != staff.id and not staff.is_lead:
        raise _lead_needed()
    db.exec(
        update(PickTaskRow)
        .where(col(PickTaskRow.id) == task_id, col(PickTaskRow.state) == TaskState.CLAIMED)
        .values(
            state=TaskState.WAITING.value,
            claimed_by=None,
            walk_id=None,
            started_at=None,
            version=PickTaskRow.version + 1,
        )
    )
    return _noted(db, clock, order, "released", staff)


def reassign(
    db: Session, clock: Clock, ids: Ids, *, staff: Staff, task_id: str, to_staff_id: str
) -> Changed:
    """Give a task to somebody, whoever holds it now.

    Raises:
        LeadNeeded: only a lead gives work to others.
        UnknownStaff: nobody active here has this id.
        UnknownTask: there is none of this id here.
        InvalidInput: she holds as many as one can already.
        TaskTaken: it is staged or over.
    """
    if not staff.is_lead:
        raise _lead_needed()
    known = _hold_staff(db, to_staff_id)
    here = known is not None and known.active and known.location_id == staff.location_id
    if known is None or not here or not may(Role(known.role), May.FLOOR):
        msg = f"nobody active here has the id {to_staff_id}"
        raise UnknownStaff(msg, staff_id=to_staff_id)
    _, order = hold_task(db, staff, task_id)
    held = db.exec(
        select(PickTaskRow).where(
            PickTaskRow.claimed_by == to_staff_id, PickTaskRow.state == TaskState.CLAIMED
        )
    ).all()
    _require_room({one.id for one in held} | {task_id})
    walk_id = next((one.walk_id for one in held if one.walk_id), None) or ids.new("walk")
    given = db.execute(
        update(PickTaskRow)
        .where(
            col(PickTaskRow.id) == task_id,
            col(PickTaskRow.state).in_((TaskState.WAITING, TaskState.CLAIMED)),
        )
        .values(
            state=TaskState.CLAIMED.value,
            claimed_by=to_staff_id,
            walk_id=walk_id,
            started_at=func.coalesce(PickTaskRow.started_at, clock.now()),
            version=PickTaskRow.version + 1,
        )
        .returning(col(PickTaskRow.id))
        .execution_options(synchronize_session=False)
    )
    if given.one_or_none() is None:
        msg = "this task is staged or over"
        raise TaskTaken(msg, task_id=task_id)
    _begin_orders(db, [order])
    return _noted(db, clock, order, "reassigned", staff, to=to_staff_id)


def gone(now: datetime) -> ColumnElement[bool]:
    """Say of a task that it is claimed by somebody who is not at work any more."""
    seen = exists().where(
        col(StaffSessionRow.staff_id) == col(PickTaskRow.claimed_by),
        col(StaffSessionRow.ended_at).is_(None),
        col(StaffSessionRow.expires_at) > now,
        col(StaffSessionRow.seen_at) > now - GONE_AFTER,
    )
    return and_(col(PickTaskRow.state) == TaskState.CLAIMED, ~seen)


def _is_waiting() -> ColumnElement[bool]:
    return col(PickTaskRow.state) == TaskState.WAITING


def _hold_staff(db: Session, staff_id: str) -> StaffRow | None:
    """Lock somebody's row: claims for one person come one after another."""
    return db.exec(select(StaffRow).where(StaffRow.id == staff_id).with_for_update()).first()


def _hold_orders(db: Session, staff: Staff, task_ids: Sequence[str]) -> dict[str, OrderRow]:
    """Return the order of each task, all locked."""
    known = db.execute(
        select(PickTaskRow.id, PickTaskRow.order_id).where(
            col(PickTaskRow.id).in_(task_ids), PickTaskRow.location_id == staff.location_id
        )
    ).all()
    if missing := set(task_ids) - {row[0] for row in known}:
        msg = "there is no such task here"
        raise UnknownTask(msg, task_id=min(missing)[:80])
    orders = {order.id: order for order in hold_many(db, [row[1] for row in known])}
    return {row[0]: orders[row[1]] for row in known}


def _require_room(task_ids: set[str]) -> None:
    if len(task_ids) > WALK_TASKS_MAX:
        msg = f"one walk has at most {WALK_TASKS_MAX} orders"
        raise InvalidInput(msg, tasks_max=WALK_TASKS_MAX)


def _begin_orders(db: Session, orders: Sequence[OrderRow]) -> None:
    db.exec(
        update(OrderRow)
        .where(
            col(OrderRow.id).in_([order.id for order in orders]),
            col(OrderRow.state) == OrderState.PLACED,
        )
        .values(state=OrderState.PICKING.value)
    )


def _noted(
    db: Session, clock: Clock, order: OrderRow, what: str, staff: Staff, **data: str
) -> Changed:
    version = history.note(db, clock, order_id=order.id, what=what, actor=staff.id, **data)
    return Changed(order.id, version, order.location_id)


def _lead_needed() -> LeadNeeded:
    return LeadNeeded("only a lead may do this with a colleague's task")
