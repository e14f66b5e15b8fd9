"""An anonymous cart joins a customer's own at her sign-in, and can be taken out again.

Joins as operations: her cart is the fold of both, and what came is written down, so the
undo takes out exactly that. What hangs on the anonymous session goes along: lists, orders,
the open checkout, decisions on consent. A session that has a customer never joins another:
the guarded UPDATE that ends the anonymous one is the answer, so of two sign-ins at once one
gets its cart.
Knows neither devices nor bands: whoever calls moves what they are bound to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, col, exists, func, or_, select, update

from cart.carts import queries
from cart.carts.apply import CartChange, apply
from cart.carts.model import QUANTITY_MAX, Kind, Operation, next_at_us
from cart.carts.service import latest_at_us, save_list
from cart.carts.tables import SavedListRow, ShopperSessionRow
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import CheckoutClosed, UndoClosed, UnknownJoining
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.orders.model import CheckoutState
from cart.orders.tables import CheckoutRow, OrderRow
from cart.profile.consent import service as consents
from cart.profile.tables import JoiningLineRow, JoiningMovedRow, JoiningRow

UNDO_FOR: Final = timedelta(minutes=30)  # she looks at her cart within it; the page says so
SOURCE: Final = "sign-in"
_MOVED: Final[dict[str, type[SavedListRow] | type[OrderRow] | type[CheckoutRow]]] = {
    "list": SavedListRow,
    "order": OrderRow,
    "checkout": CheckoutRow,
}
_TOLD: Final = ("list", "order")  # the others show in the cart


@dataclass(frozen=True, slots=True)
class Joining:
    """A joining as its customer is told of it.

    Pieces by GTIN, how many did not fit, and how many lists and orders came along.
    """

    id: str
    lines: tuple[tuple[Gtin, int], ...]
    left_out: int
    along: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Unjoined:
    """What an undo changed. ``bindings`` of devices, ``loans`` of bands: to be moved back.

    ``look_keys``: likewise. From the session ``to``, which they had come into, to ``origin``.
    """

    changes: tuple[CartChange, ...]
    bindings: tuple[str, ...] = ()
    loans: tuple[str, ...] = ()
    look_keys: tuple[str, ...] = ()
    origin: str = ""
    to: str = ""


def join(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    joining_id: str,
    customer_id: str,
    origin: ShopperSessionRow,
    own: ShopperSessionRow,
    along: Mapping[str, Iterable[str]],
) -> tuple[CartChange, ...]:
    """Let the anonymous session ``origin`` join a customer's ``own``; return what changed.

    Nothing happens if ``origin`` is a customer's, or has joined somebody's already.
    ``along``: what the caller moves, ids by kind: ``binding``, ``loan``, ``look_key``.

    Raises:
        CheckoutClosed: both carts are being paid at this moment; nothing was changed.
    """
    ended = db.exec(
        update(ShopperSessionRow)
        .where(
            col(ShopperSessionRow.id) == origin.id,
            col(ShopperSessionRow.customer_id).is_(None),
            col(ShopperSessionRow.ended_at).is_(None),
        )
        .values(ended_at=clock.now())
    )
    if not ended.rowcount:
        return ()
    consents.join(db, clock, ids, session_id=origin.id, customer_id=customer_id)
    _make_room(db, clock, origin.cart_id, own.cart_id)
    db.add(
        JoiningRow(
            id=joining_id,
            customer_id=customer_id,
            from_session_id=origin.id,
            to_session_id=own.id,
            joined_at=clock.now(),
        )
    )
    db.flush()
    moved = [
        JoiningMovedRow(joining_id=joining_id, kind=kind, thing_id=thing_id)
        for kind, things in along.items()
        for thing_id in things
    ]
    for kind, table in _MOVED.items():
        found = db.exec(select(table.id).where(table.session_id == origin.id)).all()
        moved += [JoiningMovedRow(joining_id=joining_id, kind=kind, thing_id=i) for i in found]
        _hand(db, table, found, own.id)
    db.add_all(moved)
    db.exec(
        update(CheckoutRow)
        .where(col(CheckoutRow.cart_id) == origin.cart_id, _in_hand())
        .values(cart_id=own.cart_id, version=CheckoutRow.version + 1, changed_at=clock.now())
    )
    changes = _bring(db, clock, joining_id, origin, own)
    db.flush()
    return changes


def undo(db: Session, clock: Clock, *, joining_id: str, customer_id: str) -> Unjoined:
    """Take out what a joining brought and give the anonymous session back all that was its own.

    What she has added since stays. A second time changes nothing.

    Raises:
        UnknownJoining: there is none of this id, or it is another customer's.
        UndoClosed: too late, or her cart is being paid or was paid since.
    """
    row = db.get(JoiningRow, joining_id)
    if row is None or row.customer_id != customer_id:
        msg = "there is nothing to undo"
        raise UnknownJoining(msg)
    if row.undone_at is not None:
        return Unjoined(())
    own = db.get_one(ShopperSessionRow, row.to_session_id)
    origin = db.get_one(ShopperSessionRow, row.from_session_id)
    if clock.now() > row.joined_at + UNDO_FOR or _paid_since(db, own, row):
        msg = "it was joined too long ago, or is being paid"
        raise UndoClosed(msg)
    taken = db.exec(
        update(JoiningRow)
        .where(col(JoiningRow.id) == joining_id, col(JoiningRow.undone_at).is_(None))
        .values(undone_at=clock.now())
    )
    if not taken.rowcount:
        return Unjoined(())
    consents.part(db, session_id=origin.id)
    things: dict[str, list[str]] = {}
    for moved in db.exec(select(JoiningMovedRow).where(JoiningMovedRow.joining_id == joining_id)):
        things.setdefault(moved.kind, []).append(moved.thing_id)
    for kind, table in _MOVED.items():
        _hand(db, table, things.get(kind, []), origin.id)
    db.exec(
        update(CheckoutRow)
        .where(col(CheckoutRow.id).in_(things.get("checkout", [])), _in_hand())
        .values(cart_id=origin.cart_id, version=CheckoutRow.version + 1, changed_at=clock.now())
    )
    db.exec(
        update(SavedListRow)
        .where(col(SavedListRow.id) == _rest_id(joining_id))
        .values(deleted_at=clock.now())
    )
    db.exec(
        update(ShopperSessionRow)
        .where(col(ShopperSessionRow.id) == origin.id)
        .values(ended_at=None)
    )
    changes = _take_out(db, clock, joining_id, own.cart_id)
    return Unjoined(
        changes,
        bindings=tuple(things.get("binding", ())),
        loans=tuple(things.get("loan", ())),
        look_keys=tuple(things.get("look_key", ())),
        origin=origin.id,
        to=own.id,
    )


def told(db: Session, from_session_id: str, now: datetime) -> Joining | None:
    """Return how this session joined, if it brought something and that can still be undone."""
    row = db.exec(
        select(JoiningRow)
        .where(
            JoiningRow.from_session_id == from_session_id,
            col(JoiningRow.undone_at).is_(None),
            JoiningRow.joined_at > now - UNDO_FOR,
            or_(
                exists().where(col(JoiningLineRow.joining_id) == col(JoiningRow.id)),
                exists().where(
                    col(JoiningMovedRow.joining_id) == col(JoiningRow.id),
                    col(JoiningMovedRow.kind).in_(_TOLD),
                ),
                col(JoiningRow.left_out) > 0,
            ),
        )
        .order_by(col(JoiningRow.joined_at).desc(), col(JoiningRow.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    along = db.exec(
        select(func.count())
        .select_from(JoiningMovedRow)
        .where(JoiningMovedRow.joining_id == row.id, col(JoiningMovedRow.kind).in_(_TOLD))
    ).one()
    lines = tuple(_brought(db, row.id))
    return Joining(row.id, lines, row.left_out, along, row.joined_at + UNDO_FOR)


def _make_room(db: Session, clock: Clock, from_cart: str, to_cart: str) -> None:
    """Leave one of two open checkouts: the one that is being paid, else the customer's own."""
    states = {
        row.cart_id: row
        for row in db.exec(
            select(CheckoutRow)
            .where(col(CheckoutRow.cart_id).in_([from_cart, to_cart]), _in_hand())
            .order_by(col(CheckoutRow.id))
            .with_for_update()
        )
    }
    if len(states) < 2:  # noqa: PLR2004 - one of each
        return
    paying = [one for one in states.values() if one.state == CheckoutState.PAYING]
    if len(paying) > 1:
        msg = "both carts are being paid"
        raise CheckoutClosed(msg, state=CheckoutState.PAYING.value)
    given_up = states[to_cart] if paying == [states[from_cart]] else states[from_cart]
    db.exec(
        update(CheckoutRow)
        .where(col(CheckoutRow.id) == given_up.id, col(CheckoutRow.state) == CheckoutState.OPEN)
        .values(
            state=CheckoutState.CANCELLED.value,
            version=CheckoutRow.version + 1,
            changed_at=clock.now(),
        )
    )


