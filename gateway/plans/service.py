"""Commands on a plan: made, ticked off, arrived, given up, taken along to an account, forgotten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from cart.carts.tables import CartOperationRow, ShopperSessionRow
from cart.db.guarded import write
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import PlanNotToday, TooManyLines, UnknownPlan
from cart.kernel.gtin import Gtin
from cart.ports import LocationFacts, Locations
from gateway.bands.tables import BandLoanRow
from gateway.floor.tables import BandPresenceRow
from gateway.notices import PlanChanged
from gateway.plans import bookings, opening
from gateway.plans.model import DAY_MAX, FORGOTTEN_MAX, KEPT, LINES_MAX
from gateway.plans.tables import BookingRow, BookingSlotRow, PlanLineRow, PlanRow
from gateway.wire.events import SOURCE_PREFIX
from inventory_api.places import Places

# Settled changes come in turns of a quarter second: whoever moved in the last one is rung for.
MOVED_WITHIN_S: Final = 5.0
_PLACES: Final = Places()
_BOOKABLE: Final = frozenset(kind.value for kind in opening.BOOKABLE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of the list that a plan is made from."""

    gtin: Gtin
    sku: str
    quantity: int


def make(
    db: Session,
    clock: Clock,
    facts: LocationFacts,
    *,
    session_id: str,
    comes_at: datetime,
    lines: Sequence[Wanted],
    called: str = "",
) -> PlanRow:
    """Make her plan, or make it anew: what was ticked off stays so, in the same shop.

    Bookings stay on the same day of the same shop, from her coming on; others are given back.

    Raises:
        TimeNotOffered: the shop is closed then, or it is over, or too far ahead.
        TooManyLines: more than LINES_MAX.
    """
    opening.check_open(facts, clock.now(), comes_at)
    if len(lines) > LINES_MAX:
        msg = f"{len(lines)} lines; a plan has {LINES_MAX}"
        raise TooManyLines(msg)
    # Of two phones of hers at once the second finds the first one's plan.
    db.exec(
        select(ShopperSessionRow.id)
        .where(ShopperSessionRow.id == session_id)
        .with_for_update(key_share=True)
    ).all()
    plan = db.get(PlanRow, session_id, populate_existing=True, with_for_update=True)
    if plan is None:
        plan = PlanRow(
            session_id=session_id, location_id=facts.id, comes_at=comes_at, made_at=clock.now()
        )
    same = plan.location_id == facts.id
    kept = _lines(db, session_id) if same else {}
    if not same or not opening.same_day(facts, plan.comes_at, comes_at):
        plan.arrived_at = None
    bookings.drop(
        db,
        [
            row
            for row in bookings.of_session(db, session_id)
            if row.location_id != facts.id
            or not opening.same_day(facts, row.starts_at, comes_at)
            or row.starts_at < comes_at
        ],
    )
    plan.location_id, plan.comes_at = facts.id, comes_at
    plan.called = " ".join(called.split())
    db.add(plan)
    write(db, delete(PlanLineRow).where(col(PlanLineRow.session_id) == session_id))
    for place, line in enumerate(lines):
        before = kept.get(line.gtin)
        db.add(
            PlanLineRow(
                session_id=session_id,
                gtin=line.gtin,
                sku=line.sku,
                quantity=line.quantity,
                place=place,
                to_try=before.to_try if before else False,
                done_at=before.done_at if before else None,
                undone_at=before.undone_at if before else None,
            )
        )
    db.flush()
    return plan


def _lines(db: Session, session_id: str) -> dict[str, PlanLineRow]:
    rows = db.exec(select(PlanLineRow).where(PlanLineRow.session_id == session_id)).all()
    for row in rows:
        db.expunge(row)
    return {row.gtin: row for row in rows}


