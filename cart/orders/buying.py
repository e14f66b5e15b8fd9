"""Many payments that came in time and in full become orders in one transaction.

Does what :mod:`cart.orders.settling` does for one message, with a handful of statements
for all. Whatever is unusual (a refusal, another amount, late money, a repeat) is left to it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, select
from sqlmodel import Session, col

from cart.carts.apply import CartChange
from cart.db.rows import TEXT, run
from cart.kernel.clock import Clock
from cart.kernel.errors import Conflict
from cart.kernel.ids import Ids
from cart.orders import placing, renewing
from cart.orders.model import ATTEMPT_OPEN, AttemptState, CheckoutState, TenderState
from cart.orders.placing import Placed, Placing
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from cart.orders.wanted import Wanted
from cart.ports import PaymentNews, Shop

_Head = Row[*tuple[Any, ...]]  # with a name for each column
_EVENTS: Final = (("event_id", TEXT), ("provider_ref", TEXT), ("outcome", TEXT))
_REMEMBER: Final = (
    "INSERT INTO provider_event (provider, event_id, provider_ref, outcome, received_at)"
    " SELECT CAST(:provider AS varchar), d.event_id, d.provider_ref, d.outcome, :now"
    " FROM {rows} WHERE true ON CONFLICT (provider, event_id) DO NOTHING RETURNING event_id"
)
_OPEN: Final = ", ".join(f"'{state.value}'" for state in ATTEMPT_OPEN)
_SUCCEED: Final = (
    f"UPDATE pay_attempt SET state = '{AttemptState.SUCCEEDED.value}', failure = '',"  # noqa: S608
    " ended_at = :now FROM {rows} WHERE pay_attempt.id = d.id AND pay_attempt.state IN"
    f" ({_OPEN}) RETURNING pay_attempt.id"
)

_HEADS: Final[Select[*tuple[Any, ...]]] = (
    select(
        col(TenderRow.provider_ref).label("provider_ref"),
        col(TenderRow.state).label("tender_state"),
        col(TenderRow.amount_minor).label("amount_minor"),
        col(TenderRow.currency).label("currency"),
        col(AttemptRow.id).label("attempt_id"),
        col(AttemptRow.state).label("attempt_state"),
        col(AttemptRow.total_minor).label("total_minor"),
        col(AttemptRow.shipping_minor).label("shipping_minor"),
        col(AttemptRow.currency).label("attempt_currency"),
        col(AttemptRow.wanted).label("wanted"),
        col(AttemptRow.promise_at).label("promise_at"),
        col(CheckoutRow.id).label("checkout_id"),
        col(CheckoutRow.state).label("checkout_state"),
        col(CheckoutRow.attempt_id).label("current_attempt_id"),
        col(CheckoutRow.cart_id).label("cart_id"),
        col(CheckoutRow.session_id).label("session_id"),
    )
    .join_from(TenderRow, AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
    .join(CheckoutRow, col(CheckoutRow.id) == col(AttemptRow.checkout_id))
    .where(
        col(TenderRow.provider) == bindparam("provider"),
        col(TenderRow.provider_ref).in_(bindparam("refs", expanding=True)),
    )
    .order_by(col(CheckoutRow.id))
    # All three: what is read after the wait for a lock is as it is now.
    .with_for_update(of=[CheckoutRow, AttemptRow, TenderRow])
)


@dataclass(frozen=True, slots=True)
class Bought:
    """An order that a payment bought. ``changed``: the cart that it left, if it did."""

    checkout_id: str
    checkout_version: int
    attempt_id: str
    placed: Placed
    changed: CartChange | None


def settle_many(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    provider: str,
    messages: Sequence[PaymentNews],
) -> list[Bought | None]:
    """Settle the messages that are as they should be; None for one that is for ``settle``.

    Raises:
        Conflict, LimitExceeded: something changed that was locked, or no ticket is free; this
            unit of work must not go on, and each message is for ``settle``.
    """
    heads = _heads(db, provider, {one.provider_ref for one in messages})
    usual = _usual(heads, messages, clock.now())
    fresh = _remembered(db, clock, provider, usual)
    paid = {one.provider_ref: heads[one.provider_ref] for one in usual if one.event_id in fresh}
    attempt_ids = [head.attempt_id for head in paid.values()]
    if shop.stock.allocate_many(db, clock, attempt_ids) != set(attempt_ids):
        msg = "pieces of an open attempt are not reserved"
        raise Conflict(msg)
    _succeed(db, clock.now(), attempt_ids)
    placings = [
        Placing(
            checkout_id=head.checkout_id,
            cart_id=head.cart_id,
            session_id=head.session_id,
            attempt_id=head.attempt_id,
            total_minor=head.total_minor,
            shipping_minor=head.shipping_minor,
            currency=head.attempt_currency,
            promise_at=head.promise_at,
            wanted=Wanted.read(head.wanted),
        )
        for head in paid.values()
    ]
    made = placing.place_many(db, clock, ids, placings)
    bought = {
        ref: Bought(head.checkout_id, version, head.attempt_id, placed, changed)
        for (ref, head), (placed, version, changed) in zip(paid.items(), made, strict=True)
    }
    # Of the same payment told of twice at once, the second is for the way for one.
    return [bought.pop(one.provider_ref, None) if one in usual else None for one in messages]


def _heads(db: Session, provider: str, refs: Collection[str]) -> dict[str, _Head]:
    """Return what the payments are for, by their ids there; the checkouts locked in one order."""
    found = db.connection().execute(_HEADS, {"provider": provider, "refs": sorted(refs)})
    return {row.provider_ref: row for row in found}


def _usual(
    heads: dict[str, _Head], messages: Sequence[PaymentNews], now: datetime
) -> list[PaymentNews]:
    """Return the messages of money that came in time and in full, one for each checkout."""
    often = Counter(one.event_id for one in messages)
    chosen: dict[str, PaymentNews] = {}
    for one in messages:
        head = heads.get(one.provider_ref)
        if (
            head is not None
            and head.checkout_id not in chosen
            and one.event_id
            and often[one.event_id] == 1
            and one.outcome == "captured"
            and (one.amount_minor, one.currency) == (head.amount_minor, head.currency)
            and head.tender_state == TenderState.HELD
            and head.attempt_state in ATTEMPT_OPEN
            and head.checkout_state == CheckoutState.PAYING
            and head.current_attempt_id == head.attempt_id
            and not renewing.is_over(head.promise_at, now)
        ):
            chosen[head.checkout_id] = one
    return list(chosen.values())


def _remembered(
    db: Session, clock: Clock, provider: str, messages: Iterable[PaymentNews]
) -> set[str]:
    """Remember the messages; return the ids of those that are new."""
    rows = [(one.event_id, one.provider_ref, one.outcome) for one in messages]
    bound = {"provider": provider, "now": clock.now()}
    return {row[0] for row in run(db, _REMEMBER, _EVENTS, rows, bound)}


def _succeed(db: Session, now: datetime, attempt_ids: Sequence[str]) -> None:
    rows = [(attempt_id,) for attempt_id in attempt_ids]
    if len(run(db, _SUCCEED, (("id", TEXT),), rows, {"now": now})) != len(attempt_ids):
        msg = "an attempt was changed under its checkout's lock"
        raise Conflict(msg)
