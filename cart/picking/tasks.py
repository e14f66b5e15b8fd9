"""Pick tasks: one for every order, from the moment it is paid until it is staged.

Owns the making of tasks and lines and their end. Who holds a task is ``walks``';
what was found is ``picking``'s and ``shorts``'.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlmodel import Session, col, exists, func, select, update

from cart.db.guarded import insert_all
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, NotReady, TaskTaken
from cart.kernel.ids import Ids
from cart.orders import history, letters
from cart.orders.letters import LetterKind
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.placing import Placed
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking.holding import hold, hold_task
from cart.picking.model import (
    BEING_PICKED,
    PLACE_UNKNOWN,
    TASK_OPEN,
    Changed,
    OfferState,
    Staff,
    TaskState,
)
from cart.picking.tables import PickLineRow, PickTaskRow, SubstitutionRow
from cart.ports import Bay, Shop

SHELF_LENGTH_MAX: Final = 32  # what fits on a shelf's label
_UNPLACED: Final = Bay(walk_order=PLACE_UNKNOWN)


def open_task(db: Session, clock: Clock, ids: Ids, shop: Shop, order_id: str) -> str:
    """Make the pick task of an order that was just paid; the same order again is the same task.

    Raises:
        UnknownOrder: there is no such order.
    """
    order = hold(db, order_id)
    known = db.exec(select(PickTaskRow.id).where(PickTaskRow.order_id == order_id)).first()
    if known is not None:
        return known
    lines = db.exec(
        select(OrderLineRow)
        .where(
            OrderLineRow.order_id == order_id,
            OrderLineRow.quantity > OrderLineRow.cancelled + OrderLineRow.handed_over,
        )
        .order_by(col(OrderLineRow.position))
    ).all()
    task = _task(clock, ids, order, lines)
    insert_all(db, [task])
    add_lines(db, ids, shop, task, lines)
    return task.id


def open_many(db: Session, clock: Clock, ids: Ids, shop: Shop, placed: Sequence[Placed]) -> None:
    """Make the pick tasks of orders that this unit of work has placed; two inserts for all."""
    tasks = [_task(clock, ids, one.order, one.lines) for one in placed]
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for one in placed:
        wanted[one.order.location_id] |= {line.sku for line in one.lines}
    bays = {
        location_id: shop.locations.bays(db, location_id=location_id, skus=skus)
        for location_id, skus in wanted.items()
    }
    insert_all(
        db,
        tasks,
        [
            _pick_line(ids, task, line, bays[task.location_id])
            for task, one in zip(tasks, placed, strict=True)
            for line in one.lines
        ],
    )


def _task(clock: Clock, ids: Ids, order: OrderRow, lines: Collection[OrderLineRow]) -> PickTaskRow:
    pieces = sum(line.quantity - line.cancelled - line.handed_over for line in lines)
    is_open = order.state in ORDER_OPEN and pieces > 0
    return PickTaskRow(
        id=ids.new("task"),
        order_id=order.id,
        location_id=order.location_id,
        state=(TaskState.WAITING if is_open else TaskState.CANCELLED).value,
        promise_at=order.promise_at,
        pieces=pieces,
        created_at=clock.now(),
    )


def add_lines(
    db: Session, ids: Ids, shop: Shop, task: PickTaskRow, lines: Collection[OrderLineRow]
) -> None:
    """Put order lines on a task, each with the place where its pieces lie."""
    bays = shop.locations.bays(db, location_id=task.location_id, skus=[line.sku for line in lines])
    insert_all(db, [_pick_line(ids, task, line, bays) for line in lines])


def _pick_line(
    ids: Ids, task: PickTaskRow, line: OrderLineRow, bays: Mapping[str, Bay]
) -> PickLineRow:
    bay = bays.get(line.sku, _UNPLACED)
    return PickLineRow(
        id=ids.new("pick"),
        task_id=task.id,
        order_line_id=line.id,
        gtin=line.gtin,
        sku=line.sku,
        quantity=line.quantity - line.cancelled - line.handed_over,
        zone_id=bay.zone_id,
        zone_name=bay.zone_name,
        zone_name_i18n=bay.zone_name_i18n,
        bay_id=bay.bay_id,
        walk_order=bay.walk_order,
    )


def orders_without_task(db: Session, limit: int) -> list[str]:
    """Return paid orders that nobody could pick, oldest first: the net under ``open_task``."""
    found = db.exec(
        select(OrderRow.id)
        .where(
            col(OrderRow.state).in_(BEING_PICKED),
            ~exists().where(col(PickTaskRow.order_id) == col(OrderRow.id)),
        )
        .order_by(col(OrderRow.placed_at), col(OrderRow.id))
        .limit(limit)
    )
    return list(found)


def stage(db: Session, clock: Clock, *, staff: Staff, task_id: str, shelf: str) -> Changed:
    """Put an order on a shelf at the desk: every piece of it is picked or given up.

    Raises:
        UnknownTask: there is none of this id here.
        TaskTaken: somebody else holds it, or nobody does.
        NotReady: a piece is neither picked nor short, or an offer waits for its answer.
        InvalidInput: no shelf that could be on a label.
    """
    shelf = shelf.strip()
    if not shelf or len(shelf) > SHELF_LENGTH_MAX or not shelf.isprintable():
        msg = f"a shelf's name has 1 to {SHELF_LENGTH_MAX} letters"
        raise InvalidInput(msg)
    task, order = hold_task(db, staff, task_id)
    now = clock.now()
    staged = db.execute(
        update(PickTaskRow)
        .where(
            col(PickTaskRow.id) == task_id,
            col(PickTaskRow.state) == TaskState.CLAIMED,
            col(PickTaskRow.claimed_by) == staff.id,
            ~exists().where(
                col(PickLineRow.task_id) == task_id,
                col(PickLineRow.picked) + col(PickLineRow.short) < col(PickLineRow.quantity),
            ),
            ~exists().where(
                col(SubstitutionRow.order_id) == order.id,
                col(SubstitutionRow.state) == OfferState.OFFERED,
            ),
        )
        .values(state=TaskState.STAGED.value, finished_at=now, version=PickTaskRow.version + 1)
        .returning(col(PickTaskRow.id))
    )
    if staged.one_or_none() is None:
        raise _not_staged(task, staff)
    db.exec(
        update(OrderRow)
        .where(col(OrderRow.id) == order.id, col(OrderRow.state).in_(ORDER_OPEN))
        .values(state=OrderState.READY.value, ready_at=now, shelf=shelf)
    )
    if order.method == Method.COLLECT:
        letters.ask(db, clock, order_id=order.id, kind=LetterKind.READY)
    version = history.note(db, clock, order_id=order.id, what="staged", actor=staff.id, shelf=shelf)
    return Changed(order.id, version, order.location_id)


def _not_staged(task: PickTaskRow, staff: Staff) -> NotReady | TaskTaken:
    if task.state == TaskState.CLAIMED and task.claimed_by == staff.id:
        msg = "a piece is neither picked nor short, or the shopper has not answered an offer yet"
        return NotReady(msg, task_id=task.id)
    msg = f"task {task.id} is {task.state} and not yours"
    return TaskTaken(msg, task_id=task.id, state=task.state)


def close_if_empty(db: Session, clock: Clock, order_id: str) -> bool:
    """End the task of an order of which nothing is left to fetch or hand over; say if it was."""
    left = func.coalesce(
        func.sum(OrderLineRow.quantity - OrderLineRow.cancelled - OrderLineRow.handed_over), 0
    )
    open_pieces = select(left).where(OrderLineRow.order_id == order_id).scalar_subquery()
    values: dict[str, Any] = {
        "state": TaskState.CANCELLED.value,
        "finished_at": clock.now(),
        "version": PickTaskRow.version + 1,
    }
    done = db.execute(
        update(PickTaskRow)
        .where(
            col(PickTaskRow.order_id) == order_id,
            col(PickTaskRow.state).in_(TASK_OPEN),
            open_pieces == 0,
        )
        .values(**values)
        .returning(col(PickTaskRow.id))
    )
    return done.one_or_none() is not None
