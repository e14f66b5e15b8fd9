"""The try to pay: everything is promised in one transaction, then the provider is asked.

Its id is made from the request's Idempotency-Key, so a repeat is the same try. Asks no
provider itself, and places no order: ``cart.orders.settling`` does, by what comes back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, update

from cart.db.guarded import insert_all, write
from cart.kernel.clock import Clock
from cart.kernel.errors import CheckoutChanged, CheckoutClosed
from cart.kernel.ids import Ids
from cart.orders import slots, vouchers
from cart.orders.attempts import (
    HeldPayment,
    Wish,
    attempt_id_of,
    attempt_row,
    expired_attempts,
    note_created,
    payments_to_cancel,
    stale_attempts,
    tender_closed,
    wanted_of,
    wish_of,
)
from cart.orders.model import (
    AttemptState,
    CheckoutState,
    TenderKind,
)
from cart.orders.pricing import Totals
from cart.orders.purse import service as purses
from cart.orders.purse.model import PurseUse
from cart.orders.seen import Seen
from cart.orders.settling import Settled, attempt_of, buy, end, end_attempt, settle
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from cart.orders.terms import Terms
from cart.orders.view import CheckoutView, load, open_view
from cart.orders.wanted import Wanted
from cart.ports import Shop

__all__ = [
    "HeldPayment",
    "Settled",
    "Wish",
    "attempt_id_of",
    "end_attempt",
    "expired_attempts",
    "note_created",
    "payments_to_cancel",
    "settle",
    "stale_attempts",
    "tender_closed",
    "wanted_of",
    "wish_of",
]


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


def begin(  # noqa: PLR0913 - what she saw, and what is to pay it
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    checkout_id: str,
    attempt_id: str,
    total_minor: int,
    rest_minor: int | None = None,
    promise_at: datetime | None = None,
    ready_estimate: timedelta | None = None,
    purse: PurseUse | None = None,
) -> Begun:
    """Promise the pieces, the slot and the voucher's part for ``total_minor``, all or none.

    ``rest_minor``: what she saw that a voucher leaves to pay, where there is one.
    ``promise_at``: when she saw that it would be ready. None of either: not compared.
    ``purse``: what pays that rest at once, instead of a provider. The same ``attempt_id``
    again is the same try. A refusal has to undo the unit of work, or
    the savepoint, that it comes out of: that is what takes the rest back.

    Raises:
        UnknownCheckout: no such checkout.
        CheckoutChanged: the sums are others than she saw, it will be ready in a later
            quarter hour, or she has to decide something.
        CheckoutClosed: paid, cancelled, or being paid by another try.
        PurseOff, PurseLimit, PurseShort: the purse does not pay it.
    """
    checkout = load(db, checkout_id, lock=True)
    known = db.get(AttemptRow, attempt_id, populate_existing=True)
    if known is not None and known.checkout_id == checkout_id:
        asked = wish_of(db, known.id)
        minor = asked.amount_minor if asked else 0
        return Begun(known.id, AttemptState(known.state), minor, wish=asked)
    _require_open(db, clock, shop, checkout, fresh=known is None)
    seen = open_view(db, clock, shop, checkout, ready_estimate=ready_estimate)
    _require_as_seen(seen, Seen(total_minor, rest_minor, promise_at))
    located = seen.terms or Terms(checkout.location_id)
    attempt, wanted = attempt_row(clock.now(), checkout, seen, located, attempt_id)
    _promise(db, clock, shop, attempt, wanted, capacity=located.orders_per_quarter)
    insert_all(db, [attempt])
    _tenders(
        db,
        clock,
        ids,
        attempt=attempt,
        totals=seen.totals,
        voucher_id=checkout.voucher_id,
        purse=purse,
    )
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
    if seen.totals.rest_minor and purse is None:
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


def _require_as_seen(now: CheckoutView, seen: Seen) -> None:
    if now.problems or not seen.still_is(now):
        msg = "the checkout is not what the shopper saw"
        raise CheckoutChanged(msg, checkout_id=now.id, total_minor=now.totals.total_minor)


def _promise(
    db: Session,
    clock: Clock,
    shop: Shop,
    attempt: AttemptRow,
    wanted: Wanted,
    *,
    capacity: int | None,
) -> None:
    """Reserve the pieces, then the slot: one order of locks everywhere.

    Raises:
        CheckoutChanged: somebody was faster.
    """
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
    purse: PurseUse | None,
) -> None:
    """Write what it will be paid with; the voucher's and the purse's part are taken now.

    Raises:
        CheckoutChanged: the voucher was used elsewhere at this moment.
        PurseOff, PurseLimit, PurseShort: the purse does not pay it.
    """
    for kind, amount_minor in (
        (TenderKind.VOUCHER, totals.voucher_minor),
        (TenderKind.WRISTBAND if purse else TenderKind.PROVIDER, totals.rest_minor),
    ):
        if amount_minor == 0:
            continue
        tender_id, drawn_from = ids.new("tender"), None
        if kind == TenderKind.VOUCHER:
            drawn_from = voucher_id
        elif purse is not None:
            drawn_from = purses.spend(
                db,
                clock,
                purse,
                amount_minor=amount_minor,
                currency=attempt.currency,
                reference=f"{tender_id}:held",
            )
        tender = TenderRow(
            id=tender_id,
            attempt_id=attempt.id,
            kind=kind.value,
            amount_minor=amount_minor,
            currency=attempt.currency,
            voucher_id=drawn_from,
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
