"""The try to pay: everything is promised in one transaction, then the provider is asked.

Its id is made from the request's Idempotency-Key, so a repeat is the same try. Asks no
provider itself, and places no order: ``cart.orders.settling`` does, by what comes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from cart.db.guarded import insert_all, write
from cart.kernel.clock import Clock
from cart.kernel.errors import CheckoutChanged, CheckoutClosed
from cart.kernel.ids import Ids, secret_hash
from cart.orders import slots, vouchers
from cart.orders.model import (
    ATTEMPT_OPEN,
    AttemptState,
    CheckoutState,
    Method,
    TenderKind,
    TenderState,
)
from cart.orders.pricing import Totals
from cart.orders.settling import Settled, attempt_of, buy, end, end_attempt, settle
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from cart.orders.terms import Terms
from cart.orders.view import CheckoutView, load, open_view
from cart.orders.wanted import Wanted, WantedLine
from cart.ports import HostedPayment, Shop

__all__ = ["Settled", "end_attempt", "settle"]

ATTEMPT_HASH_CHARACTERS = 40  # 160 bits: never the same for two keys


@dataclass(frozen=True, slots=True)
class Wish:
    """What a provider is to be asked for on behalf of an attempt that is still open.

    ``provider_ref``: the payment that it has made for it, once it has.
    """

    amount_minor: int
    currency: str
    expires_at: datetime
    email: str
    locale: str
    checkout_id: str
    location_id: str
    provider_ref: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A try to pay. ``wish_minor``: what the provider is to be asked for; 0: nothing.

    ``wish``: all that it is to be asked, or was, while the try is open.
    ``settled``: the order, where the voucher has paid for all of it.
    """

    attempt_id: str
    state: AttemptState
    wish_minor: int
    settled: Settled | None = None
    wish: Wish | None = None


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A payment that is open at a provider, and the attempt and tender that it is for."""

    attempt_id: str
    tender_id: str
    provider: str
    provider_ref: str


def attempt_id_of(key: str) -> str:
    """Return the id of the attempt that a request with this Idempotency-Key makes."""
    return f"attempt_{secret_hash(f'pay {key}')[:ATTEMPT_HASH_CHARACTERS]}"


def begin(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    checkout_id: str,
    attempt_id: str,
    total_minor: int,
    rest_minor: int | None = None,
    ready_estimate: timedelta | None = None,
) -> Begun:
    """Promise the pieces, the slot and the voucher's part for ``total_minor``, all or none.

    ``rest_minor``: what she saw that a voucher leaves to pay, where there is one. The
    same ``attempt_id`` again is the same try. A refusal has to undo the unit of work, or
    the savepoint, that it comes out of: that is what takes the rest back.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutChanged: the total is another than she saw, or she has to decide something.
        CheckoutClosed: paid, cancelled, or being paid by another try.
    """
    checkout = load(db, checkout_id, lock=True)
    known = db.get(AttemptRow, attempt_id, populate_existing=True)
    if known is not None and known.checkout_id == checkout_id:
        asked = wish_of(db, known.id)
        minor = asked.amount_minor if asked else 0
        return Begun(known.id, AttemptState(known.state), minor, wish=asked)
    _require_open(db, clock, shop, checkout, fresh=known is None)
    seen = open_view(db, clock, shop, checkout, ready_estimate=ready_estimate)
    _require_as_seen(seen, total_minor, rest_minor)
    located = seen.terms or Terms(checkout.location_id)
    attempt = _attempt(clock, checkout, seen, located, attempt_id)
    _promise(db, clock, shop, attempt, located.orders_per_quarter)
    insert_all(db, [attempt])
    voucher_id = checkout.voucher_id
    _tenders(db, clock, ids, attempt=attempt, totals=seen.totals, voucher_id=voucher_id)
    write(
        db,
        update(CheckoutRow)
        .where(col(CheckoutRow.id) == checkout_id, col(CheckoutRow.state) == CheckoutState.OPEN)
        .values(
            state=CheckoutState.PAYING.value,
            attempt_id=attempt_id,
            version=CheckoutRow.version + 1,
            changed_at=clock.now(),
        ),
    )
    if seen.totals.rest_minor:
        wish = Wish(
            amount_minor=seen.totals.rest_minor,
            currency=attempt.currency,
            expires_at=attempt.reserved_until,
            email=checkout.email,
            locale=checkout.locale,
            checkout_id=checkout_id,
            location_id=checkout.location_id,
            provider_ref=None,
        )
        return Begun(attempt_id, AttemptState.RESERVED, wish.amount_minor, wish=wish)
    settled = buy(db, clock, ids, shop, checkout=checkout, attempt=attempt)
    if settled is None:
        msg = "pieces that were just reserved cannot be allocated"
        raise AssertionError(msg)
    return Begun(attempt_id, AttemptState.SUCCEEDED, 0, settled)


def wish_of(db: Session, attempt_id: str) -> Wish | None:
    """Return what to ask the provider for; None: nothing, or the attempt is over."""
    found = db.exec(
        select(AttemptRow, TenderRow)
        .join(TenderRow, col(TenderRow.attempt_id) == col(AttemptRow.id))
        .where(
            AttemptRow.id == attempt_id,
            col(AttemptRow.state).in_(ATTEMPT_OPEN),
            TenderRow.kind == TenderKind.PROVIDER,
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        return None
    attempt, tender = found
    wanted = Wanted.read(attempt.wanted)
    return Wish(
        amount_minor=tender.amount_minor,
        currency=tender.currency,
        expires_at=attempt.reserved_until,
        email=wanted.email,
        locale=wanted.locale,
        checkout_id=attempt.checkout_id,
        location_id=wanted.location_id,
        provider_ref=tender.provider_ref,
    )


def wanted_of(db: Session, attempt_id: str) -> Wanted:
    """Return what an attempt buys, whatever became of it."""
    return Wanted.read(attempt_of(db, attempt_id).wanted)


def note_created(
    db: Session, clock: Clock, *, attempt_id: str, provider: str, payment: HostedPayment
) -> None:
    """Keep the payment that the provider has made; again, or too late, does no harm.

    For an attempt that has ended meanwhile it is kept too, so that it is closed there.
    """
    of_attempt = select(AttemptRow.checkout_id).where(AttemptRow.id == attempt_id)
    write(  # the checkout's row first, as everywhere: it has something new to show
        db,
        update(CheckoutRow)
        .where(col(CheckoutRow.id) == of_attempt.scalar_subquery())
        .values(version=CheckoutRow.version + 1, changed_at=clock.now()),
    )
    write(
        db,
        update(TenderRow)
        .where(
            col(TenderRow.attempt_id) == attempt_id,
            col(TenderRow.kind) == TenderKind.PROVIDER,
            col(TenderRow.provider_ref).is_(None),
        )
        .values(
            provider=provider,
            provider_ref=payment.provider_ref,
            redirect_url=payment.redirect_url,
            state=TenderState.HELD.value,
        ),
    )
    write(
        db,
        update(AttemptRow)
        .where(col(AttemptRow.id) == attempt_id, col(AttemptRow.state) == AttemptState.RESERVED)
        .values(state=AttemptState.PENDING.value),
    )


def expired_attempts(db: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return open attempts whose time has passed, the longest ago first."""
    return db.exec(
        select(AttemptRow.id)
        .where(col(AttemptRow.state).in_(ATTEMPT_OPEN), AttemptRow.reserved_until <= now)
        .order_by(col(AttemptRow.reserved_until), col(AttemptRow.id))
        .limit(limit)
    ).all()


