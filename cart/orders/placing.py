"""Makes the order of an attempt whose money is there and whose pieces are allocated.

Order, lines, ticket, history, receipt; and what was bought leaves the cart. Decides
nothing: ``cart.orders.settling`` has.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlmodel import Session, col, update

from cart.carts import queries as carts
from cart.carts.apply import CartChange, apply
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.service import latest_at_us
from cart.db.guarded import insert_all, write
from cart.kernel.clock import Clock, to_us
from cart.kernel.ids import Ids
from cart.orders import history, letters, terms, tickets
from cart.orders.letters import LetterKind
from cart.orders.model import CheckoutState, OrderState, TenderState
from cart.orders.tables import (
    AttemptRow,
    CheckoutRow,
    OrderEventRow,
    OrderLineRow,
    OrderRow,
    TenderRow,
)
from cart.orders.wanted import Wanted, WantedLine

SOURCE = "checkout"


def place(
    db: Session,
    clock: Clock,
    ids: Ids,
    checkout: CheckoutRow,
    attempt: AttemptRow,
    *,
    late: bool = False,
) -> tuple[str, tuple[CartChange, ...]]:
    """Write the order of ``attempt``; return its id and the cart's change.

    ``late``: its time had passed, so the promise is made anew.
    """
    wanted, order_id, now = Wanted.read(attempt.wanted), ids.new("order"), clock.now()
    changed = _leave_cart(db, clock, checkout.cart_id, attempt.id, wanted.lines)
    promise_at = attempt.promise_at
    if late:
        lead = timedelta(minutes=terms.get(db, wanted.location_id).lead_minutes)
        promise_at = max(promise_at, now + lead)
    order = OrderRow(
        id=order_id,
        checkout_id=checkout.id,
        session_id=checkout.session_id,
        location_id=wanted.location_id,
        currency=attempt.currency,
        state=OrderState.PLACED.value,
        method=wanted.method,
        ticket=tickets.next_ticket(db, wanted.location_id),
        email=wanted.email,
        locale=wanted.locale,
        address=wanted.address,
        total_minor=attempt.total_minor,
        tax_minor=wanted.tax_minor,
        shipping_minor=attempt.shipping_minor,
        promise_at=promise_at,
        placed_at=now,
    )
    insert_all(db, [order])
    insert_all(
        db,
        [
            line_row(ids, order_id, position, line, stock_reference=attempt.id)
            for position, line in enumerate(wanted.lines)
        ],
    )
    entry = OrderEventRow(
        order_id=order_id,
        number=order.version,
        what="placed",
        actor=history.SHOPPER,
        data={"total_minor": attempt.total_minor, "attempt_id": attempt.id},
        at=now,
    )
    insert_all(db, [entry])
    write(
        db,
        update(TenderRow)
        .where(col(TenderRow.attempt_id) == attempt.id)
        .values(state=TenderState.CAPTURED.value, order_id=order_id),
    )
    write(
        db,
        update(CheckoutRow)
        .where(col(CheckoutRow.id) == checkout.id)
        .values(
            state=CheckoutState.PAID.value,
            order_id=order_id,
            attempt_id=attempt.id,
            version=CheckoutRow.version + 1,
            changed_at=now,
        ),
    )
    if wanted.email:
        letters.ask(db, clock, order_id=order_id, kind=LetterKind.RECEIPT)
    return order_id, changed


def line_row(
    ids: Ids, order_id: str, position: int, line: WantedLine, *, stock_reference: str
) -> OrderLineRow:
    """Return an order's line, with price, tax and words as they were when it was bought."""
    return OrderLineRow(
        id=ids.new("line"),
        order_id=order_id,
        position=position,
        gtin=line.gtin,
        sku=line.sku,
        quantity=line.quantity,
        price_minor=line.price_minor,
        tax_rate_bp=line.tax_rate_bp,
        stock_reference=stock_reference,
        name=line.name,
        name_i18n=line.name_i18n,
        colour=line.colour,
        colour_i18n=line.colour_i18n,
        size=line.size,
        picture=line.picture,
    )


def _leave_cart(
    db: Session, clock: Clock, cart_id: str, attempt_id: str, lines: Iterable[WantedLine]
) -> tuple[CartChange, ...]:
    """Take the bought pieces off the cart, and only those: what was added since stays."""
    seen_us = latest_at_us(db, cart_id)  # the cart's row is locked: no scan comes between
    cart = carts.view(db, cart_id)
    bought = {line.gtin: line.quantity for line in lines}
    at_us = next_at_us(to_us(clock.now()), seen_us)
    batch = [
        Operation(
            id=f"{attempt_id}:{line.gtin}",
            cart_id=cart_id,
            gtin=line.gtin,
            sku=line.sku,
            kind=Kind.SET,
            quantity=max(0, line.quantity - bought[line.gtin]),
            at_us=at_us,
            source=SOURCE,
            price_minor=line.price_minor,
            currency=line.currency,
            location_id=line.location_id,
        )
        for line in cart.lines
        if line.gtin in bought
    ]
    return apply(db, clock, batch).changes
