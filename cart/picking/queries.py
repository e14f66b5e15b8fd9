"""Every list that staff look at: the queue, one's own walk, the shelves at the desk."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, func, or_, select

from cart.kernel.errors import UnknownTask
from cart.orders.model import OrderState
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking.model import BEING_PICKED, TASK_OPEN, OfferState, TaskState, Waiting
from cart.picking.tables import PickLineRow, PickTaskRow, StaffRow, SubstitutionRow
from cart.picking.walks import gone

QUEUE_MAX: Final = 500  # orders that wait at one location; more is no queue but a disaster
READY_MAX: Final = 500  # shelves at a desk


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An order that is not staged yet. ``free``: it can be claimed now, also from who is gone."""

    task_id: str
    order_id: str
    ticket: str
    method: str
    promise_at: datetime
    here_at: datetime | None
    lines: int
    pieces: int
    left: int
    claimed_by: str | None
    claimed_name: str
    free: bool
    version: int

    @property
    def turn(self) -> tuple[datetime, bool, datetime, str]:
        """Its place among the others."""
        return Waiting(self.order_id, self.promise_at, self.here_at, self.left).turn


@dataclass(frozen=True, slots=True)
class WalkLine:
    """What to fetch. Pieces: ``quantity`` = left + picked + short.

    ``offer``: the state of the last substitution offered for it; empty if none was.
    ``replaces``: the order line that it stands in for.
    """

    line_id: str
    task_id: str
    order_id: str
    order_line_id: str
    ticket: str
    gtin: str
    sku: str
    quantity: int
    picked: int
    short: int
    short_reason: str
    zone_id: str
    zone_name: str
    bay_id: str
    name: str
    colour: str
    size: str
    picture: str | None
    replaces: str | None
    offer: str
    name_i18n: dict[str, str] = field(default_factory=dict)
    colour_i18n: dict[str, str] = field(default_factory=dict)
    zone_name_i18n: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Pieces that are still to be fetched."""
        return self.quantity - self.picked - self.short


@dataclass(frozen=True, slots=True)
class DeskOrder:
    """An order on a shelf at the desk. ``locked``: too many wrong codes, a lead is needed."""

    order_id: str
    ticket: str
    method: str
    shelf: str
    pieces: int
    ready_at: datetime | None
    promise_at: datetime
    here_at: datetime | None
    reminded_at: datetime | None
    wrong_codes: int
    version: int


def queue(db: Session, location_id: str, now: datetime) -> list[QueueEntry]:
    """Return what is to be picked, by quarter hour of the promise, who is at the desk first."""
    found = db.exec(
        select(PickTaskRow, OrderRow, StaffRow.name, gone(now))
        .join(OrderRow, col(OrderRow.id) == col(PickTaskRow.order_id))
        .join(StaffRow, col(StaffRow.id) == col(PickTaskRow.claimed_by), isouter=True)
        .where(_being_picked(location_id))
        .order_by(col(PickTaskRow.promise_at), col(PickTaskRow.id))
        .limit(QUEUE_MAX)
        .execution_options(populate_existing=True)
    ).all()
    sums = _sums(db, location_id)
    entries = []
    for task, order, name, is_gone in found:
        lines, pieces, left = sums.get(task.id, (0, 0, 0))
        entries.append(
            QueueEntry(
                task_id=task.id,
                order_id=order.id,
                ticket=order.ticket,
                method=order.method,
                promise_at=order.promise_at,
                here_at=order.here_at,
                lines=lines,
                pieces=pieces,
                left=left,
                claimed_by=task.claimed_by,
                claimed_name=name or "",
                free=task.state == TaskState.WAITING or bool(is_gone),
                version=task.version,
            )
        )
    return sorted(entries, key=lambda entry: entry.turn)


def waiting(db: Session, location_id: str) -> list[Waiting]:
    """Return the open tasks in the order of the queue, with the pieces left of each."""
    found = db.exec(
        select(PickTaskRow.id, OrderRow.id, OrderRow.promise_at, OrderRow.here_at)
        .join(OrderRow, col(OrderRow.id) == col(PickTaskRow.order_id))
        .where(_being_picked(location_id))
        .order_by(col(OrderRow.promise_at), col(OrderRow.id))
        .limit(QUEUE_MAX)
    ).all()
    sums = _sums(db, location_id)
    entries = [
        Waiting(order_id, promise_at, here_at, sums.get(task_id, (0, 0, 0))[2])
        for task_id, order_id, promise_at, here_at in found
    ]
    return sorted(entries, key=lambda one: one.turn)


def pieces_ahead(db: Session, location_id: str, until: datetime) -> int:
    """Return the pieces left of open tasks promised by ``until``, or whose shopper is here."""
    first = (
        select(PickTaskRow.id)
        .join(OrderRow, col(OrderRow.id) == col(PickTaskRow.order_id))
        .where(
            _being_picked(location_id),
            or_(OrderRow.promise_at <= until, col(OrderRow.here_at).is_not(None)),
        )
        .order_by(col(OrderRow.promise_at), col(OrderRow.id))
        .limit(QUEUE_MAX)
    )
    left = PickLineRow.quantity - PickLineRow.picked - PickLineRow.short
    return int(
        db.exec(
            select(func.coalesce(func.sum(left), 0)).where(col(PickLineRow.task_id).in_(first))
        ).one()
    )


def walk(db: Session, staff_id: str) -> list[WalkLine]:
    """Return the lines of all tasks that somebody holds, in walking order: zone, bay, article."""
    hers = col(PickTaskRow.claimed_by) == staff_id
    return _lines(db, and_(hers, col(PickTaskRow.state) == TaskState.CLAIMED))


def of_task(db: Session, task_id: str) -> list[WalkLine]:
    """Return the lines of one task, in walking order."""
    return _lines(db, col(PickTaskRow.id) == task_id)


def line(db: Session, line_id: str) -> WalkLine:
    """Return one pick line.

    Raises:
        UnknownTask: there is none of this id.
    """
    found = _lines(db, col(PickLineRow.id) == line_id)
    if not found:
        msg = "there is no such line"
        raise UnknownTask(msg, task_id=line_id[:80])
    return found[0]


def ready(db: Session, location_id: str) -> list[DeskOrder]:
    """Return what stands at the desk: who is here first, then what waits longest."""
    orders = db.exec(
        select(OrderRow)
        .where(OrderRow.location_id == location_id, OrderRow.state == OrderState.READY)
        .order_by(
            col(OrderRow.here_at).is_(None),
            col(OrderRow.here_at),
            col(OrderRow.ready_at),
            col(OrderRow.id),
        )
        .limit(READY_MAX)
        .execution_options(populate_existing=True)
    ).all()
    kept = dict(
        db.exec(
            select(OrderLineRow.order_id, func.sum(OrderLineRow.quantity - OrderLineRow.cancelled))
            .where(col(OrderLineRow.order_id).in_([order.id for order in orders]))
            .group_by(col(OrderLineRow.order_id))
        ).all()
    )
    return [
        DeskOrder(
            order_id=order.id,
            ticket=order.ticket,
            method=order.method,
            shelf=order.shelf,
            pieces=kept.get(order.id, 0),
            ready_at=order.ready_at,
            promise_at=order.promise_at,
            here_at=order.here_at,
            reminded_at=order.reminded_at,
            wrong_codes=order.wrong_codes,
            version=order.version,
        )
        for order in orders
    ]


def _being_picked(location_id: str) -> ColumnElement[bool]:
    return and_(
        col(PickTaskRow.location_id) == location_id,
        col(PickTaskRow.state).in_(TASK_OPEN),
        col(OrderRow.state).in_(BEING_PICKED),
    )


def _sums(db: Session, location_id: str) -> dict[str, tuple[int, int, int]]:
    """Return lines, pieces, and pieces left of every open task."""
    found = db.exec(
        select(
            PickLineRow.task_id,
            func.count(),
            func.sum(PickLineRow.quantity),
            func.sum(PickLineRow.quantity - PickLineRow.picked - PickLineRow.short),
        )
        .join(PickTaskRow, col(PickTaskRow.id) == col(PickLineRow.task_id))
        .where(PickTaskRow.location_id == location_id, col(PickTaskRow.state).in_(TASK_OPEN))
        .group_by(col(PickLineRow.task_id))
    ).all()
    return {row[0]: (row[1], row[2], row[3]) for row in found}


def _lines(db: Session, which: ColumnElement[bool]) -> list[WalkLine]:
    found = db.execute(
        select(PickLineRow, OrderLineRow, OrderRow.ticket)
        .join(PickTaskRow, col(PickTaskRow.id) == col(PickLineRow.task_id))
        .join(OrderLineRow, col(OrderLineRow.id) == col(PickLineRow.order_line_id))
        .join(OrderRow, col(OrderRow.id) == col(PickTaskRow.order_id))
        .where(which)
        .order_by(
            col(PickLineRow.walk_order),
            col(PickLineRow.bay_id),
            col(PickLineRow.sku),
            col(OrderRow.promise_at),
            col(PickLineRow.id),
        )
        .execution_options(populate_existing=True)
    ).all()
    offers = _last_offers(db, [ordered.id for _, ordered, _ in found])
    return [
        WalkLine(
            line_id=one.id,
            task_id=one.task_id,
            order_id=ordered.order_id,
            order_line_id=ordered.id,
            ticket=ticket,
            gtin=one.gtin,
            sku=one.sku,
            quantity=one.quantity,
            picked=one.picked,
            short=one.short,
            short_reason=one.short_reason,
            zone_id=one.zone_id,
            zone_name=one.zone_name,
            zone_name_i18n=dict(one.zone_name_i18n),
            bay_id=one.bay_id,
            name=ordered.name,
            name_i18n=dict(ordered.name_i18n),
            colour=ordered.colour,
            colour_i18n=dict(ordered.colour_i18n),
            size=ordered.size,
            picture=ordered.picture,
            replaces=ordered.replaces,
            offer=offers.get(ordered.id, ""),
        )
        for one, ordered, ticket in found
    ]


def _last_offers(db: Session, order_line_ids: list[str]) -> dict[str, OfferState]:
    found = db.execute(
        select(SubstitutionRow.order_line_id, SubstitutionRow.state)
        .where(col(SubstitutionRow.order_line_id).in_(order_line_ids))
        .order_by(col(SubstitutionRow.offered_at), col(SubstitutionRow.id))
    ).all()
    return {row[0]: OfferState(row[1]) for row in found}
