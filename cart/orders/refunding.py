"""Money that goes back: rows written with their fact, carried out later, each once.

Raises a tender's ``refunded_minor`` by a guarded UPDATE in the transaction of the
fact, so that never more goes back than came. Asks no provider: a workflow does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, not_, or_, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, UnknownOrder
from cart.kernel.ids import Ids
from cart.orders import history, vouchers
from cart.orders.model import RefundState, TenderKind, TenderState
from cart.orders.tables import (
    FAILURE_LENGTH_MAX,
    AttemptRow,
    CheckoutRow,
    OrderRow,
    RefundRow,
    TenderRow,
)

_OURS = (TenderKind.VOUCHER, TenderKind.WRISTBAND)  # both are balances of ours: nobody is asked
UNBOUGHT = "unbought"  # money that came too late, or was another amount than asked for


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """A refund as whoever carries it out needs it. ``payment_ref``: at the provider.

    ``key``: of the call to the provider, and of the workflow: another for every retry.
    ``location_id``: whose desk is asked about it; of money without an order, its checkout's.
    """

    id: str
    key: str
    state: RefundState
    kind: TenderKind
    amount_minor: int
    currency: str
    provider: str | None
    payment_ref: str | None
    order_id: str | None
    location_id: str


def owe(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    order_id: str,
    amount_minor: int,
    reason: str,
    reference: str,
) -> list[str]:
    """Owe part of an order's money back; return the refunds' ids. A ``reference`` counts once.

    The provider's tender gives first, then the voucher, then the wristband's purse; the last
    two have it at once.

    Raises:
        InvalidInput: more than was paid and not refunded yet.
    """
    tenders = db.exec(
        select(TenderRow)
        .where(TenderRow.order_id == order_id, TenderRow.state == TenderState.CAPTURED)
        .order_by(col(TenderRow.kind), col(TenderRow.id))  # provider, voucher, wristband
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    known = db.exec(
        select(RefundRow.id)
        .where(
            col(RefundRow.tender_id).in_([tender.id for tender in tenders]),
            RefundRow.reference == reference,
        )
        .order_by(col(RefundRow.id))
    ).all()
    if known:
        return list(known)
    left = amount_minor
    refunds: list[str] = []
    for tender in tenders:
        part = min(left, tender.amount_minor - tender.refunded_minor)
        if part > 0:
            refunds.append(_owe_to(db, clock, ids, tender, part, reason, reference))
            left -= part
    if left > 0 or amount_minor < 0:
        msg = f"{amount_minor} is more than was paid for order {order_id} and not refunded"
        raise InvalidInput(msg, order_id=order_id, amount_minor=amount_minor)
    return refunds


def owe_unbought(db: Session, clock: Clock, ids: Ids, *, tender: TenderRow) -> str:
    """Owe a captured tender back whole: its money bought nothing."""
    return _owe_to(db, clock, ids, tender, tender.amount_minor, UNBOUGHT, UNBOUGHT)


def _owe_to(
    db: Session,
    clock: Clock,
    ids: Ids,
    tender: TenderRow,
    amount_minor: int,
    *words: str,
) -> str:
    reason, reference = words
    raised = db.exec(
        update(TenderRow)
        .where(
            col(TenderRow.id) == tender.id,
            col(TenderRow.state) == TenderState.CAPTURED,
            TenderRow.refunded_minor + amount_minor <= col(TenderRow.amount_minor),
        )
        .values(refunded_minor=TenderRow.refunded_minor + amount_minor)
    )
    if raised.rowcount != 1:
        msg = f"tender {tender.id} has no {amount_minor} to give back"
        raise InvalidInput(msg, tender_id=tender.id, amount_minor=amount_minor)
    refund_id, now = ids.new("refund"), clock.now()
    at_once = tender.kind in _OURS and tender.voucher_id is not None
    refund = RefundRow(
        id=refund_id,
        tender_id=tender.id,
        order_id=tender.order_id,
        amount_minor=amount_minor,
        currency=tender.currency,
        reason=reason,
        reference=reference,
        state=(RefundState.DONE if at_once else RefundState.DUE).value,
        created_at=now,
        done_at=now if at_once else None,
    )
    db.add(refund)
    db.flush()
    if at_once and tender.voucher_id is not None:
        vouchers.refund(
            db,
            clock,
            voucher_id=tender.voucher_id,
            amount_minor=amount_minor,
            reference=refund_id,
        )
    return refund_id


def refund_facts(db: Session, refund_id: str) -> RefundFacts:
    """Return a refund as whoever carries it out needs it.

    Raises:
        UnknownOrder: there is no such refund.
    """
    found = db.exec(
        select(RefundRow, TenderRow, CheckoutRow.location_id, OrderRow.location_id)
        .join(TenderRow, col(TenderRow.id) == col(RefundRow.tender_id))
        .join(AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
        .join(CheckoutRow, col(CheckoutRow.id) == col(AttemptRow.checkout_id))
        .outerjoin(OrderRow, col(OrderRow.id) == col(RefundRow.order_id))
        .where(RefundRow.id == refund_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        msg = f"there is no refund {refund_id}"
        raise UnknownOrder(msg, refund_id=refund_id)
    refund, tender, of_checkout, of_order = found
    return RefundFacts(
        id=refund.id,
        key=_key(refund.id, refund.retries),
        state=RefundState(refund.state),
        kind=TenderKind(tender.kind),
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        provider=tender.provider,
        payment_ref=tender.provider_ref,
        order_id=refund.order_id,
        location_id=of_order or of_checkout,
    )


def refund_done(db: Session, clock: Clock, *, refund_id: str, provider_ref: str) -> bool:
    """Keep that the provider gave the money back; False: it was settled before."""
    values = {"state": RefundState.DONE.value, "provider_ref": provider_ref}
    return _settle(db, clock, refund_id, "refunded", values | {"done_at": clock.now()})


def refund_failed(db: Session, clock: Clock, *, refund_id: str, failure: str) -> bool:
    """Keep that the provider refused for good: an operator's now. False: it was settled before."""
    values = {"state": RefundState.FAILED.value, "failure": failure[:FAILURE_LENGTH_MAX]}
    return _settle(db, clock, refund_id, "refund_failed", values)


