"""Giving an order out at the desk, or to a carrier; and what comes between.

One guarded UPDATE decides of all who hand the same order over. A wrong code is
returned, not raised: that it was counted has to be committed.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import (
    AlreadyHandedOver,
    CodeRefused,
    InvalidInput,
    LeadNeeded,
    NoAddress,
    NotReady,
)
from cart.kernel.ids import Ids
from cart.orders import goods, history, letters
from cart.orders.letters import LetterKind
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.tables import OrderRow
from cart.picking import codes
from cart.picking.codes import handover_code, handover_token, order_of_token
from cart.picking.holding import changed, hold_at, unknown_order
from cart.picking.model import Changed, Staff
from cart.ports import Shop

__all__ = ["handover_code", "handover_token", "order_of_token"]

# Five of a million: who has the wrong phone in her hand needs two or three.
WRONG_CODES_MAX: Final = 5
REASON_LENGTH_MAX: Final = 200
CARRIER_LENGTH_MAX: Final = 60
TRACKING_LENGTH_MAX: Final = 100
KEPT_MAX: Final = timedelta(days=30)  # longer, and the shelf at the desk is a storeroom


def find(db: Session, secret: bytes, *, location_id: str, text: str, anywhere: bool = False) -> str:
    """Return the order that was scanned or typed at a desk: QR token, ticket, or id.

    A ticket means the open order that has it here, else the last one that had it.
    ``anywhere``: a token or an id may be another location's (a return).

    Raises:
        CodeRefused: a token that is not ours.
        UnknownOrder: nothing here answers to it.
    """
    text = text.strip()
    if text.startswith(codes.TOKEN_PREFIX):
        wanted = col(OrderRow.id) == order_of_token(secret, text)
    else:
        has_ticket = and_(
            col(OrderRow.ticket) == text.upper(), col(OrderRow.location_id) == location_id
        )
        wanted = or_(col(OrderRow.id) == text, has_ticket)
    found = db.exec(
        select(OrderRow.id)
        .where(wanted, *([] if anywhere else [OrderRow.location_id == location_id]))
        .order_by(~col(OrderRow.state).in_(ORDER_OPEN), col(OrderRow.placed_at).desc())
        .limit(1)
    ).first()
    if found is None:
        raise unknown_order(text)
    return found


def hand_over(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    secret: bytes,
    staff: Staff,
    order_id: str,
    proof: str = "",
    reason: str = "",
) -> Changed | CodeRefused:
    """Give an order to who proves that it is hers, or return the refusal to raise after the commit.

    ``proof``: the code that she says, or the token of her QR. A lead may do without
    it and with a ``reason``, also when too many wrong codes were tried.

    Raises:
        UnknownOrder: there is none of this id here.
        AlreadyHandedOver: it was given out before; the code is good no longer.
        NotReady: it is not on a shelf at the desk, or is to be shipped.
        LeadNeeded: no code, and not a lead with a reason.
        InsufficientStock: the ledger has fewer pieces than the shelf: count first.
    """
    order = hold_at(db, staff, order_id)
    _require_ready(order, Method.COLLECT)
    by_lead = not proof.strip()
    why = _words(reason, REASON_LENGTH_MAX)
    if by_lead:
        if not (staff.is_lead and why):
            msg = "without a code only a lead hands over, and says why"
            raise LeadNeeded(msg)
    elif order.wrong_codes >= WRONG_CODES_MAX:
        return CodeRefused("too many wrong codes; ask a lead", left=0)
    elif not codes.proves(secret, order_id, proof):
        return _count_wrong(db, clock, staff, order)
    proof_told = f"lead: {why}" if by_lead else "code"
    return changed(
        goods.hand_over_order(
            db, clock, ids, shop, order_id=order_id, actor=staff.id, told={"proof": proof_told}
        )
    )


def mark_shipped(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    staff: Staff,
    order_id: str,
    carrier: str,
    tracking: str = "",
) -> Changed:
    """Give a packed order to the carrier, and tell the shopper that it is on its way.

    ``tracking``: the carrier's own number of it, where it has one.

    Raises:
        UnknownOrder: there is none of this id here.
        AlreadyHandedOver: the carrier has it.
        NotReady: it is not packed, or is to be collected.
        InvalidInput: no carrier, or no number that one gives.
        InsufficientStock: the ledger has fewer pieces than the parcel: count first.
    """
    order = hold_at(db, staff, order_id)
    _require_ready(order, Method.SHIP)
    who, number = _words(carrier, CARRIER_LENGTH_MAX), _words(tracking, TRACKING_LENGTH_MAX)
    if not who:
        msg = "say who carries it"
        raise InvalidInput(msg)
    told = {"carrier": who, "tracking": number}
    moved = goods.hand_over_order(
        db, clock, ids, shop, order_id=order_id, actor=staff.id, told=told
    )
    letters.ask(db, clock, order_id=order_id, kind=LetterKind.SHIPPED)
    return changed(moved)


def collected_later(
    db: Session,
    clock: Clock,
    *,
    staff: Staff,
    order_id: str,
    reason: str,
    promise_at: datetime | None = None,
) -> Changed:
    """Note why a ready order is collected later, and until when it is kept on its shelf.

    The reminder and the end of waiting count from ``promise_at``, if it is later.

    Raises:
        UnknownOrder: there is none of this id here.
        NotReady, AlreadyHandedOver: it does not wait at the desk.
        InvalidInput: no reason, or a moment that has passed or is too far away.
    """
    order = hold_at(db, staff, order_id)
    _require_ready(order, Method.COLLECT)
    why, now = _words(reason, REASON_LENGTH_MAX), clock.now()
    if not why or (promise_at is not None and not now < promise_at <= now + KEPT_MAX):
        msg = f"say why, and a moment within {KEPT_MAX.days} days"
        raise InvalidInput(msg)
    data: dict[str, Any] = {"reason": why}
    if promise_at is not None:
        data["promise_at"] = promise_at.isoformat()
        db.exec(
            update(OrderRow)
            .where(col(OrderRow.id) == order_id, col(OrderRow.state) == OrderState.READY)
            .values(promise_at=promise_at, here_at=None, reminded_at=None)
        )
    version = history.note(
        db, clock, order_id=order_id, what="collected_later", actor=staff.id, **data
    )
    return Changed(order_id, version, order.location_id)


def resend_ready(db: Session, clock: Clock, *, staff: Staff, order_id: str) -> Changed:
    """Tell the shopper once more that her order is ready: another letter, and her page.

    Raises:
        UnknownOrder: there is none of this id here.
        NotReady, AlreadyHandedOver: it does not wait at the desk.
        NoAddress: there is no e-mail address to send it to. Nothing has changed.
    """
    order = hold_at(db, staff, order_id)
    _require_ready(order, Method.COLLECT)
    if not order.email:
        msg = "the order has no e-mail address"
        raise NoAddress(msg, order_id=order_id)
    version = history.note(db, clock, order_id=order_id, what="ready_resent", actor=staff.id)
    letters.ask(db, clock, order_id=order_id, kind=LetterKind.READY, suffix=str(version))
    return Changed(order_id, version, order.location_id)


def _count_wrong(db: Session, clock: Clock, staff: Staff, order: OrderRow) -> CodeRefused:
    tried = db.exec(
        update(OrderRow)
        .where(col(OrderRow.id) == order.id, col(OrderRow.wrong_codes) < WRONG_CODES_MAX)
        .values(wrong_codes=OrderRow.wrong_codes + 1)
        .returning(col(OrderRow.wrong_codes))
        .execution_options(synchronize_session=False)
    ).scalar()
    history.note(db, clock, order_id=order.id, what="wrong_code", actor=staff.id)
    return CodeRefused(
        "this is not the code of this order", left=WRONG_CODES_MAX - (tried or WRONG_CODES_MAX)
    )


def _require_ready(order: OrderRow, method: Method) -> None:
    """Let an order pass that waits at the desk for ``method``."""
    if order.state in goods.GIVEN:
        msg = "this order was handed over before"
        raise AlreadyHandedOver(msg, order_id=order.id)
    if order.state != OrderState.READY or order.method != method:
        msg = f"this order is {order.state}, by {order.method}"
        raise NotReady(msg, order_id=order.id, state=order.state)


def _words(text: str, length_max: int) -> str:
    """Return what somebody typed, in one line.

    Raises:
        InvalidInput: too long, or with characters that are not seen.
    """
    words = " ".join(text.split())
    if len(words) > length_max or not words.isprintable():
        msg = f"at most {length_max} letters"
        raise InvalidInput(msg, length_max=length_max)
    return words
