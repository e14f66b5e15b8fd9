"""Orders that nobody comes for: a reminder, and later back on the shelf and refunded.

The location's terms say after how many hours. They count from when the order was
ready, or from the time that it was promised for or put off to, whichever is later.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.orders import goods, history, letters, terms
from cart.orders.letters import LetterKind
from cart.orders.model import Method, OrderState
from cart.orders.tables import OrderRow
from cart.picking.holding import changed, hold
from cart.picking.model import Changed
from cart.ports import Shop

LOCATIONS_MAX: Final = 5_000  # with orders on their shelves; a chain has fewer


def due_reminders(db: Session, now: datetime, limit: int) -> list[str]:
    """Return orders whose shopper should be reminded now, the longest waiting first."""
    return _due(db, now, limit, remind=True)


def due_uncollected(db: Session, now: datetime, limit: int) -> list[str]:
    """Return orders that have waited long enough, the longest waiting first."""
    return _due(db, now, limit, remind=False)


def remind(db: Session, clock: Clock, *, order_id: str) -> Changed | None:
    """Remind a shopper that her order is ready, once; None: not now.

    Raises:
        UnknownOrder: there is no such order.
    """
    order = hold(db, order_id)
    now = clock.now()
    hours = terms.get(db, order.location_id).remind_hours
    reminded = db.exec(
        update(OrderRow)
        .where(col(OrderRow.id) == order_id, *_waited(now - timedelta(hours=hours), remind=True))
        .values(reminded_at=now)
        .returning(col(OrderRow.id))
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if reminded is None:
        return None
    version = history.note(db, clock, order_id=order_id, what="reminded", actor=history.SYSTEM)
    letters.ask(db, clock, order_id=order_id, kind=LetterKind.REMINDER, suffix=str(version))
    return Changed(order_id, version, order.location_id)


def close(db: Session, clock: Clock, ids: Ids, shop: Shop, *, order_id: str) -> Changed | None:
    """Put an order back on the shelf and refund it; None: it was collected, or put off, meanwhile.

    Raises:
        UnknownOrder: there is no such order.
    """
    order = hold(db, order_id)
    hours = terms.get(db, order.location_id).uncollected_hours
    since = clock.now() - timedelta(hours=hours)
    waited = db.exec(
        select(OrderRow.id).where(OrderRow.id == order_id, *_waited(since, remind=False))
    ).first()
    if waited is None:
        return None
    return changed(goods.close_uncollected(db, clock, ids, shop, order_id=order_id))


def _due(db: Session, now: datetime, limit: int, *, remind: bool) -> list[str]:
    found: list[tuple[datetime, str]] = []
    for location_id in db.exec(
        select(OrderRow.location_id)
        .where(OrderRow.state == OrderState.READY)
        .distinct()
        .order_by(col(OrderRow.location_id))
        .limit(LOCATIONS_MAX)
    ).all():
        located = terms.get(db, location_id)
        hours = located.remind_hours if remind else located.uncollected_hours
        due = db.exec(
            select(OrderRow.ready_at, OrderRow.id)
            .where(
                OrderRow.location_id == location_id,
                *_waited(now - timedelta(hours=hours), remind=remind),
            )
            .order_by(col(OrderRow.ready_at), col(OrderRow.id))
            .limit(limit)
        )
        found += [(ready_at, order_id) for ready_at, order_id in due if ready_at is not None]
    return [order_id for _, order_id in sorted(found)[:limit]]


def _waited(since: datetime, *, remind: bool) -> list[ColumnElement[bool]]:
    """Say of an order that it has stood at the desk since ``since``."""
    waited = [
        col(OrderRow.state) == OrderState.READY,
        col(OrderRow.method) == Method.COLLECT,
        col(OrderRow.ready_at) <= since,
        col(OrderRow.promise_at) <= since,
    ]
    return [*waited, col(OrderRow.reminded_at).is_(None)] if remind else waited