def refund_came_back(
    db: Session, clock: Clock, *, refund_id: str, provider_ref: str, failure: str
) -> bool:
    """Keep that a refund which the provider had accepted did not arrive: the money is still owed.

    False: it is known, or that was a try before the last. The tender's
    ``refunded_minor`` stays: what is owed is owed until it has arrived.
    """
    values = {
        "state": RefundState.FAILED.value,
        "failure": failure[:FAILURE_LENGTH_MAX],
        "provider_ref": provider_ref,
        "done_at": None,
    }
    ours, state = col(RefundRow.provider_ref) == provider_ref, col(RefundRow.state)
    # It may be faster than the answer to our own call.
    unheard = and_(state == RefundState.DUE, or_(col(RefundRow.provider_ref).is_(None), not_(ours)))
    which = or_(and_(state == RefundState.DONE, ours), unheard)
    return _moved(db, clock, refund_id, which, what="refund_failed", values=values)


def retry(db: Session, clock: Clock, *, refund_id: str, actor: str = history.SYSTEM) -> str:
    """Let a refund that failed be carried out anew; return its new key.

    Raises:
        UnknownOrder: there is no such refund.
        InvalidInput: it has not failed.
    """
    facts = refund_facts(db, refund_id)
    if not retry_failed(db, clock, refund_id=refund_id, actor=actor):
        msg = f"refund {refund_id} is {facts.state}, it has not failed"
        raise InvalidInput(msg, refund_id=refund_id)
    return refund_facts(db, refund_id).key


def retry_failed(db: Session, clock: Clock, *, refund_id: str, actor: str) -> bool:
    """Do as :func:`retry`; False: it has not failed, or somebody was faster: nothing changed."""
    values = {"state": RefundState.DUE.value, "retries": RefundRow.retries + 1, "failure": ""}
    failed = col(RefundRow.state) == RefundState.FAILED
    return _moved(db, clock, refund_id, failed, what="refund_retried", values=values, actor=actor)


def _key(refund_id: str, retries: int) -> str:
    return f"{refund_id}:{retries}" if retries else refund_id


def _settle(db: Session, clock: Clock, refund_id: str, what: str, values: dict[str, Any]) -> bool:
    due = col(RefundRow.state) == RefundState.DUE
    return _moved(db, clock, refund_id, due, what=what, values=values)


def _moved(
    db: Session,
    clock: Clock,
    refund_id: str,
    which: ColumnElement[bool],
    *,
    what: str,
    values: dict[str, Any],
    actor: str = history.SYSTEM,
) -> bool:
    done = db.exec(update(RefundRow).where(col(RefundRow.id) == refund_id, which).values(**values))
    if done.rowcount != 1:
        return False
    facts = refund_facts(db, refund_id)
    if facts.order_id is not None:
        history.note(
            db,
            clock,
            order_id=facts.order_id,
            what=what,
            actor=actor,
            refund_id=refund_id,
            amount_minor=facts.amount_minor,
        )
    return True


def due_keys(db: Session, limit: int) -> list[tuple[str, str]]:
    """Return refunds that wait to be carried out, each with its key, oldest first."""
    found = db.exec(
        select(RefundRow.id, RefundRow.retries)
        .where(RefundRow.state == RefundState.DUE)
        .order_by(col(RefundRow.created_at), col(RefundRow.id))
        .limit(limit)
    )
    return [(refund_id, _key(refund_id, retries)) for refund_id, retries in found]


def due_refunds(db: Session, limit: int, before: datetime | None = None) -> Sequence[str]:
    """Return refunds that wait to be carried out, oldest first."""
    statement = select(RefundRow.id).where(RefundRow.state == RefundState.DUE)
    if before is not None:
        statement = statement.where(RefundRow.created_at < before)
    order = (col(RefundRow.created_at), col(RefundRow.id))
    return db.exec(statement.order_by(*order).limit(limit)).all()