def _bring(
    db: Session,
    clock: Clock,
    joining_id: str,
    origin: ShopperSessionRow,
    own: ShopperSessionRow,
) -> tuple[CartChange, ...]:
    # Both locked, in one order everywhere: what a scan adds now comes before or after, not between.
    latest = max(latest_at_us(db, one) for one in sorted((origin.cart_id, own.cart_id)))
    views = queries.views(db, [origin.cart_id, own.cart_id])
    here = {line.gtin: line.quantity for line in views[own.cart_id].lines}
    at_us = next_at_us(to_us(clock.now()), latest)
    applied = apply(
        db,
        clock,
        [
            Operation(
                id=f"join:{joining_id}:{line.gtin}",
                cart_id=own.cart_id,
                gtin=line.gtin,
                sku=line.sku,
                kind=Kind.ADD,
                quantity=line.quantity,
                at_us=at_us,
                source=SOURCE,
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
            for line in views[origin.cart_id].lines
        ],
    )
    refused = {one.gtin: one.quantity for one, _ in applied.refused}
    for line in views[origin.cart_id].lines:
        fits = min(line.quantity, QUANTITY_MAX - here.get(line.gtin, 0))
        if line.gtin not in refused and fits > 0:
            db.add(JoiningLineRow(joining_id=joining_id, gtin=line.gtin, quantity=fits))
    if refused:
        # No line is lost for want of room: the whole cart stays with her, as a list.
        save_list(
            db, clock, list_id=_rest_id(joining_id), cart_id=origin.cart_id, session_id=own.id
        )
        db.get_one(JoiningRow, joining_id).left_out = sum(refused.values())
    return applied.changes


def _take_out(db: Session, clock: Clock, joining_id: str, cart_id: str) -> tuple[CartChange, ...]:
    # First the time, which locks the cart: what is added meanwhile must not be taken out with it.
    at_us = next_at_us(to_us(clock.now()), latest_at_us(db, cart_id))
    brought = dict(_brought(db, joining_id))
    applied = apply(
        db,
        clock,
        [
            Operation(
                id=f"unjoin:{joining_id}:{line.gtin}",
                cart_id=cart_id,
                gtin=line.gtin,
                sku=line.sku,
                kind=Kind.SET,
                quantity=max(0, line.quantity - brought[line.gtin]),
                at_us=at_us,
                source=SOURCE,
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
            for line in queries.view(db, cart_id).lines
            if line.gtin in brought
        ],
    )
    return applied.changes


def _brought(db: Session, joining_id: str) -> list[tuple[Gtin, int]]:
    rows = db.exec(
        select(JoiningLineRow.gtin, JoiningLineRow.quantity)
        .where(JoiningLineRow.joining_id == joining_id)
        .order_by(col(JoiningLineRow.gtin))
    )
    return [(str.__new__(Gtin, gtin), quantity) for gtin, quantity in rows]


def _paid_since(db: Session, own: ShopperSessionRow, joined: JoiningRow) -> bool:
    """Say whether her cart is being paid, or something of it was; its checkout stays locked."""
    in_hand = db.exec(
        select(CheckoutRow.state)
        .where(CheckoutRow.cart_id == own.cart_id, _in_hand())
        .with_for_update()
    ).all()
    came = select(JoiningMovedRow.thing_id).where(
        JoiningMovedRow.joining_id == joined.id, JoiningMovedRow.kind == "order"
    )
    placed = select(OrderRow.id).where(
        OrderRow.session_id == own.id,
        OrderRow.placed_at >= joined.joined_at,
        col(OrderRow.id).not_in(came),
    )
    return CheckoutState.PAYING in in_hand or db.exec(placed.limit(1)).first() is not None


def _hand(db: Session, table: type[SQLModel], things: Sequence[str], session_id: str) -> None:
    if things:
        columns = table.__table__.c  # type: ignore[attr-defined]
        db.connection().execute(
            update(table).where(columns.id.in_(things)).values(session_id=session_id)
        )


def _in_hand() -> ColumnElement[bool]:
    return col(CheckoutRow.state).in_([CheckoutState.OPEN, CheckoutState.PAYING])


def _rest_id(joining_id: str) -> str:
    return f"rest-{joining_id}"
