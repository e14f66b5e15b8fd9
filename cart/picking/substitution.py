"""Another variant instead of short pieces: offered live, answered once on the shopper's phone.

The offered pieces are reserved under the offer's id while she decides, so that what
she accepts is there. Refused and expired are the same: the short pieces are
refunded. She never pays more than for what she had chosen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InsufficientStock, InvalidInput, OfferClosed
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.orders import goods, history
from cart.orders.goods import Replacement
from cart.orders.tables import OrderLineRow, OrderRow
from cart.picking.holding import changed, hold, unknown_task
from cart.picking.model import Changed, OfferState, Staff
from cart.picking.tables import PickLineRow, PickTaskRow, SubstitutionRow
from cart.picking.tasks import add_lines, close_if_empty
from cart.ports import Sellable, Shop

# The picker stands at the shelf and goes on with the walk; longer, and she has left the aisle.
OFFER_FOR: Final = timedelta(minutes=3)
CANDIDATES_MAX: Final = 12  # what a person looks through while a shopper waits
OFFERS_MAX: Final = 50  # open ones of an order


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that can be offered. ``price_minor``: what she would pay for a piece."""

    sellable: Sellable
    left: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A substitution that waits for the shopper's answer until ``expires_at``."""

    id: str
    order_line_id: str
    gtin: Gtin
    sku: str
    quantity: int
    price_minor: int
    expires_at: datetime


def candidates(db: Session, shop: Shop, line_id: str) -> list[Candidate]:
    """Return the variants of the same product that this location can promise now.

    Nearest first: those that share colour or size with what was ordered.

    Raises:
        UnknownTask: there is no such pick line.
    """
    found = db.exec(
        select(OrderLineRow, OrderRow)
        .join(PickLineRow, col(PickLineRow.order_line_id) == col(OrderLineRow.id))
        .join(OrderRow, col(OrderRow.id) == col(OrderLineRow.order_id))
        .where(PickLineRow.id == line_id)
    ).first()
    if found is None:
        raise unknown_task(line_id)
    return _candidates(db, shop, *found)[:CANDIDATES_MAX]


def _candidates(db: Session, shop: Shop, line: OrderLineRow, order: OrderRow) -> list[Candidate]:
    gtin = str.__new__(Gtin, line.gtin)  # verified before it was sold
    known = shop.lookup(db, [gtin], currency=order.currency).get(gtin)
    if known is None:
        return []
    variants = [
        (one, one.price_minor)
        for one in shop.locations.assortment(
            db,
            location_id=order.location_id,
            product_id=known.product_id,
            currency=order.currency,
        )
        if one.active and one.sku != line.sku and one.price_minor is not None
    ]
    left = shop.stock.available(
        db, location_id=order.location_id, skus=[one.sku for one, _ in variants]
    )
    nearest = sorted(
        variants,
        key=lambda pair: (pair[0].colour != line.colour and pair[0].size != line.size, pair[0].sku),
    )
    return [
        Candidate(one, left[one.sku], min(price_minor, line.price_minor))
        for one, price_minor in nearest
        if left.get(one.sku, 0) > 0
    ]


def offers(db: Session, order_id: str) -> list[Offer]:
    """Return an order's offers that wait for an answer, oldest first."""
    rows = db.exec(
        select(SubstitutionRow)
        .where(SubstitutionRow.order_id == order_id, SubstitutionRow.state == OfferState.OFFERED)
        .order_by(col(SubstitutionRow.offered_at), col(SubstitutionRow.id))
        .limit(OFFERS_MAX)
    )
    return [
        Offer(
            row.id,
            row.order_line_id,
            str.__new__(Gtin, row.gtin),
            row.sku,
            row.quantity,
            row.price_minor,
            row.expires_at,
        )
        for row in rows
    ]


def chosen(db: Session, shop: Shop, line: OrderLineRow, order: OrderRow, gtin: Gtin) -> Candidate:
    """Return the candidate that was chosen for a line.

    Raises:
        InvalidInput: it cannot be offered.
    """
    for one in _candidates(db, shop, line, order):
        if one.sellable.gtin == gtin:
            return one
    msg = "this cannot be offered for the line"
    raise InvalidInput(msg, gtin=gtin)


def offer(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    staff: Staff,
    line: OrderLineRow,
    chosen: Candidate,
    quantity: int,
    location_id: str,
) -> str:
    """Offer pieces for short ones of an order that is held; they are reserved under its id.

    Raises:
        InsufficientStock: fewer are left.
    """
    now, sku = clock.now(), chosen.sellable.sku
    row = SubstitutionRow(
        id=ids.new("offer"),
        order_id=line.order_id,
        order_line_id=line.id,
        gtin=chosen.sellable.gtin,
        sku=sku,
        quantity=quantity,
        price_minor=chosen.price_minor,
        state=OfferState.OFFERED.value,
        offered_by=staff.id,
        offered_at=now,
        expires_at=now + OFFER_FOR,
    )
    missing = shop.stock.reserve(
        db,
        clock,
        reference=row.id,
        location_id=location_id,
        pieces={sku: quantity},
        until=row.expires_at,
    )
    if missing:
        msg = f"only {missing[0].left} pieces of {sku} are left"
        raise InsufficientStock(msg, sku=sku, left=missing[0].left)
    db.add(row)
    db.flush()
    return row.id


