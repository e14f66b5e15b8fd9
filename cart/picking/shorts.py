"""Short picks: pieces that are not there. Either another variant is offered, or they are refunded.

Owns ``short`` of pick lines. What was not found or is spoilt leaves the ledger at
once, so that nobody else is promised it; whether it is substituted is the
shopper's to say (``substitution``), within three minutes.
"""

from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, TooManyPieces
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.orders import goods, history
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking import substitution
from cart.picking.holding import changed, hold_line
from cart.picking.model import Changed, ShortReason, Staff
from cart.picking.substitution import Candidate
from cart.picking.tables import PickLineRow
from cart.picking.tasks import close_if_empty
from cart.ports import Shop

OFF_THE_SHELF: Final = (ShortReason.NOT_FOUND, ShortReason.DAMAGED)


def short(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    staff: Staff,
    line_id: str,
    quantity: int,
    reason: ShortReason,
    offer: Gtin | None = None,
) -> Changed:
    """Give up pieces of a line that cannot be found; offer another variant, or refund them at once.

    A refusal has to undo the unit of work, or the savepoint, that it comes out of.

    Raises:
        UnknownTask: there is no such line here.
        TaskTaken: somebody else holds it, or nobody does.
        TooManyPieces: more than the line still wants.
        InvalidInput: not a variant that can be offered for it (``candidates``).
        InsufficientStock: fewer of the offered variant are left.
    """
    if quantity < 1:
        msg = "at least one piece is short"
        raise InvalidInput(msg, quantity=quantity)
    line, order_line, order = hold_line(db, staff, line_id)
    chosen = substitution.chosen(db, shop, order_line, order, offer) if offer else None
    number = db.exec(
        update(PickLineRow)
        .where(
            col(PickLineRow.id) == line_id,
            PickLineRow.picked + PickLineRow.short + quantity <= col(PickLineRow.quantity),
        )
        .values(short=PickLineRow.short + quantity, short_reason=ShortReason(reason).value)
        .returning(col(PickLineRow.short))
        .execution_options(synchronize_session=False)
    ).scalar()
    if number is None:
        left = line.quantity - line.picked - line.short
        msg = f"this line wants {left} more pieces, not {quantity}"
        raise TooManyPieces(msg, left=left, short=quantity)
    # The line's count after it: each short of a line is a fact of its own.
    fact = f"short:{line_id}:{number}"
    act = _Short(db, clock, ids, shop, staff, order, order_line, quantity, reason, fact)
    return act.refund() if chosen is None else act.offer(chosen)


@dataclass(frozen=True, slots=True)
class _Short:
    """Pieces that are counted as short already, and what becomes of them."""

    db: Session
    clock: Clock
    ids: Ids
    shop: Shop
    staff: Staff
    order: OrderRow
    line: OrderLineRow
    quantity: int
    reason: ShortReason
    fact: str

    def refund(self) -> Changed:
        """Take them off the order; with its last piece the order and its task are over."""
        self._write_off()
        moved = goods.line_cancelled(
            self.db,
            self.clock,
            self.ids,
            self.shop,
            order_line_id=self.line.id,
            quantity=self.quantity,
            reason=self.reason.value,
            fact=self.fact,
            actor=self.staff.id,
        )
        close_if_empty(self.db, self.clock, self.order.id)
        return changed(moved)

    def offer(self, chosen: Candidate) -> Changed:
        """Let the shopper decide; meanwhile what she is offered is reserved for her."""
        # Rows of stock are locked by SKU everywhere, so that nobody waits in a circle.
        if self.line.sku < chosen.sellable.sku:
            self._write_off()
        offer_id = substitution.offer(
            self.db,
            self.clock,
            self.ids,
            self.shop,
            staff=self.staff,
            line=self.line,
            chosen=chosen,
            quantity=self.quantity,
            location_id=self.order.location_id,
        )
        if self.line.sku > chosen.sellable.sku:
            self._write_off()
        version = history.note(
            self.db,
            self.clock,
            order_id=self.order.id,
            what="offered",
            actor=self.staff.id,
            line_id=self.line.id,
            quantity=self.quantity,
            reason=self.reason.value,
            offer_id=offer_id,
        )
        return Changed(self.order.id, version, self.order.location_id)

    def _write_off(self) -> None:
        if self.reason in OFF_THE_SHELF:
            self.shop.stock.write_off(
                self.db,
                self.clock,
                location_id=self.order.location_id,
                fact=self.fact,
                pieces={self.line.sku: self.quantity},
                damaged=self.reason is ShortReason.DAMAGED,
            )