def arrive(db: Session, clock: Clock, locations: Locations, session_id: str) -> PlanRow:
    """Note that she is here, because she says so; again changes nothing.

    Raises:
        UnknownPlan: she has none.
        PlanNotToday: she is expected on another day.
    """
    plan = bookings.held(db, session_id)
    facts = locations.facts(db, plan.location_id)
    if not opening.same_day(facts, clock.now(), plan.comes_at):
        msg = f"she is expected at {plan.comes_at.isoformat()}"
        raise PlanNotToday(msg)
    plan.arrived_at = plan.arrived_at or clock.now()
    db.add(plan)
    db.flush()
    return plan


def tick(db: Session, clock: Clock, *, session_id: str, key: str, done: bool) -> PlanRow:
    """Tick a stop of hers off, or take the tick back. ``key``: an article's code, or a booking.

    Raises:
        UnknownPlan: she has none, or this is not in it.
    """
    plan = bookings.held(db, session_id)
    now = clock.now()
    if key in _BOOKABLE:
        row = next((one for one in bookings.of_session(db, session_id) if one.serves == key), None)
        if row is not None:
            row.ticked_at = now if done else None
            db.add(row)
    else:
        row = None
        line = db.get(PlanLineRow, (session_id, key), populate_existing=True)
        if line is not None:
            line.done_at, line.undone_at = (now, None) if done else (None, now)
            db.add(line)
            db.flush()
            return plan
    if row is None:
        msg = f"{key} is not in the plan"
        raise UnknownPlan(msg)
    db.flush()
    return plan


def let_try(db: Session, *, session_id: str, gtin: str, to_try: bool) -> PlanRow:
    """Note whether she wants to try an article on: the fitting room comes after it.

    Raises:
        UnknownPlan: she has none, or this is not in it.
    """
    plan = bookings.held(db, session_id)
    line = db.get(PlanLineRow, (session_id, gtin), populate_existing=True)
    if line is None:
        msg = f"{gtin} is not in the plan"
        raise UnknownPlan(msg)
    line.to_try = to_try
    db.add(line)
    db.flush()
    return plan


def end(db: Session, session_id: str) -> PlanRow | None:
    """Give her plan up with all that is booked for it; return what it was, None if there is none.

    It is deleted: nothing of it stays.
    """
    try:
        plan = bookings.held(db, session_id)
    except UnknownPlan:
        return None
    bookings.drop(db, bookings.of_session(db, session_id))
    write(db, delete(PlanLineRow).where(col(PlanLineRow.session_id) == session_id))
    write(db, delete(PlanRow).where(col(PlanRow.session_id) == session_id))
    db.expunge(plan)
    return plan


def changed(db: Session, plan: PlanRow) -> PlanChanged:
    """Return the notice that a plan is another now."""
    session = db.get_one(ShopperSessionRow, plan.session_id)
    return PlanChanged(plan.location_id, plan.session_id, session.cart_id)


