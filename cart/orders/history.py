"""The append-only history of an order: what happened, when, and who did it."""

from typing import Any, Final

from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import UnknownOrder
from cart.orders.tables import OrderEventRow, OrderRow

EVENTS_MAX: Final = 2_000  # of one order: each piece of it picked, cancelled and returned
SHOPPER: Final = "shopper"  # actors that are no member of staff
SYSTEM: Final = "system"


def note(
    db: Session,
    clock: Clock,
    *,
    order_id: str,
    what: str,
    actor: str,
    **data: Any,  # noqa: ANN401 - whatever JSON can hold
) -> int:
    """Add an entry to an order's history; return the order's version now.

    Raises:
        UnknownOrder: no such order.
    """
    version = db.exec(
        update(OrderRow)
        .where(col(OrderRow.id) == order_id)
        .values(version=OrderRow.version + 1)
        .returning(col(OrderRow.version))
    ).scalar()
    if version is None:
        msg = f"there is no order {order_id}"
        raise UnknownOrder(msg, order_id=order_id)
    entry = OrderEventRow(
        order_id=order_id, number=version, what=what, actor=actor, data=data, at=clock.now()
    )
    write(db, entry)
    return int(version)


def write(db: Session, entry: OrderEventRow) -> None:
    """Write the entry of a version that the caller has already given to the order."""
    db.add(entry)
    db.flush()


def happened(db: Session, order_id: str, fact: str) -> bool:
    """Say whether an entry with this ``fact`` in its data is there; the order is locked."""
    found = db.exec(
        select(OrderEventRow.data).where(OrderEventRow.order_id == order_id).limit(EVENTS_MAX)
    )
    return any(data.get("fact") == fact for data in found)