def answer(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    order_id: str,
    offer_id: str,
    accepted: bool,
) -> Changed:
    """Take the shopper's answer; the same again changes nothing. Ask first whose order it is.

    Raises:
        UnknownOrder, UnknownTask: there is no such order, or no such offer on it.
        OfferClosed: the other answer was given before, or the time is over.
    """
    order = hold(db, order_id)
    state = OfferState.ACCEPTED if accepted else OfferState.REFUSED
    row = db.get(SubstitutionRow, offer_id, populate_existing=True)
    if row is None or row.order_id != order_id:
        raise unknown_task(offer_id)
    if row.state == state:
        return Changed(order.id, order.version, order.location_id)
    if row.expires_at <= clock.now() or not _close(db, clock, offer_id, state):
        msg = "this offer was answered, or its time is over"
        raise OfferClosed(msg, offer_id=offer_id)
    if accepted:
        return _replace(db, clock, ids, shop, row)
    return _give_up(db, clock, ids, shop, row)


def due_offers(db: Session, now: datetime, limit: int) -> list[str]:
    """Return offers that nobody answered in time, oldest first; each is to be expired by itself."""
    found = db.exec(
        select(SubstitutionRow.id)
        .where(SubstitutionRow.state == OfferState.OFFERED, SubstitutionRow.expires_at <= now)
        .order_by(col(SubstitutionRow.expires_at), col(SubstitutionRow.id))
        .limit(limit)
    )
    return list(found)


def expire(db: Session, clock: Clock, ids: Ids, shop: Shop, *, offer_id: str) -> Changed | None:
    """Close an offer whose time is over and refund its pieces; None: it was answered, or is on.

    Raises:
        UnknownTask: there is no such offer.
    """
    row = db.get(SubstitutionRow, offer_id)
    if row is None:
        raise unknown_task(offer_id)
    hold(db, row.order_id)
    if row.expires_at > clock.now() or not _close(db, clock, offer_id, OfferState.EXPIRED):
        return None
    db.refresh(row)
    return _give_up(db, clock, ids, shop, row)


def _close(db: Session, clock: Clock, offer_id: str, state: OfferState) -> bool:
    """End an offer that is open; of all who try exactly one does."""
    closed = db.execute(
        update(SubstitutionRow)
        .where(
            col(SubstitutionRow.id) == offer_id,
            col(SubstitutionRow.state) == OfferState.OFFERED,
        )
        .values(state=state.value, answered_at=clock.now())
        .returning(col(SubstitutionRow.id))
        .execution_options(synchronize_session=False)
    )
    return closed.one_or_none() is not None


def _replace(db: Session, clock: Clock, ids: Ids, shop: Shop, row: SubstitutionRow) -> Changed:
    """Put what she accepted on her order, and on the task of whoever picks it."""
    moved = goods.substitute(
        db,
        clock,
        ids,
        shop,
        order_line_id=row.order_line_id,
        replacement=Replacement(str.__new__(Gtin, row.gtin), row.quantity, row.price_minor),
        reference=row.id,
        actor=history.SHOPPER,
    )
    task = db.exec(select(PickTaskRow).where(PickTaskRow.order_id == row.order_id)).one()
    line = db.get_one(OrderLineRow, moved.line_id)
    add_lines(db, ids, shop, task, [line])
    return changed(moved)


def _give_up(db: Session, clock: Clock, ids: Ids, shop: Shop, row: SubstitutionRow) -> Changed:
    """Give the offered pieces back to everybody, and the price of the short ones to the shopper."""
    line = db.get_one(OrderLineRow, row.order_line_id)
    # Rows of stock are locked by SKU everywhere, so that nobody waits in a circle.
    if row.sku < line.sku:
        shop.stock.release(db, clock, reference=row.id, fact=row.state)
    moved = goods.line_cancelled(
        db,
        clock,
        ids,
        shop,
        order_line_id=row.order_line_id,
        quantity=row.quantity,
        reason=row.state,
        fact=row.id,
        actor=history.SHOPPER if row.state == OfferState.REFUSED else history.SYSTEM,
    )
    if row.sku > line.sku:
        shop.stock.release(db, clock, reference=row.id, fact=row.state)
    close_if_empty(db, clock, row.order_id)
    return changed(moved)
