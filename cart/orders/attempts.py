"""Tries to pay as they stand: what a provider is to be asked, what it has made, which are due.

Promises nothing and buys nothing: ``paying`` and ``settling`` do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from cart.db import is_sqlite
from cart.db.rows import TEXT, Ask, run_together
from cart.kernel.clock import Clock
from cart.kernel.ids import secret_hash
from cart.orders.model import (
    ATTEMPT_OPEN,
    AttemptState,
    Method,
    TenderKind,
    TenderState,
)
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from cart.orders.terms import Terms
from cart.orders.view import CheckoutView
from cart.orders.wanted import Wanted, WantedLine
from cart.ports import HostedPayment

ATTEMPT_HASH_CHARACTERS: Final = 40  # 160 bits: never the same for two keys
_MADE: Final = (
    ("attempt_id", TEXT),
    ("provider", TEXT),
    ("ref", TEXT),
    ("url", TEXT),
    ("checkout_id", TEXT),
)
_SEEN: Final = (
    "UPDATE checkout SET version = checkout.version + 1, changed_at = :now FROM {rows}"
    " WHERE checkout.id = d.checkout_id RETURNING checkout.id, checkout.version"
)
_HOLD: Final = (
    f"UPDATE tender SET provider = d.provider, provider_ref = d.ref, redirect_url = d.url,"  # noqa: S608
    f" state = '{TenderState.HELD.value}' FROM {{rows}} WHERE tender.attempt_id = d.attempt_id"
    f" AND tender.kind = '{TenderKind.PROVIDER.value}' AND tender.provider_ref IS NULL"
)
_WAIT: Final = (
    f"UPDATE pay_attempt SET state = '{AttemptState.PENDING.value}' FROM {{rows}}"  # noqa: S608
    f" WHERE pay_attempt.id = d.attempt_id AND pay_attempt.state = '{AttemptState.RESERVED.value}'"
    " RETURNING pay_attempt.id"
)


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
class HeldPayment:
    """A payment that is open at a provider, and the attempt and tender that it is for."""

    attempt_id: str
    tender_id: str
    provider: str
    provider_ref: str


@dataclass(frozen=True, slots=True)
class Made:
    """A payment that a provider has made for an attempt of a checkout."""

    attempt_id: str
    checkout_id: str
    provider: str
    payment: HostedPayment


@dataclass(frozen=True, slots=True)
class Noted:
    """A checkout's version with the payment kept. ``waits``: its attempt waits for money now."""

    version: int
    waits: bool


def attempt_id_of(key: str) -> str:
    """Return the id of the attempt that a request with this Idempotency-Key makes."""
    return f"attempt_{secret_hash(f'pay {key}')[:ATTEMPT_HASH_CHARACTERS]}"


def attempt_row(
    now: datetime, checkout: CheckoutRow, seen: CheckoutView, known: Terms, attempt_id: str
) -> tuple[AttemptRow, Wanted]:
    """Return the row of a try to pay what she sees, and what it buys, which is frozen in it."""
    if seen.promise is None:
        msg = "a checkout without a promise has a problem"
        raise AssertionError(msg)
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
    row = AttemptRow(
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
    return row, wanted


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
    return Wanted.read(db.get_one(AttemptRow, attempt_id, populate_existing=True).wanted)


def note_created(
    db: Session, clock: Clock, *, attempt_id: str, provider: str, payment: HostedPayment
) -> None:
    """Keep the payment that the provider has made; as :func:`note_many`, for one."""
    found = db.exec(select(AttemptRow.checkout_id).where(AttemptRow.id == attempt_id)).one()
    note_many(db, clock, [Made(attempt_id, found, provider, payment)])


def note_many(db: Session, clock: Clock, made: Sequence[Made]) -> dict[str, Noted]:
    """Keep payments that providers have made; again, or too late, does no harm. By attempt.

    For an attempt that has ended meanwhile it is kept too, so that it is closed there.
    """
    rows = [
        (
            one.attempt_id,
            one.provider,
            one.payment.provider_ref,
            one.payment.redirect_url,
            one.checkout_id,
        )
        for one in made
    ]
    *_, seen, _, waited = run_together(
        db,
        # The checkouts' rows first, in one order, as everywhere: they have something new to show.
        *_locks(db, [one.checkout_id for one in made]),
        Ask(_SEEN, _MADE, rows, {"now": clock.now()}),
        Ask(_HOLD, _MADE, rows),
        Ask(_WAIT, _MADE, rows),
    )
    versions, waiting = {row[0]: row[1] for row in seen}, {row[0] for row in waited}
    return {
        one.attempt_id: Noted(versions[one.checkout_id], one.attempt_id in waiting) for one in made
    }


def _locks(db: Session, checkout_ids: Sequence[str]) -> list[Ask]:
    if len(checkout_ids) < 2 or is_sqlite(db.connection()):  # noqa: PLR2004 - one waits in no circle
        return []
    locking = "SELECT 1 FROM {rows} JOIN checkout AS c ON c.id = d.id ORDER BY c.id FOR UPDATE OF c"
    return [Ask(locking, (("id", TEXT),), [(one,) for one in checkout_ids])]


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
