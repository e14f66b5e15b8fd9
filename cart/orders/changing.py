"""One change of a placed order, under its row's lock: what it was worth before and after.

Used by ``cart.orders.goods``, which says what changes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import NotReady, TooManyPieces, UnknownTask
from cart.kernel.ids import Ids
from cart.orders import history, letters, queries, refunding, slots
from cart.orders.letters import LetterKind
from cart.orders.model import AttemptState, Method, OrderState, worth
from cart.orders.tables import AttemptRow, OrderLineRow, OrderRow
from cart.ports import Shop

Piece = tuple[str, str, int]  # stock reference, SKU, how many


@dataclass(frozen=True, slots=True)
class Moved:
    """An order after a command. ``line_id``: the line that was added, if one was."""

    order_id: str
    location_id: str
    state: OrderState
    version: int
    refunds: tuple[str, ...] = ()
    refund_minor: int = 0
    line_id: str | None = None


class Change:
    """An order whose row is locked, being changed by one command.

    Raises:
        UnknownOrder: no such order.
    """

    def __init__(
        self, db: Session, clock: Clock, ids: Ids, shop: Shop, *, order_id: str, actor: str
    ) -> None:
        self.db, self.clock, self.ids, self.shop, self.actor = db, clock, ids, shop, actor
        order = queries.hold(db, order_id)
        self.order_id, self.location_id, self.currency = order.id, order.location_id, order.currency
        self.state, self.method = OrderState(order.state), Method(order.method)
        self._checkout_id, self._version = order.checkout_id, order.version
        self._shipping_minor = order.shipping_minor
        before = self.lines()
        self.line_count = len(before)
        self._worth_before = self._worth(before)

    def lines(self) -> list[OrderLineRow]:
        """Return the lines as they are now."""
        return queries.lines(self.db, self.order_id)

    def line(self, line_id: str) -> OrderLineRow:
        """Return one line as it is now."""
        return next(line for line in self.lines() if line.id == line_id)

    def open_pieces(self) -> list[Piece]:
        """Return the pieces that are neither cancelled nor handed over."""
        opened = [
            (line.stock_reference, line.sku, line.quantity - line.cancelled - line.handed_over)
            for line in self.lines()
        ]
        return [piece for piece in opened if piece[2]]

    def require(self, states: Collection[OrderState]) -> None:
        """Let an order in one of these states pass.

        Raises:
            NotReady: it is in another.
        """
        if self.state not in states:
            msg = f"the order is {self.state.value}"
            raise NotReady(msg, order_id=self.order_id, state=self.state.value)

    def cancel(self, line_id: str, quantity: int) -> OrderLineRow:
        """Cancel open pieces of a line, and return it.

        Raises:
            TooManyPieces: fewer are open.
        """
        done = self.db.exec(
            update(OrderLineRow)
            .where(
                col(OrderLineRow.id) == line_id,
                OrderLineRow.cancelled + OrderLineRow.handed_over + quantity
                <= col(OrderLineRow.quantity),
            )
            .values(cancelled=OrderLineRow.cancelled + quantity)
        )
        if done.rowcount != 1 or quantity < 1:
            msg = "fewer pieces of this line are open"
            raise TooManyPieces(msg, quantity=quantity)
        return self.line(line_id)

    def set_state(self, state: OrderState, **values: object) -> None:
        """Bring the order to another state."""
        self.db.exec(
            update(OrderRow)
            .where(col(OrderRow.id) == self.order_id, col(OrderRow.state) == self.state)
            .values(state=state.value, **values)
        )
        self.state = state

    def give_slot_back(self) -> None:
        """Give the order's place in its quarter hour to somebody else."""
        attempt = self.db.exec(
            select(AttemptRow)
            .where(
                AttemptRow.checkout_id == self._checkout_id,
                AttemptRow.state == AttemptState.SUCCEEDED,
                col(AttemptRow.slot_at).is_not(None),
            )
            .execution_options(populate_existing=True)
        ).first()
        if attempt is None or attempt.slot_at is None:
            return
        slots.give_back(self.db, location_id=self.location_id, starts_at=attempt.slot_at)
        self.db.exec(
            update(AttemptRow).where(col(AttemptRow.id) == attempt.id).values(slot_at=None)
        )

    def finish(
        self, what: str, *, fact: str, data: dict[str, Any], line_id: str | None = None
    ) -> Moved:
        """Owe back what the order is worth less, write it down, and tell the shopper."""
        refund_minor = self._worth_before - self._worth(self.lines())
        refunds: list[str] = []
        if refund_minor:
            refunds = refunding.owe(
                self.db,
                self.clock,
                self.ids,
                order_id=self.order_id,
                amount_minor=refund_minor,
                reason=what,
                reference=fact,
            )
            data = {**data, "refund_minor": refund_minor}
        order_id = self.order_id
        version = history.note(
            self.db, self.clock, order_id=order_id, what=what, actor=self.actor, **data
        )
        if self.state == OrderState.UNCOLLECTED:
            letters.ask(self.db, self.clock, order_id=order_id, kind=LetterKind.UNCOLLECTED)
        elif refund_minor:
            kind = LetterKind.REFUND
            letters.ask(self.db, self.clock, order_id=order_id, kind=kind, suffix=str(version))
        return Moved(
            order_id, self.location_id, self.state, version, tuple(refunds), refund_minor, line_id
        )

    def unchanged(self) -> Moved:
        """Return the order as it is: the fact has been counted before."""
        return Moved(self.order_id, self.location_id, self.state, self._version)

    def _worth(self, lines: Iterable[OrderLineRow]) -> int:
        kept = [(one.quantity - one.cancelled - one.returned, one.price_minor) for one in lines]
        return worth(kept, self._shipping_minor)


def order_of(db: Session, order_line_id: str) -> str:
    """Return the order that a line is of.

    Raises:
        UnknownTask: there is no such line.
    """
    found = db.exec(select(OrderLineRow.order_id).where(OrderLineRow.id == order_line_id)).first()
    if found is None:
        msg = f"there is no order line {order_line_id}"
        raise UnknownTask(msg, line_id=order_line_id)
    return found


def in_stock_order(pieces: Iterable[Piece], why: str) -> list[tuple[str, str, dict[str, int]]]:
    """Return reference, fact and pieces of the calls that move ``pieces``, in the order of locks.

    An order has one reference, and one more per substitution: then SKU by SKU, so that
    two orders never wait for each other's stock rows.
    """
    by_reference: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for reference, sku, quantity in pieces:
        by_reference[reference][sku] = by_reference[reference].get(sku, 0) + quantity
    if len(by_reference) == 1:
        return [(name, f"{name}:{why}", wanted) for name, wanted in by_reference.items()]
    single = [
        (sku, reference, quantity)
        for reference, wanted in by_reference.items()
        for sku, quantity in wanted.items()
    ]
    return [
        (reference, f"{reference}:{why}:{sku}", {sku: quantity})
        for sku, reference, quantity in sorted(single)
    ]
