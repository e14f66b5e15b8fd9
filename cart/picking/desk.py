"""The desk seen by shoppers: when an order will be ready, what the board shows, who is here.

Times come from this location's own recent walks and the people on duty. The board
and the places say nothing about people: ticket codes only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.orders import history
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.tables import OrderRow
from cart.picking import queries, staff
from cart.picking.holding import hold_many
from cart.picking.model import (
    BEING_PICKED,
    MEASURED_SINCE,
    SOON,
    WALK_TASKS_MAX,
    WALKS_MEASURED_MAX,
    Changed,
    Finished,
    Pace,
    TaskState,
    pace,
    wait,
)
from cart.picking.tables import PickTaskRow

BOARD_MAX: Final = 60  # codes of each kind that a screen shows large enough to read
HERE_MAX: Final = 20  # open orders of one shopper at one desk


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order stands in the queue, for the shopper's phone.

    ``position`` 1 is next; ``measured`` false: the pace is assumed, so say "about".
    """

    position: int
    ready_at: datetime
    seconds_per_piece: float
    measured: bool
    staff: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """What a new order has to wait for at a location."""

    pieces_ahead: int
    people: int
    seconds_per_piece: float

    def estimate(self, pieces: int) -> timedelta:
        """Return how long an order of ``pieces`` would take to be ready."""
        return wait(self.pieces_ahead, pieces, self.seconds_per_piece, self.people)


@dataclass(frozen=True, slots=True)
class Board:
    """What the screen at the desk shows: ticket codes, no names."""

    picking: tuple[str, ...]
    ready: tuple[str, ...]


def place_of(db: Session, now: datetime, order_id: str) -> Place | None:
    """Return an order's place; None when it is not in the queue: ready, handed over, cancelled.

    A promise that lies further off than SOON is kept at its time.
    """
    order = db.get(OrderRow, order_id, populate_existing=True)
    if order is None:
        return None
    ahead = 0
    for position, one in enumerate(queries.waiting(db, order.location_id), start=1):
        if one.order_id == order_id:
            speed = pace_of(db, order.location_id, now)
            people = max(1, staff.on_duty(db, order.location_id, now))
            ready_at = now + wait(ahead, one.pieces, speed.seconds_per_piece, people)
            if order.promise_at > now + SOON:
                ready_at = max(ready_at, order.promise_at)
            return Place(position, ready_at, speed.seconds_per_piece, speed.measured, people)
        ahead += one.pieces
    return None


def ready_estimate(db: Session, now: datetime, location_id: str, pieces: int) -> timedelta:
    """Return how long an order of ``pieces`` that is paid now would take to be ready."""
    return pressure(db, now, location_id).estimate(pieces)


def pressure(db: Session, now: datetime, location_id: str) -> Pressure:
    """Return what stands before an order that is paid now.

    Only what is promised soon is ahead of it: an order for tonight lets it pass.
    """
    return Pressure(
        pieces_ahead=queries.pieces_ahead(db, location_id, now + SOON),
        people=max(1, staff.on_duty(db, location_id, now)),
        seconds_per_piece=pace_of(db, location_id, now).seconds_per_piece,
    )


def pace_of(db: Session, location_id: str, now: datetime) -> Pace:
    """Return how fast the location has picked of late."""
    found = db.execute(
        select(
            PickTaskRow.walk_id, PickTaskRow.started_at, PickTaskRow.finished_at, PickTaskRow.pieces
        )
        .where(
            PickTaskRow.location_id == location_id,
            PickTaskRow.state == TaskState.STAGED,
            col(PickTaskRow.finished_at) > now - MEASURED_SINCE,
            col(PickTaskRow.started_at).is_not(None),
            col(PickTaskRow.walk_id).is_not(None),
        )
        .order_by(col(PickTaskRow.finished_at).desc())
        .limit(WALKS_MEASURED_MAX * WALK_TASKS_MAX)
    ).all()
    return pace(Finished(*row) for row in found)


def board(db: Session, location_id: str) -> Board:
    """Return the codes that are being picked and those that are ready, each oldest first."""
    return Board(
        picking=_tickets(db, location_id, BEING_PICKED),
        ready=_tickets(db, location_id, (OrderState.READY,)),
    )


def here(
    db: Session,
    clock: Clock,
    *,
    session_id: str,
    order_id: str | None = None,
    location_id: str | None = None,
) -> list[Changed]:
    """Note that the shopper stands at the desk: for one order of hers, or all at this location.

    Once more changes nothing, nor does it for orders that are not open or not hers.
    """
    hers = db.exec(
        select(OrderRow.id)
        .where(
            OrderRow.session_id == session_id,
            OrderRow.method == Method.COLLECT,
            col(OrderRow.state).in_(ORDER_OPEN),
            col(OrderRow.here_at).is_(None),
            *([OrderRow.id == order_id] if order_id else []),
            *([OrderRow.location_id == location_id] if location_id else []),
        )
        .order_by(col(OrderRow.id))
        .limit(HERE_MAX)
    ).all()
    changed: list[Changed] = []
    for order in hold_many(db, hers):
        noted = db.execute(
            update(OrderRow)
            .where(
                col(OrderRow.id) == order.id,
                col(OrderRow.state).in_(ORDER_OPEN),
                col(OrderRow.here_at).is_(None),
            )
            .values(here_at=clock.now())
            .returning(col(OrderRow.id))
            .execution_options(synchronize_session=False)
        )
        if noted.one_or_none() is not None:
            version = history.note(db, clock, order_id=order.id, what="here", actor=session_id)
            changed.append(Changed(order.id, version, order.location_id))
    return changed


def _tickets(db: Session, location_id: str, states: tuple[OrderState, ...]) -> tuple[str, ...]:
    found = db.exec(
        select(OrderRow.ticket)
        .where(
            OrderRow.location_id == location_id,
            OrderRow.method == Method.COLLECT,
            col(OrderRow.state).in_(states),
        )
        .order_by(col(OrderRow.ready_at), col(OrderRow.promise_at), col(OrderRow.id))
        .limit(BOARD_MAX)
    )
    return tuple(found)