def stale_attempts(db: Session, before: datetime, limit: int) -> list[HeldPayment]:
    """Return payments of attempts that have waited for news since before ``before``."""
    return _held(db, (AttemptState.PENDING,), before, limit)


def payments_to_cancel(db: Session, limit: int) -> list[HeldPayment]:
    """Return payments that are open at a provider though their attempt is over."""
    over = (AttemptState.FAILED, AttemptState.CANCELLED, AttemptState.EXPIRED)
    return _held(db, over, None, limit)


def tender_closed(db: Session, *, tender_id: str) -> bool:
    """Keep that a payment can no longer be made at the provider; False: it was settled before."""
    done = db.exec(
        update(TenderRow)
        .where(col(TenderRow.id) == tender_id, col(TenderRow.state) == TenderState.HELD)
        .values(state=TenderState.RELEASED.value)
    )
    return bool(done.rowcount == 1)


def _held(
    db: Session, states: tuple[AttemptState, ...], before: datetime | None, limit: int
) -> list[HeldPayment]:
    statement = (
        select(TenderRow)
        .join(AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
        .where(
            col(AttemptRow.state).in_(states),
            TenderRow.state == TenderState.HELD,
            col(TenderRow.provider_ref).is_not(None),
        )
        .order_by(col(AttemptRow.started_at), col(TenderRow.id))
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(AttemptRow.started_at < before)
    return [
        HeldPayment(row.attempt_id, row.id, row.provider or "", row.provider_ref or "")
        for row in db.exec(statement)
    ]


def _require_open(
    db: Session, clock: Clock, shop: Shop, checkout: CheckoutRow, *, fresh: bool
) -> None:
    """Let an open checkout pass; a try whose time is over does not stand in the way."""
    if checkout.state == CheckoutState.PAYING and fresh:
        other = attempt_of(db, checkout.attempt_id or "")
        if other.reserved_until <= clock.now():
            end(db, clock, shop, checkout, other, state=AttemptState.EXPIRED)
            db.refresh(checkout)
    if checkout.state != CheckoutState.OPEN or not fresh:
        msg = f"the checkout is {checkout.state}"
        raise CheckoutClosed(msg, checkout_id=checkout.id, state=checkout.state)


def _require_as_seen(seen: CheckoutView, total_minor: int, rest_minor: int | None) -> None:
    totals = seen.totals
    same = totals.total_minor == total_minor and rest_minor in (None, totals.rest_minor)
    if seen.problems or not same:
        msg = "the checkout is not what the shopper saw"
        raise CheckoutChanged(msg, checkout_id=seen.id, total_minor=totals.total_minor)


def _attempt(
    clock: Clock, checkout: CheckoutRow, seen: CheckoutView, known: Terms, attempt_id: str
) -> AttemptRow:
    if seen.promise is None:
        msg = "a checkout without a promise has a problem"
        raise AssertionError(msg)
    now = clock.now()
    counted = known.orders_per_quarter is not None and seen.method == Method.COLLECT
    wanted = Wanted(
        location_id=checkout.location_id,
        method=checkout.method,
        email=checkout.email,
        locale=checkout.locale,
        address=checkout.address,
        tax_minor=seen.totals.tax_minor,
        shipping_rate_bp=known.tax_rate_bp,
        lines=tuple(WantedLine.of(line) for line in seen.lines),
    )
    return AttemptRow(
        id=attempt_id,
        checkout_id=checkout.id,
        total_minor=seen.totals.total_minor,
        shipping_minor=seen.totals.shipping_minor,
        currency=checkout.currency,
        wanted=wanted.as_json(),
        slot_at=seen.promise.starts_at if counted else None,
        promise_at=seen.promise.at,
        reserved_until=now + timedelta(minutes=known.reserve_minutes),
        started_at=now,
    )


def _promise(
    db: Session, clock: Clock, shop: Shop, attempt: AttemptRow, capacity: int | None
) -> None:
    """Reserve the pieces, then the slot: one order of locks everywhere.

    Raises:
        CheckoutChanged: somebody was faster.
    """
    wanted = Wanted.read(attempt.wanted)
    short = shop.stock.reserve(
        db,
        clock,
        reference=attempt.id,
        location_id=wanted.location_id,
        pieces=wanted.pieces,
        until=attempt.reserved_until,
    )
    if short:
        msg = "pieces were sold at this moment"
        raise CheckoutChanged(msg, sku=short[0].sku, left=short[0].left)
    if attempt.slot_at is None or capacity is None:
        return
    location_id, starts_at = wanted.location_id, attempt.slot_at
    if not slots.take(db, location_id=location_id, starts_at=starts_at, capacity=capacity):
        msg = "the last place of that quarter hour was taken at this moment"
        raise CheckoutChanged(msg)


def _tenders(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    attempt: AttemptRow,
    totals: Totals,
    voucher_id: str | None,
) -> None:
    """Write what it will be paid with; the voucher's part is taken from its balance now.

    Raises:
        CheckoutChanged: the voucher was used elsewhere at this moment.
    """
    for kind, amount_minor in (
        (TenderKind.VOUCHER, totals.voucher_minor),
        (TenderKind.PROVIDER, totals.rest_minor),
    ):
        if amount_minor == 0:
            continue
        tender = TenderRow(
            id=ids.new("tender"),
            attempt_id=attempt.id,
            kind=kind.value,
            amount_minor=amount_minor,
            currency=attempt.currency,
            voucher_id=voucher_id if kind == TenderKind.VOUCHER else None,
            created_at=attempt.started_at,
        )
        insert_all(db, [tender])
        if kind == TenderKind.VOUCHER and not vouchers.debit(
            db,
            clock,
            voucher_id=voucher_id or "",
            amount_minor=amount_minor,
            reference=f"{tender.id}:held",
        ):
            msg = "the voucher was used elsewhere at this moment"
            raise CheckoutChanged(msg)
