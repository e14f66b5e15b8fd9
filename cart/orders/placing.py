"""Makes the order of an attempt whose money is there and whose pieces are allocated.

Order, lines, ticket, history, receipt; and what was bought leaves the cart. Decides
nothing: ``cart.orders.settling`` has.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from cart.carts import queries as carts
from cart.carts.apply import CartChange, Planned, Standing, planned
from cart.carts.model import Kind, Operation, next_at_us
from cart.db.rows import TEXT, AnyRow, Ask, New, run_together
from cart.kernel.clock import Clock, to_us
from cart.kernel.ids import Ids
from cart.orders import history, letters, tickets
from cart.orders.letters import LetterKind
from cart.orders.model import CheckoutState, OrderState, TenderState
from cart.orders.tables import (
    AttemptRow,
    CheckoutRow,
    OrderEventRow,
    OrderLineRow,
    OrderRow,
)
from cart.orders.wanted import Wanted, WantedLine

SOURCE: Final = "checkout"
_PAID: Final = (("attempt_id", TEXT), ("order_id", TEXT), ("checkout_id", TEXT))
_CAPTURE: Final = (
    f"UPDATE tender SET state = '{TenderState.CAPTURED.value}', order_id = d.order_id"  # noqa: S608
    " FROM {rows} WHERE tender.attempt_id = d.attempt_id"
)
_CLOSE: Final = (
    f"UPDATE checkout SET state = '{CheckoutState.PAID.value}', order_id = d.order_id,"  # noqa: S608
    " attempt_id = d.attempt_id, version = checkout.version + 1, changed_at = :now"
    " FROM {rows} WHERE checkout.id = d.checkout_id RETURNING checkout.id, checkout.version"
)


@dataclass(frozen=True, slots=True)
class Placing:
    """What an order is made of, once its money is there.

    ``shown_at``: when she was told that it would be ready, if that is another time now.
    """

    checkout_id: str
    cart_id: str
    session_id: str
    attempt_id: str
    total_minor: int
    shipping_minor: int
    currency: str
    promise_at: datetime
    wanted: Wanted
    shown_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was just written, with its lines."""

    order: OrderRow
    lines: tuple[OrderLineRow, ...]


def place(
    db: Session,
    clock: Clock,
    ids: Ids,
    checkout: CheckoutRow,
    attempt: AttemptRow,
    *,
    promise_at: datetime,
    shown_at: datetime,
) -> tuple[str, tuple[CartChange, ...]]:
    """Write the order of ``attempt``; return its id and the cart's change.

    ``shown_at``: the promise before she paid.
    """
    wanted = Wanted.read(attempt.wanted)
    one = Placing(
        checkout_id=checkout.id,
        cart_id=checkout.cart_id,
        session_id=checkout.session_id,
        attempt_id=attempt.id,
        total_minor=attempt.total_minor,
        shipping_minor=attempt.shipping_minor,
        currency=attempt.currency,
        promise_at=promise_at,
        wanted=wanted,
        shown_at=None if shown_at == promise_at else shown_at,
    )
    [(placed, _, changed)] = place_many(db, clock, ids, [one])
    return placed.order.id, () if changed is None else (changed,)


def place_many(
    db: Session, clock: Clock, ids: Ids, placings: Sequence[Placing]
) -> list[tuple[Placed, int, CartChange | None]]:
    """Write an order for each; return it with its checkout's version now, and its cart's change.

    A handful of statements, however many. Carts and checkouts are each in it once.
    """
    now = clock.now()
    by_cart = {one.cart_id: one for one in placings}
    wanted = Counter(one.wanted.location_id for one in placings)
    heads, lines, sequences = run_together(
        db,
        carts.heads_ask(db, by_cart),  # locked from here on: no scan comes between
        carts.shown_ask(by_cart),
        tickets.sequence_ask(wanted),
    )
    left = _leaving(clock, by_cart, heads, carts.kept(lines))
    given = tickets.tickets_of(db, sequences, wanted)
    made = [_made(ids, one, given[one.wanted.location_id].pop(0), now) for one in placings]
    *_, closed, _ = run_together(
        db,
        *left.asks,
        New([placed.order for placed in made]),
        New([line for placed in made for line in placed.lines]),
        New([_entry(placed.order, one) for placed, one in zip(made, placings, strict=True)]),
        *_paid(now, placings, made),
        letters.many_ask(
            db, clock, [p.order.id for p in made if p.order.email], LetterKind.RECEIPT
        ),
    )
    versions = {row[0]: row[1] for row in closed}
    changed = {change.cart_id: change for change in left.applied.changes}
    return [
        (placed, versions[one.checkout_id], changed.get(one.cart_id))
        for placed, one in zip(made, placings, strict=True)
    ]


def _made(ids: Ids, one: Placing, ticket: str, now: datetime) -> Placed:
    order_id, wanted = ids.new("order"), one.wanted
    order = OrderRow(
        id=order_id,
        checkout_id=one.checkout_id,
        session_id=one.session_id,
        location_id=wanted.location_id,
        currency=one.currency,
        state=OrderState.PLACED.value,
        method=wanted.method,
        ticket=ticket,
        email=wanted.email,
        locale=wanted.locale,
        address=wanted.address,
        total_minor=one.total_minor,
        tax_minor=wanted.tax_minor,
        shipping_minor=one.shipping_minor,
        promise_at=one.promise_at,
        placed_at=now,
    )
    lines = tuple(
        line_row(ids, order_id, position, line, stock_reference=one.attempt_id)
        for position, line in enumerate(wanted.lines)
    )
    return Placed(order, lines)


def _entry(order: OrderRow, one: Placing) -> OrderEventRow:
    data: dict[str, Any] = {"total_minor": one.total_minor, "attempt_id": one.attempt_id}
    if one.shown_at is not None:
        data["shown_at"] = one.shown_at.isoformat()
    return OrderEventRow(
        order_id=order.id,
        number=order.version,
        what="placed",
        actor=history.SHOPPER,
        data=data,
        at=order.placed_at,
    )


def _paid(now: datetime, placings: Sequence[Placing], made: Sequence[Placed]) -> tuple[Ask, Ask]:
    """Let tenders and checkouts know their orders; the second returns the checkouts' versions."""
    rows = [
        (one.attempt_id, placed.order.id, one.checkout_id)
        for one, placed in zip(placings, made, strict=True)
    ]
    return Ask(_CAPTURE, _PAID, rows), Ask(_CLOSE, _PAID, rows, {"now": now})


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


def _leaving(
    clock: Clock, by_cart: Mapping[str, Placing], heads: Iterable[AnyRow], kept: carts.Kept
) -> Planned:
    """Plan to take the bought pieces off the carts, and only those: what was added since stays."""
    versions = {head[0]: head[1] for head in heads}
    now_us = to_us(clock.now())
    at_us = {head[0]: next_at_us(now_us, head[2]) for head in heads}
    batch = []
    for (cart_id, gtin), (sku, line) in kept.items():
        one = by_cart[cart_id]
        quantity = next((line.quantity for line in one.wanted.lines if line.gtin == gtin), 0)
        if quantity:
            batch.append(
                Operation(
                    id=f"{one.attempt_id}:{gtin}",
                    cart_id=cart_id,
                    gtin=gtin,
                    sku=sku,
                    kind=Kind.BOUGHT,
                    quantity=quantity,
                    at_us=at_us[cart_id],
                    source=SOURCE,
                    price_minor=line.price_minor,
                    currency=line.currency,
                    location_id=line.location_id,
                )
            )
    return planned(clock, batch, Standing(versions, {k: line for k, (_, line) in kept.items()}, {}))