def seen(db: Session, clock: Clock, location_ids: Collection[str]) -> list[PlanChanged]:
    """Let those have come whose band is in the shop that they planned to visit.

    Where a band is, is known only of those who agreed to it. Returns whose plan is another: who
    has come just now, and who is in another zone.
    """
    now = clock.now()
    rows = db.exec(
        select(PlanRow, ShopperSessionRow.cart_id, BandPresenceRow.since)
        .join(ShopperSessionRow, col(ShopperSessionRow.id) == PlanRow.session_id)
        .join(BandLoanRow, col(BandLoanRow.session_id) == PlanRow.session_id)
        .join(
            BandPresenceRow,
            (col(BandPresenceRow.loan_id) == BandLoanRow.id)
            & (col(BandPresenceRow.location_id) == PlanRow.location_id),
        )
        .where(
            col(PlanRow.location_id).in_(sorted(location_ids)),
            col(PlanRow.comes_at).between(now - DAY_MAX, now + DAY_MAX),
            col(BandLoanRow.ended_at).is_(None),
            col(BandLoanRow.follow).is_(True),
        )
        .order_by(col(PlanRow.session_id))
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return []
    facts = {one: _PLACES.facts(db, one) for one in {plan.location_id for plan, _, _ in rows}}
    today = [
        row for row in rows if opening.same_day(facts[row[0].location_id], now, row[0].comes_at)
    ]
    here = [plan.session_id for plan, _, _ in today if plan.arrived_at is None]
    if here:
        write(
            db,
            update(PlanRow)
            .where(col(PlanRow.session_id).in_(here), col(PlanRow.arrived_at).is_(None))
            .values(arrived_at=now),
        )
    return [
        PlanChanged(plan.location_id, plan.session_id, cart_id)
        for plan, cart_id, since in today
        if plan.session_id in here or (now - since).total_seconds() <= MOVED_WITHIN_S
    ]


def came_in(db: Session, clock: Clock, *, session_id: str, location_id: str) -> list[PlanChanged]:
    """Let her have come who held her band to a door of the shop that she planned to visit today."""
    plan = db.exec(
        select(PlanRow)
        .where(PlanRow.session_id == session_id, PlanRow.location_id == location_id)
        .execution_options(populate_existing=True)
    ).first()
    if plan is None or plan.arrived_at is not None:
        return []
    if not opening.same_day(_PLACES.facts(db, location_id), clock.now(), plan.comes_at):
        return []
    plan.arrived_at = clock.now()
    db.add(plan)
    db.flush()
    return [changed(db, plan)]


def scanned(db: Session, plan: PlanRow, cart_id: str) -> set[str]:
    """Return the articles of a plan that a device of its shop put into her cart since.

    Since the plan was made, or since she took a tick back.
    """
    rows = db.exec(
        select(PlanLineRow.gtin, PlanLineRow.undone_at, CartOperationRow.received_at_us)
        .join(
            CartOperationRow,
            (col(CartOperationRow.cart_id) == cart_id)
            & (col(CartOperationRow.gtin) == PlanLineRow.gtin),
        )
        .where(
            PlanLineRow.session_id == plan.session_id,
            CartOperationRow.location_id == plan.location_id,
            col(CartOperationRow.kind).in_(["add", "set"]),
            col(CartOperationRow.quantity) > 0,
            col(CartOperationRow.source).startswith(SOURCE_PREFIX, autoescape=True),
        )
    )
    return {
        gtin
        for gtin, undone_at, received_at_us in rows
        if received_at_us > to_us(undone_at or plan.made_at)
    }


def move(db: Session, *, from_id: str, cart_id: str, session_id: str) -> bool:
    """Let a plan that was made without an account go along to it; say whether it did.

    She who has one there keeps that; then the other is given up. ``cart_id``: of the session
    that it comes from: what was scanned into it is ticked off.
    """
    plan = db.get(PlanRow, from_id, populate_existing=True, with_for_update=True)
    if plan is None:
        return False
    if db.get(PlanRow, session_id, populate_existing=True) is not None:
        end(db, from_id)
        return False
    for line in db.exec(
        select(PlanLineRow).where(
            PlanLineRow.session_id == from_id,
            col(PlanLineRow.gtin).in_(scanned(db, plan, cart_id)),
            col(PlanLineRow.done_at).is_(None),
        )
    ).all():
        line.done_at = plan.made_at
        db.add(line)
    db.flush()
    for table in (PlanRow, PlanLineRow, BookingRow):
        write(
            db,
            update(table).where(col(table.session_id) == from_id).values(session_id=session_id),
        )
    db.expire_all()
    return True


def forget(db: Session, clock: Clock) -> int:
    """Delete plans KEPT after their visit, and quarter hours as old; return how many plans."""
    before = clock.now() - KEPT
    old = db.exec(
        select(PlanRow.session_id)
        .where(col(PlanRow.comes_at) < before)
        .order_by(col(PlanRow.comes_at))
        .limit(FORGOTTEN_MAX)
        .with_for_update(skip_locked=True)
    ).all()
    for table in (BookingRow, PlanLineRow, PlanRow):
        write(db, delete(table).where(col(table.session_id).in_(old)))
    write(
        db,
        delete(BookingSlotRow).where(col(BookingSlotRow.starts_at) < before),
    )
    return len(old)
