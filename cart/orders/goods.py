"""What happens to the pieces of an order after it was placed: each with its money.

A command moves order lines, stock, refunds and history in one transaction, under the
order's row lock. What goes back is what the order is worth less than before, so money
and goods cannot drift apart. Who may do what, and when, is ``cart.picking``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session, col, update

from cart.kernel.clock import Clock
from cart.kernel.errors import AlreadyHandedOver, InsufficientStock, TooManyPieces, UnknownGtin
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.orders import history, terms
from cart.orders.changing import Change, Moved, in_stock_order, order_of
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.placing import line_row
from cart.orders.tables import OrderLineRow
from cart.orders.wanted import WantedLine
from cart.ports import Shop

__all__ = ["Moved"]

GIVEN: Final = (OrderState.HANDED_OVER, OrderState.SHIPPED)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is given instead of short pieces, at most at their price."""

    gtin: Gtin
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class ReturnedPieces:
    """Pieces that came back to the desk; ``sellable`` false: they are written off.

    ``location_id``: where, if it is another shop than the order's.
    """

    order_line_id: str
    quantity: int
    reason: str
    sellable: bool
    location_id: str | None = None


def line_cancelled(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    order_line_id: str,
    quantity: int,
    reason: str,
    fact: str,
    actor: str,
) -> Moved:
    """Take pieces off an order that is not handed over yet; a ``fact`` counts once.

    With its last piece the order is cancelled, and shipping goes back too.

    Raises:
        UnknownTask: no order has this line.
        NotReady: the order is closed.
        TooManyPieces: the line has fewer open pieces.
    """
    change = Change(db, clock, ids, shop, order_id=order_of(db, order_line_id), actor=actor)
    if history.happened(db, change.order_id, fact):
        return change.unchanged()
    change.require(ORDER_OPEN)
    line = change.cancel(order_line_id, quantity)
    pieces = {line.sku: quantity}
    _release(change, line.stock_reference, fact, pieces)
    if not change.open_pieces() and not any(one.handed_over for one in change.lines()):
        change.set_state(OrderState.CANCELLED)
        change.give_slot_back()
    data = {"line_id": line.id, "quantity": quantity, "reason": reason, "fact": fact}
    return change.finish("short", fact=fact, data=data)


def substitute(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    order_line_id: str,
    replacement: Replacement,
    reference: str,
    actor: str,
) -> Moved:
    """Give other pieces instead of short ones, never dearer; the difference goes back.

    ``reference``: the substitution's id; it counts once.

    Raises:
        UnknownTask: no order has this line.
        UnknownGtin: the replacement is not in the catalogue.
        NotReady: the order is closed.
        TooManyPieces: the line has fewer open pieces.
        InsufficientStock: the replacement was sold meanwhile; undo the unit of work.
    """
    change = Change(db, clock, ids, shop, order_id=order_of(db, order_line_id), actor=actor)
    if history.happened(db, change.order_id, reference):
        return change.unchanged()
    change.require(ORDER_OPEN)
    line = change.cancel(order_line_id, replacement.quantity)
    added = _replacing(change, line, replacement)
    gone, come = {line.sku: replacement.quantity}, {added.sku: replacement.quantity}
    if line.sku <= added.sku:  # one order of stock locks everywhere
        _release(change, line.stock_reference, reference, gone)
        _promise(change, reference, come)
    else:
        _promise(change, reference, come)
        _release(change, line.stock_reference, reference, gone)
    row = line_row(ids, change.order_id, change.line_count, added, stock_reference=reference)
    row.replaces = line.id
    db.add(row)
    db.flush()
    data = {"line_id": line.id, "by": row.id, "quantity": added.quantity, "fact": reference}
    return change.finish("substituted", fact=reference, data=data, line_id=row.id)


def hand_over_order(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    order_id: str,
    actor: str,
    told: Mapping[str, str] | None = None,
) -> Moved:
    """Let a staged order leave: to the shopper, or to the carrier where it is shipped.

    ``told``: what its history says of it: the proof, or the carrier and its number.

    Raises:
        UnknownOrder: no such order.
        AlreadyHandedOver: it has left before.
        NotReady: it is not staged, or closed.
    """
    change = Change(db, clock, ids, shop, order_id=order_id, actor=actor)
    if change.state in GIVEN:
        msg = "the order was handed over before"
        raise AlreadyHandedOver(msg, order_id=order_id)
    change.require((OrderState.READY,))
    shipped = change.method == Method.SHIP
    leaving = change.open_pieces()
    change.set_state(
        OrderState.SHIPPED if shipped else OrderState.HANDED_OVER, handed_over_at=clock.now()
    )
    db.exec(
        update(OrderLineRow)
        .where(col(OrderLineRow.order_id) == order_id)
        .values(handed_over=OrderLineRow.quantity - OrderLineRow.cancelled)
    )
    for reference, fact, pieces in in_stock_order(leaving, "handed-over"):
        shop.stock.hand_over(db, clock, reference=reference, fact=fact, pieces=pieces)
    return change.finish(change.state.value, fact=f"{order_id}:handed-over", data=dict(told or {}))


