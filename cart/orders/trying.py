"""Many tries to pay promise what they need in one transaction.

Does what :func:`cart.orders.paying.begin` does for one, with a handful of statements for
all. Whatever is unusual (a repeat, a voucher, something to decide, too few pieces) is left
to it, which says it in full.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from cart.db.rows import TEXT, Ask, New, run, run_together
from cart.kernel.clock import Clock
from cart.kernel.errors import Conflict
from cart.kernel.ids import Ids
from cart.orders import slots
from cart.orders.attempts import Wish, attempt_row
from cart.orders.facts import Estimate
from cart.orders.model import CheckoutState, TenderKind
from cart.orders.seen import Seen
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow
from cart.orders.terms import Terms
from cart.orders.view import CheckoutView, held, open_views
from cart.ports import LocationFacts, Promising, Shop

_LOCK: Final = (
    select(CheckoutRow)
    .where(col(CheckoutRow.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(CheckoutRow.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_KNOWN: Final = "SELECT a.id FROM {rows} JOIN pay_attempt AS a ON a.id = d.id"
_PAYING: Final = (("id", TEXT), ("attempt_id", TEXT))
_TAKE: Final = (
    f"UPDATE checkout SET state = '{CheckoutState.PAYING.value}', attempt_id = d.attempt_id,"  # noqa: S608
    " version = checkout.version + 1, changed_at = :now FROM {rows} WHERE checkout.id = d.id"
    f" AND checkout.state = '{CheckoutState.OPEN.value}' RETURNING checkout.id, checkout.version"
)


@dataclass(frozen=True, slots=True)
class Try:
    """What a shopper asks for: to pay her checkout as she saw it."""

    checkout_id: str
    session_id: str
    attempt_id: str
    shown: Seen


@dataclass(frozen=True, slots=True)
class Tried:
    """A try whose pieces are reserved, and what its provider is to be asked for.

    ``view``: the checkout as it is now.
    """

    attempt_id: str
    checkout_version: int
    place: LocationFacts
    wish: Wish
    view: CheckoutView


def begin_many(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    tries: Sequence[Try],
    *,
    estimate: Estimate,
) -> list[Tried | None]:
    """Begin the tries that are as they should be; None for one that is for ``begin``.

    ``estimate``: how long the desk would need for a number of pieces of a checkout.

    Raises:
        Conflict, InsufficientStock: somebody was faster; this unit of work must not go on,
            and each try is for ``begin``.
    """
    checkouts, now = _locked(db, {one.checkout_id for one in tries}), clock.now()
    chosen = _chosen(db, checkouts, tries)
    views = open_views(
        db, clock, shop, [checkouts[one.checkout_id] for one in chosen], estimate=estimate
    )
    attempts: dict[str, AttemptRow] = {}
    wanted: list[Promising] = []
    for one in chosen:
        seen = views[one.checkout_id]
        totals = seen.totals
        # What a voucher pays, or what costs nothing, asks no provider.
        if seen.problems or not totals.rest_minor == totals.total_minor > 0:
            continue
        if not one.shown.still_is(seen):
            continue
        checkout = checkouts[one.checkout_id]
        located = seen.terms or Terms(checkout.location_id)
        attempt, frozen = attempt_row(now, checkout, seen, located, one.attempt_id)
        attempts[one.attempt_id] = attempt
        place = checkout.location_id
        wanted.append(Promising(attempt.id, place, frozen.pieces, attempt.reserved_until))
    reserved = shop.stock.reserve_many(db, clock, wanted)
    begun = [one for one in chosen if one.attempt_id in reserved]
    _take_slots(db, begun, attempts, views)
    rows = [attempts[one.attempt_id] for one in begun]
    paying = [(one.checkout_id, one.attempt_id) for one in begun]
    *_, taken = run_together(
        db,
        New(rows),
        New([_tender(ids, attempt) for attempt in rows]),
        Ask(_TAKE, _PAYING, paying, {"now": now}),
    )
    versions = {row[0]: row[1] for row in taken}
    if len(versions) < len(begun):
        msg = "a checkout was changed under its lock"
        raise Conflict(msg)
    made = {
        one.attempt_id: _tried(
            checkouts[one.checkout_id],
            attempts[one.attempt_id],
            views[one.checkout_id],
            versions[one.checkout_id],
        )
        for one in begun
    }
    # Of two tries under one id, at once, the second is for the way for one.
    return [made.pop(one.attempt_id, None) if one in begun else None for one in tries]


def _locked(db: Session, checkout_ids: Collection[str]) -> dict[str, CheckoutRow]:
    """Return the checkouts; they are locked in one order."""
    found = db.execute(_LOCK, {"ids": sorted(checkout_ids)}).scalars()
    return {row.id: row for row in found}


def _chosen(db: Session, checkouts: Mapping[str, CheckoutRow], tries: Sequence[Try]) -> list[Try]:
    """Return the tries of people at an open checkout of their own, one for each."""
    found = run(db, _KNOWN, (("id", TEXT),), [(one.attempt_id,) for one in tries])
    known = {row[0] for row in found}
    chosen: dict[str, Try] = {}
    for one in tries:
        checkout = checkouts.get(one.checkout_id)
        if (
            checkout is not None
            and checkout.session_id == one.session_id
            and checkout.state == CheckoutState.OPEN
            and checkout.voucher_id is None
            and one.attempt_id not in known
            and one.checkout_id not in chosen
        ):
            chosen[one.checkout_id] = one
            known.add(one.attempt_id)
    return list(chosen.values())


def _take_slots(
    db: Session,
    begun: Sequence[Try],
    attempts: Mapping[str, AttemptRow],
    views: Mapping[str, CheckoutView],
) -> None:
    """Take the quarter hours of locations that count them, in one order.

    Raises:
        Conflict: one has too few places left for all.
    """
    places: Counter[tuple[str, datetime, int]] = Counter()
    for one in begun:
        seen, slot_at = views[one.checkout_id], attempts[one.attempt_id].slot_at
        capacity = seen.terms.orders_per_quarter if seen.terms else None
        if slot_at is not None and capacity is not None:
            places[seen.place.id, slot_at, capacity] += 1
    for (location_id, starts_at, capacity), count in sorted(places.items()):
        if not slots.take(
            db, location_id=location_id, starts_at=starts_at, capacity=capacity, count=count
        ):
            msg = "a quarter hour has too few places left for all of these"
            raise Conflict(msg)


def _tender(ids: Ids, attempt: AttemptRow) -> TenderRow:
    return TenderRow(
        id=ids.new("tender"),
        attempt_id=attempt.id,
        kind=TenderKind.PROVIDER.value,
        amount_minor=attempt.total_minor,
        currency=attempt.currency,
        created_at=attempt.started_at,
    )


def _tried(checkout: CheckoutRow, attempt: AttemptRow, seen: CheckoutView, version: int) -> Tried:
    wish = Wish(
        amount_minor=attempt.total_minor,
        currency=attempt.currency,
        expires_at=attempt.reserved_until,
        email=checkout.email,
        locale=checkout.locale,
        checkout_id=checkout.id,
        location_id=checkout.location_id,
        provider_ref=None,
    )
    return Tried(attempt.id, version, seen.place, wish, held(seen, attempt, version))
