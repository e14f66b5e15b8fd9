"""Commands on bindings: claim by a phone, release, idle sweep. By a band: ``tapping``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import case
from sqlmodel import Session, col, select, update

from cart.carts import queries as carts
from cart.carts.apply import CartChange, apply
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.service import latest_at_us
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import ClaimExpired, ClaimUsed, UnknownClaim
from cart.kernel.ids import Ids, secret_hash
from gateway.binding import queries
from gateway.binding.model import (
    CLAIM_GRACE,
    ClaimAnswer,
    ClaimState,
    EndReason,
    judge_claim,
)
from gateway.binding.queries import Bound
from gateway.binding.tables import BindingRow
from gateway.commands.service import ask_claimed, ask_clear
from gateway.wire.claim_code import hashes_of

# A tablet may be offline all day, with people using it; it clears itself between them.
OFFLINE_IDLE = timedelta(days=1)
IDLE_BATCH_MAX = 500  # bindings ended in one sweep; the next sweep takes the rest


@dataclass(frozen=True, slots=True)
class Claim:
    """What a phone gets.

    ``merged``: pieces that were added to a cart the phone already had, 0 when
    it simply took the visit's cart; ``binding_id`` names the claim for an undo.
    """

    binding_id: str
    device_id: str
    visit: str
    session_id: str
    cart_id: str
    merged: int
    live: bool
    changes: tuple[CartChange, ...] = ()


def claim(db: Session, clock: Clock, ids: Ids, *, secret: str, session_id: str | None) -> Claim:
    """Let a phone take a visit's cart along. ``session_id``: the session the phone has, if any.

    A phone without a session gets the visit's own; one with an empty cart keeps
    its session and takes the visit's cart into it; one with lines keeps its cart
    and the visit's lines are added to it.

    Raises:
        UnknownClaim: nobody showed this link, or the tablet has not reported yet.
        ClaimUsed: another phone was first.
        ClaimExpired: the tablet was put down too long ago.
    """
    return _claim(db, clock, ids, secret_hash(secret), session_id)


def claim_typed(
    db: Session, clock: Clock, ids: Ids, *, typed: str, session_id: str | None
) -> Claim:
    """Do as :func:`claim`, by the code that the device shows beside its link.

    Whoever calls this counts tries first: 50 bits are not to be guessed while tries are few.

    Raises:
        UnknownClaim: as of a link; also what is no code, or that of two visits at once.
        ClaimUsed, ClaimExpired: as of a link.
    """
    hashes = hashes_of(typed)
    found = queries.of_code(db, hashes, clock.now() - CLAIM_GRACE) if hashes else None
    if found is None:
        msg = "no device has reported this code"
        raise UnknownClaim(msg)
    return _claim(db, clock, ids, found, session_id)


def _claim(db: Session, clock: Clock, ids: Ids, claim_hash: str, session_id: str | None) -> Claim:
    binding = queries.of_claim(db, claim_hash, session_id)
    if binding is None:
        msg = "no device has reported this link"
        raise UnknownClaim(msg)
    state = ClaimState(binding.session_id, binding.claimed_at_us is not None, binding.ended_at)
    match judge_claim(state, session_id, clock.now()):
        case ClaimAnswer.USED:
            msg = "another phone has taken this list along"
            raise ClaimUsed(msg)
        case ClaimAnswer.EXPIRED:
            msg = "the device was cleared too long ago"
            raise ClaimExpired(msg)
        case ClaimAnswer.AGAIN:
            return _answer(db, binding, binding.session_id, 0, ())
        case ClaimAnswer.TAKE:
            taken = take(db, clock, binding, session_id)
            if taken.live:
                ask_claimed(db, clock, ids, device_id=binding.device_id, visit=binding.visit)
            return taken


def take(
    db: Session,
    clock: Clock,
    binding: BindingRow,
    session_id: str | None,
    *,
    band_loan_id: str | None = None,
) -> Claim:
    """Give an unclaimed visit to this session, by the rules of :func:`claim`; tell nobody.

    ``binding`` and what the session holds are locked. ``band_loan_id``: the loan of the
    wristband by which it was taken.

    Raises:
        ClaimUsed: somebody was first.
    """
    visit_session = queries.session_of(db, binding.session_id)
    # Locked: of two tablets that a phone claims at once, the second sees what the first brought.
    phone_session = queries.session_of(db, session_id, lock=True) if session_id else None
    now_us = to_us(clock.now())
    merged, prior = 0, None
    changes: tuple[CartChange, ...] = ()
    owner = binding.session_id
    if phone_session is not None and visit_session is not None:
        owner = phone_session.id
        # A customer's cart is shown by her other phones, too: it is never put in another's place.
        # Nor is that of a band: a phone may show it, and nobody touches that one now.
        shown_elsewhere = phone_session.customer_id is not None or band_loan_id is not None
        if shown_elsewhere or carts.view(db, phone_session.cart_id).lines:
            prior = visit_session.cart_id
            merged, changes = _carry_over(
                db, clock, binding.id, visit_session.cart_id, phone_session.cart_id
            )
        else:
            phone_session.cart_id = visit_session.cart_id
            db.add(phone_session)
            db.flush()
    taken = db.exec(
        update(BindingRow)
        .where(col(BindingRow.id) == binding.id, col(BindingRow.claimed_at_us).is_(None))
        .values(
            session_id=owner,
            claimed_at_us=now_us,
            prior_cart_id=prior,
            band_loan_id=band_loan_id,
        )
    )
    if taken.rowcount != 1:
        msg = "another phone has taken this list along"
        raise ClaimUsed(msg)
    return _answer(db, binding, owner, merged, changes)


def _answer(
    db: Session,
    binding: BindingRow,
    owner: str,
    merged: int,
    changes: tuple[CartChange, ...],
) -> Claim:
    session = queries.session_of(db, owner)
    cart_id = session.cart_id if session else ""
    return Claim(
        binding.id,
        binding.device_id,
        binding.visit,
        owner,
        cart_id,
        merged,
        binding.ended_at is None,
        changes,
    )


def _carry_over(
    db: Session, clock: Clock, binding_id: str, from_cart: str, to_cart: str
) -> tuple[int, tuple[CartChange, ...]]:
    """Add the visit's lines to the phone's cart; return the pieces added."""
    visit_cart = carts.view(db, from_cart)
    at_us = next_at_us(to_us(clock.now()), max(latest_at_us(db, to_cart), visit_cart.latest_at_us))
    applied = apply(
        db,
        clock,
        [
            Operation(
                id=f"claim:{binding_id}:{line.gtin}",
                cart_id=to_cart,
                gtin=line.gtin,
                sku=line.sku,
                kind=Kind.ADD,
                quantity=line.quantity,
                at_us=at_us,
                source="claim",
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
            for line in visit_cart.lines
        ],
    )
    refused = sum(one.quantity for one, _ in applied.refused)
    return visit_cart.pieces - refused, applied.changes


def undo_merge(
    db: Session, clock: Clock, *, binding_id: str, session_id: str
) -> tuple[CartChange, ...]:
    """Take out again what a claim added to the phone's cart; a second time changes nothing.

    Raises:
        UnknownClaim: this session made no such claim.
    """
    binding = db.get(BindingRow, binding_id)
    if binding is None or binding.session_id != session_id or binding.prior_cart_id is None:
        msg = "there is nothing to undo"
        raise UnknownClaim(msg)
    session = queries.session_of(db, session_id)
    if session is None:
        return ()
    # First the time, which locks the cart: what is added meanwhile must not be taken out with it.
    at_us = next_at_us(to_us(clock.now()), latest_at_us(db, session.cart_id))
    cart = carts.view(db, session.cart_id)
    brought = {line.gtin: line.quantity for line in carts.view(db, binding.prior_cart_id).lines}
    applied = apply(
        db,
        clock,
        [
            Operation(
                id=f"unclaim:{binding_id}:{line.gtin}",
                cart_id=cart.id,
                gtin=line.gtin,
                sku=line.sku,
                kind=Kind.SET,
                quantity=max(0, line.quantity - brought[line.gtin]),
                at_us=at_us,
                source="claim",
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
            for line in cart.lines
            if line.gtin in brought
        ],
    )
    return applied.changes


def held_by(db: Session, session_id: str) -> list[str]:
    """Return the bindings of a session, ended ones too, locked in one order until the commit."""
    found = db.exec(
        select(BindingRow.id)
        .where(BindingRow.session_id == session_id)
        .order_by(col(BindingRow.id))
        .with_for_update()
    )
    return list(found.all())


def move(
    db: Session,
    clock: Clock,
    binding_ids: Sequence[str],
    *,
    session_id: str,
    prior_cart_id: str,
) -> None:
    """Let bindings follow their cart into another session, as a claim does.

    What their devices made before and report later belongs to ``prior_cart_id`` first; the
    difference follows.
    """
    fresh = col(BindingRow.prior_cart_id).is_(None)
    db.exec(
        update(BindingRow)
        .where(col(BindingRow.id).in_(binding_ids))
        .values(
            session_id=session_id,
            claimed_at_us=case((fresh, to_us(clock.now())), else_=col(BindingRow.claimed_at_us)),
            prior_cart_id=case((fresh, prior_cart_id), else_=col(BindingRow.prior_cart_id)),
        )
    )


def move_back(db: Session, binding_ids: Sequence[str], *, from_id: str, session_id: str) -> None:
    """Undo :func:`move` for those that are still where it took them."""
    db.exec(
        update(BindingRow)
        .where(col(BindingRow.id).in_(binding_ids), col(BindingRow.session_id) == from_id)
        .values(session_id=session_id)
    )


def release(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, visit: str, reason: str
) -> bool:
    """End a visit from here and ask the device to clear itself; say whether it was live.

    Its cart stays with whoever claimed it.
    """
    ended = db.exec(
        update(BindingRow)
        .where(
            col(BindingRow.device_id) == device_id,
            col(BindingRow.visit) == visit,
            col(BindingRow.ended_at).is_(None),
        )
        .values(ended_at=clock.now(), end_reason=reason)
    )
    if ended.rowcount:
        ask_clear(db, clock, ids, device_id=device_id, visit=visit, reason=reason)
    return bool(ended.rowcount)


def end_idle(db: Session, clock: Clock, ids: Ids, *, idle_s: int) -> list[Bound]:
    """End every visit without a sign for ``idle_s`` seconds; return them as they are now.

    A device that is offline is left alone for OFFLINE_IDLE.
    """
    now = clock.now()
    before_us = to_us(now - timedelta(seconds=idle_s))
    offline_before_us = to_us(now - max(OFFLINE_IDLE, timedelta(seconds=idle_s)))
    asleep = queries.idle(db, before_us, offline_before_us, IDLE_BATCH_MAX)
    over = queries.visits(db, [(row.device_id, row.visit) for row in asleep])
    for device_id, visit in over:
        release(db, clock, ids, device_id=device_id, visit=visit, reason=EndReason.IDLE)
    return [replace(bound, live=False) for bound in over.values()]
