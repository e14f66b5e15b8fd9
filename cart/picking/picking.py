"""Picking by scan: a piece counts when its own code was read. Nothing else moves a line.

Owns ``picked`` of pick lines and order lines. Each is one guarded UPDATE whose row
count is the answer; a scan that a bad network repeats is the caller's key to catch.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidGtin, InvalidInput, TooManyPieces, WrongItem
from cart.kernel.gtin import Gtin
from cart.orders import history
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking.holding import hold_line
from cart.picking.model import Staff
from cart.picking.tables import PickLineRow
from cart.ports import Shop

QUANTITY_MAX: Final = 999  # pieces of one line; a cart's limit
SHOWN_MAX: Final = 80  # characters of a code that is shown back


@dataclass(frozen=True, slots=True)
class Picked:
    """A pick line after a scan. Pieces: ``quantity`` = left + picked + short."""

    line_id: str
    task_id: str
    order_id: str
    location_id: str
    quantity: int
    picked: int
    short: int
    version: int

    @property
    def left(self) -> int:
        """Pieces that are still to be fetched."""
        return self.quantity - self.picked - self.short


def pick(
    db: Session,
    clock: Clock,
    shop: Shop,
    *,
    staff: Staff,
    line_id: str,
    code: str,
    operation_id: str,
    quantity: int = 1,
) -> Picked:
    """Count pieces whose code was scanned: a GTIN as printed, a GS1 Digital Link, or the SKU.

    ``operation_id`` names this scan in the ledger.

    Raises:
        UnknownTask: there is no such line here.
        TaskTaken: somebody else holds it, or nobody does.
        WrongItem: another thing than the line wants; its data say what both are.
        TooManyPieces: more than the line still wants. Nothing has changed.
    """
    _require_quantity(quantity)
    line, order_line, order = hold_line(db, staff, line_id)
    if not _is(line, code):
        raise _wrong_item(db, shop, order, order_line, code)
    room = col(PickLineRow.picked) + col(PickLineRow.short) + quantity
    counted = _move(db, line, quantity, room <= col(PickLineRow.quantity))
    if counted is None:
        left = line.quantity - line.picked - line.short
        msg = f"this line wants {left} more pieces, not {quantity}"
        raise TooManyPieces(msg, left=left, scanned=quantity)
    shop.stock.note_picked(
        db,
        clock,
        location_id=order.location_id,
        fact=f"pick:{operation_id}",
        pieces={line.sku: quantity},
    )
    return _noted(db, clock, staff, ("picked", quantity), (counted, order))


def undo_pick(
    db: Session,
    clock: Clock,
    shop: Shop,
    *,
    staff: Staff,
    line_id: str,
    operation_id: str,
    quantity: int = 1,
) -> Picked:
    """Take pieces out of the bag again; ``operation_id`` names this in the ledger.

    Raises:
        UnknownTask, TaskTaken: as :func:`pick`.
        TooManyPieces: fewer were picked. Nothing has changed.
    """
    _require_quantity(quantity)
    line, _, order = hold_line(db, staff, line_id)
    counted = _move(db, line, -quantity, col(PickLineRow.picked) >= quantity)
    if counted is None:
        msg = f"{line.picked} pieces were picked of this line, not {quantity}"
        raise TooManyPieces(msg, picked=line.picked)
    shop.stock.note_unpicked(
        db,
        clock,
        location_id=order.location_id,
        fact=f"unpick:{operation_id}",
        pieces={line.sku: quantity},
    )
    return _noted(db, clock, staff, ("unpicked", quantity), (counted, order))


def _require_quantity(quantity: int) -> None:
    if not 1 <= quantity <= QUANTITY_MAX:
        msg = f"quantity {quantity} is not 1 to {QUANTITY_MAX}"
        raise InvalidInput(msg, quantity=quantity)


def _is(line: PickLineRow, code: str) -> bool:
    if code.strip() == line.sku:
        return True
    try:
        return Gtin.parse(code) == line.gtin
    except InvalidGtin:
        return False


def _move(
    db: Session, line: PickLineRow, delta: int, allowed: ColumnElement[bool]
) -> PickLineRow | None:
    """Count pieces on the pick line and on the order's line; None where it is not allowed."""
    counted = db.exec(
        update(PickLineRow)
        .where(col(PickLineRow.id) == line.id, allowed)
        .values(picked=PickLineRow.picked + delta)
        .returning(col(PickLineRow.id))
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if counted is None:
        return None
    db.exec(
        update(OrderLineRow)
        .where(col(OrderLineRow.id) == line.order_line_id)
        .values(picked=OrderLineRow.picked + delta)
        .execution_options(synchronize_session=False)
    )
    db.refresh(line)
    return line


def _noted(
    db: Session,
    clock: Clock,
    staff: Staff,
    act: tuple[str, int],
    where: tuple[PickLineRow, OrderRow],
) -> Picked:
    what, quantity = act
    line, order = where
    version = history.note(
        db,
        clock,
        order_id=order.id,
        what=what,
        actor=staff.id,
        line_id=line.order_line_id,
        quantity=quantity,
    )
    return Picked(
        line_id=line.id,
        task_id=line.task_id,
        order_id=order.id,
        location_id=order.location_id,
        quantity=line.quantity,
        picked=line.picked,
        short=line.short,
        version=version,
    )


def _wrong_item(
    db: Session, shop: Shop, order: OrderRow, wanted: OrderLineRow, code: str
) -> WrongItem:
    """Say what was scanned, as far as the catalogue knows, and what is wanted."""
    data = {
        "scanned": code.strip()[:SHOWN_MAX],
        "wanted_gtin": wanted.gtin,
        "wanted_sku": wanted.sku,
        "wanted_name": wanted.name,
        "wanted_picture": wanted.picture or "",
    }
    try:
        gtin = Gtin.parse(code)
    except InvalidGtin:
        return WrongItem("this is not what the line asks for", **data)
    known = shop.lookup(db, [gtin], currency=order.currency).get(gtin)
    data |= {"scanned_gtin": gtin}
    if known is not None:
        data |= {"scanned_name": known.name, "scanned_picture": known.picture or ""}
    return WrongItem("this is not what the line asks for", **data)