def return_pieces(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    returned: ReturnedPieces,
    fact: str,
    actor: str,
) -> Moved:
    """Take pieces back that were handed over, and owe their price; a ``fact`` counts once.

    Raises:
        UnknownTask: no order has this line.
        TooManyPieces: more than were handed over and not returned yet.
    """
    change = Change(
        db, clock, ids, shop, order_id=order_of(db, returned.order_line_id), actor=actor
    )
    if history.happened(db, change.order_id, fact):
        return change.unchanged()
    quantity = returned.quantity
    done = db.exec(
        update(OrderLineRow)
        .where(
            col(OrderLineRow.id) == returned.order_line_id,
            OrderLineRow.returned + quantity <= col(OrderLineRow.handed_over),
        )
        .values(returned=OrderLineRow.returned + quantity)
    )
    if done.rowcount != 1 or quantity < 1:
        msg = "the shopper has fewer pieces of this line"
        raise TooManyPieces(msg, quantity=quantity)
    line = change.line(returned.order_line_id)
    shop.stock.take_back(
        db,
        clock,
        location_id=returned.location_id or change.location_id,
        fact=fact,
        pieces={line.sku: quantity},
        sellable=returned.sellable,
    )
    data = {"line_id": line.id, "quantity": quantity, "reason": returned.reason, "fact": fact}
    data["sellable"] = returned.sellable
    return change.finish("returned", fact=fact, data=data)


def cancel_order(
    db: Session, clock: Clock, ids: Ids, shop: Shop, *, order_id: str, actor: str, reason: str = ""
) -> Moved:
    """Cancel an order that nobody picks yet: all pieces are free, all money goes back.

    Raises:
        UnknownOrder: no such order.
        NotReady: somebody picks it already, or it is closed.
    """
    change = Change(db, clock, ids, shop, order_id=order_id, actor=actor)
    change.require((OrderState.PLACED,))
    return _end_unopened(change, OrderState.CANCELLED, {"reason": reason} if reason else {})


def close_uncollected(
    db: Session, clock: Clock, ids: Ids, shop: Shop, *, order_id: str, actor: str = history.SYSTEM
) -> Moved:
    """End an order that nobody came for: back on the shelf, all money goes back.

    Raises:
        UnknownOrder: no such order.
        NotReady: it is not staged, or closed.
    """
    change = Change(db, clock, ids, shop, order_id=order_id, actor=actor)
    change.require((OrderState.READY,))
    return _end_unopened(change, OrderState.UNCOLLECTED, {})


def _end_unopened(change: Change, state: OrderState, data: dict[str, Any]) -> Moved:
    """End an order of which nothing was handed over."""
    freed = change.open_pieces()
    change.set_state(state)
    change.db.exec(
        update(OrderLineRow)
        .where(col(OrderLineRow.order_id) == change.order_id)
        .values(cancelled=OrderLineRow.quantity - OrderLineRow.handed_over)
    )
    for reference, fact, pieces in in_stock_order(freed, state.value):
        _release(change, reference, fact, pieces)
    change.give_slot_back()
    return change.finish(state.value, fact=f"{change.order_id}:{state.value}", data=data)


def _release(change: Change, reference: str, fact: str, pieces: Mapping[str, int]) -> None:
    stock = change.shop.stock
    stock.release(change.db, change.clock, reference=reference, fact=fact, pieces=pieces)


def _promise(change: Change, reference: str, pieces: Mapping[str, int]) -> None:
    """Reserve and allocate at once.

    Raises:
        InsufficientStock: too few are left.
    """
    stock, now = change.shop.stock, change.clock.now()
    short = stock.reserve(
        change.db,
        change.clock,
        reference=reference,
        location_id=change.location_id,
        pieces=pieces,
        until=now,
    )
    short = short or stock.allocate(change.db, change.clock, reference=reference)
    if short:
        msg = f"of {short[0].sku} only {short[0].left} are left"
        raise InsufficientStock(msg, sku=short[0].sku, left=short[0].left)


def _replacing(change: Change, line: OrderLineRow, replacement: Replacement) -> WantedLine:
    """Return the line of a replacement: its own words and tax, and never a higher price."""
    gtin = replacement.gtin
    known = change.shop.lookup(change.db, [gtin], currency=change.currency).get(gtin)
    if known is None:
        msg = f"no article in the catalogue has the code {gtin.shortest}"
        raise UnknownGtin(msg, gtin=gtin)
    return WantedLine(
        gtin=gtin,
        sku=known.sku,
        quantity=replacement.quantity,
        price_minor=min(line.price_minor, replacement.price_minor),
        tax_rate_bp=terms.tax_rate(change.db, change.location_id, known.category),
        name=known.name,
        name_i18n=known.name_i18n,
        colour=known.colour,
        colour_i18n=known.colour_i18n,
        size=known.size,
        picture=known.picture,
    )
