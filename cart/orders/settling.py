"""What the provider says becomes an order, or frees what was held: one transaction each.

Everything about one checkout happens under its row's lock, and every change of state is
a guarded UPDATE: of success, refusal, cancel and expiry exactly one wins.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select, update

from cart.carts.apply import CartChange
from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.kernel.errors import Unavailable, UnknownCheckout
from cart.kernel.ids import Ids
from cart.orders import placing, refunding, renewing, slots, vouchers
from cart.orders.model import (
    ATTEMPT_OPEN,
    AttemptState,
    CheckoutState,
    TenderKind,
    TenderState,
)
from cart.orders.tables import (
    FAILURE_LENGTH_MAX,
    AttemptRow,
    CheckoutRow,
    ProviderEventRow,
    TenderRow,
)
from cart.orders.view import load
from cart.orders.wanted import Wanted
from cart.ports import PaymentNews, Shop

logger = logging.getLogger(__name__)
_ENDS: Final = {"failed": AttemptState.FAILED, "cancelled": AttemptState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Settled:
    """What a message of the provider led to.

    ``order_id``: the order that the attempt's money bought, now (``placed``) or before.
    ``refunds``: money that is owed back now. ``changed``: carts that changed.
    """

    checkout_id: str
    attempt_id: str
    order_id: str | None = None
    placed: bool = False
    refunds: tuple[str, ...] = ()
    changed: tuple[CartChange, ...] = ()


def settle(
    db: Session, clock: Clock, ids: Ids, shop: Shop, *, provider: str, news: PaymentNews
) -> Settled:
    """Take in what a provider says of a payment; the same again changes nothing.

    Money that is not the amount asked for, or that came too late for the pieces,
    buys nothing and is owed back.

    Raises:
        Unavailable: no payment of this id is known yet; it may be in a moment.
    """
    checkout = _locked_checkout(db, provider, news.provider_ref)
    tender, attempt = db.exec(
        select(TenderRow, AttemptRow)
        .join(AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
        .where(TenderRow.provider == provider, TenderRow.provider_ref == news.provider_ref)
        .execution_options(populate_existing=True)
    ).one()
    order_id = checkout.order_id if attempt.state == AttemptState.SUCCEEDED else None
    unchanged = Settled(checkout.id, attempt.id, order_id)
    if not _is_new(db, clock, provider, news):
        return unchanged
    if news.outcome == "captured" and news.amount_minor > 0:
        if tender.state == TenderState.CAPTURED:
            return unchanged
        return _captured(db, clock, ids, shop, _Paid(checkout, attempt, tender, news))
    if (state := _ENDS.get(news.outcome)) is not None and tender.state == TenderState.HELD:
        _set_tender(db, tender, state=TenderState.RELEASED.value)
        if state is AttemptState.CANCELLED and attempt.reserved_until <= clock.now():
            state = AttemptState.EXPIRED  # the provider's clock was faster than our sweep
        end(db, clock, shop, checkout, attempt, state=state, failure=news.failure)
    return unchanged


def end_attempt(
    db: Session,
    clock: Clock,
    shop: Shop,
    *,
    attempt_id: str,
    state: AttemptState,
    failure: str = "",
) -> bool:
    """End a try to pay that did not succeed: pieces, slot and voucher go back.

    Returns False, and changes nothing, where it had ended already.

    Raises:
        UnknownCheckout: there is no such attempt.
    """
    found = db.exec(select(AttemptRow.checkout_id).where(AttemptRow.id == attempt_id)).first()
    if found is None:
        msg = f"there is no attempt {attempt_id}"
        raise UnknownCheckout(msg, attempt_id=attempt_id)
    checkout = load(db, found, lock=True)
    attempt = attempt_of(db, attempt_id)
    return end(db, clock, shop, checkout, attempt, state=state, failure=failure)


def attempt_of(db: Session, attempt_id: str) -> AttemptRow:
    """Return an attempt that is known to be there, as it is now."""
    return db.get_one(AttemptRow, attempt_id, populate_existing=True)


def end(
    db: Session,
    clock: Clock,
    shop: Shop,
    checkout: CheckoutRow,
    attempt: AttemptRow,
    *,
    state: AttemptState,
    failure: str = "",
) -> bool:
    """End ``attempt`` of a checkout whose row is locked; False: it had ended already."""
    slot_at = attempt.slot_at
    values: dict[str, str | datetime | None] = {
        "state": state.value,
        "slot_at": None,
        "failure": failure[:FAILURE_LENGTH_MAX],
    }
    if not _close_attempt(db, clock, attempt, ATTEMPT_OPEN, values):
        return False
    shop.stock.release(db, clock, reference=attempt.id, fact=f"{attempt.id}:{state.value}")
    if slot_at is not None:
        location_id = Wanted.read(attempt.wanted).location_id
        slots.give_back(db, location_id=location_id, starts_at=slot_at)
    _release_tenders(db, clock, attempt)
    db.exec(
        update(CheckoutRow)
        .where(
            col(CheckoutRow.id) == checkout.id,
            col(CheckoutRow.attempt_id) == attempt.id,
            col(CheckoutRow.state) == CheckoutState.PAYING,
        )
        .values(
            state=CheckoutState.OPEN.value,
            attempt_id=None,
            version=CheckoutRow.version + 1,
            changed_at=clock.now(),
        )
    )
    return True


def buy(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    checkout: CheckoutRow,
    attempt: AttemptRow,
) -> Settled | None:
    """Turn an attempt whose money is there into an order; None: it cannot be, nothing changed.

    An attempt that has ended gets its pieces, and its part of the voucher, once more; one
    whose time has passed gets the next time that is real.
    The checkout's row is locked.
    """
    late = attempt.state not in ATTEMPT_OPEN
    if late and checkout.state != CheckoutState.OPEN:
        return None  # closed, paid, or about to be paid by another attempt
    saved = db.begin_nested() if late else None
    bought = not shop.stock.allocate(db, clock, reference=attempt.id)
    bought = bought and (not late or _debit_again(db, clock, attempt))
    if not bought:
        if saved:
            saved.rollback()
        return None
    promise_at, slot_at = renewing.renewed(db, shop, attempt, late=late, now=clock.now())
    shown_at = attempt.promise_at
    values: dict[str, str | datetime | None] = {
        "state": AttemptState.SUCCEEDED.value,
        "failure": "",
        "slot_at": slot_at,
        "promise_at": promise_at,
    }
    if not _close_attempt(db, clock, attempt, (AttemptState(attempt.state),), values):
        msg = f"attempt {attempt.id} was changed under its checkout's lock"
        raise AssertionError(msg)
    order_id, changed = placing.place(
        db, clock, ids, checkout, attempt, promise_at=promise_at, shown_at=shown_at
    )
    if saved:
        saved.commit()
    return Settled(checkout.id, attempt.id, order_id, placed=True, changed=changed)


@dataclass(frozen=True, slots=True)
class _Paid:
    """Money that came, and what it came for."""

    checkout: CheckoutRow
    attempt: AttemptRow
    tender: TenderRow
    news: PaymentNews


def _captured(db: Session, clock: Clock, ids: Ids, shop: Shop, paid: _Paid) -> Settled:
    checkout, attempt, tender, news = paid.checkout, paid.attempt, paid.tender, paid.news
    wanted = (tender.amount_minor, tender.currency)
    failure = "the money came when the pieces were no longer there"
    if (news.amount_minor, news.currency) == wanted:
        settled = buy(db, clock, ids, shop, checkout=checkout, attempt=attempt)
        if settled is not None:
            return settled
    else:
        failure = f"{news.amount_minor} {news.currency} was captured, not {wanted[0]} {wanted[1]}"
        logger.error("payment %s: %s", tender.id, failure)
    _set_tender(
        db,
        tender,
        state=TenderState.CAPTURED.value,
        amount_minor=news.amount_minor,
        currency=news.currency,
    )
    if not end(db, clock, shop, checkout, attempt, state=AttemptState.FAILED, failure=failure):
        db.exec(
            update(AttemptRow)
            .where(col(AttemptRow.id) == attempt.id)
            .values(failure=failure[:FAILURE_LENGTH_MAX])
        )
    db.refresh(tender)
    refund_id = refunding.owe_unbought(db, clock, ids, tender=tender)
    return Settled(checkout.id, attempt.id, refunds=(refund_id,))


def _locked_checkout(db: Session, provider: str, provider_ref: str) -> CheckoutRow:
    found = db.exec(
        select(CheckoutRow)
        .join(AttemptRow, col(AttemptRow.checkout_id) == col(CheckoutRow.id))
        .join(TenderRow, col(TenderRow.attempt_id) == col(AttemptRow.id))
        .where(TenderRow.provider == provider, TenderRow.provider_ref == provider_ref)
        .with_for_update(of=CheckoutRow)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        msg = f"{provider} speaks of a payment that is not known yet"
        raise Unavailable(msg, provider_ref=provider_ref)
    return found


def _is_new(db: Session, clock: Clock, provider: str, news: PaymentNews) -> bool:
    if not news.event_id:
        return True  # we asked: there is no message to remember
    values = {
        "provider": provider,
        "event_id": news.event_id,
        "provider_ref": news.provider_ref,
        "outcome": news.outcome,
        "received_at": clock.now(),
    }
    return insert_new(db, ProviderEventRow, values, keys=["provider", "event_id"])


def _close_attempt(
    db: Session,
    clock: Clock,
    attempt: AttemptRow,
    states: tuple[AttemptState, ...],
    values: Mapping[str, str | datetime | None],
) -> bool:
    closing = (
        update(AttemptRow)
        .where(col(AttemptRow.id) == attempt.id, col(AttemptRow.state).in_(states))
        .values(ended_at=clock.now(), **values)
    )
    return write(db, closing) == 1


def _set_tender(db: Session, tender: TenderRow, **values: object) -> None:
    write(db, update(TenderRow).where(col(TenderRow.id) == tender.id).values(**values))


def _release_tenders(db: Session, clock: Clock, attempt: AttemptRow) -> None:
    """Give the voucher back. A payment at the provider stays held until it is closed there."""
    held = db.exec(
        select(TenderRow)
        .where(TenderRow.attempt_id == attempt.id, TenderRow.state == TenderState.HELD)
        .execution_options(populate_existing=True)
    ).all()
    for tender in held:
        if tender.kind == TenderKind.VOUCHER and tender.voucher_id is not None:
            vouchers.credit(
                db,
                clock,
                voucher_id=tender.voucher_id,
                amount_minor=tender.amount_minor,
                reference=f"{tender.id}:released",
            )
        if tender.provider_ref is None:
            _set_tender(db, tender, state=TenderState.RELEASED.value)


def _debit_again(db: Session, clock: Clock, attempt: AttemptRow) -> bool:
    """Take the voucher's part once more for money that came late; False: it is gone."""
    released = db.exec(
        select(TenderRow).where(
            TenderRow.attempt_id == attempt.id, TenderRow.kind == TenderKind.VOUCHER
        )
    ).all()
    return all(
        vouchers.debit(
            db,
            clock,
            voucher_id=tender.voucher_id or "",
            amount_minor=tender.amount_minor,
            reference=f"{tender.id}:late",
        )
        for tender in released
    )
