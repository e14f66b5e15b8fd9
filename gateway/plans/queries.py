"""A plan as it stands now: its lines on the shelves of its shop, and the way that is left."""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from cart.carts.tables import ShopperSessionRow
from cart.kernel.clock import Clock
from cart.kernel.gtin import Gtin
from cart.ports import Bay, Locations
from gateway.bands.tables import BandLoanRow
from gateway.floor.queries import plan_of
from gateway.floor.tables import BandPresenceRow
from gateway.plans import bookings
from gateway.plans.model import Booked, BookingState, Followed, PlanLine
from gateway.plans.route import Ground, Kind, Stop, route
from gateway.plans.service import scanned
from gateway.plans.tables import PlanLineRow, PlanRow
from inventory_api.stock.queries import availability


def plan_for(db: Session, session_id: str) -> PlanRow | None:
    """Return her plan as it is now, None without one."""
    return db.get(PlanRow, session_id, populate_existing=True)


def followed(db: Session, clock: Clock, locations: Locations, session_id: str) -> Followed | None:
    """Return her plan with the way that is left, None without one."""
    plan = plan_for(db, session_id)
    if plan is None:
        return None
    rows = db.exec(
        select(PlanLineRow)
        .where(PlanLineRow.session_id == session_id)
        .order_by(col(PlanLineRow.place), col(PlanLineRow.gtin))
        .execution_options(populate_existing=True)
    ).all()
    cart_id = db.get_one(ShopperSessionRow, session_id).cart_id
    skus = [row.sku for row in rows]
    left = {
        one.sku: one.available
        for one in availability(db, skus, [plan.location_id], as_of=clock.now())
    }
    bays = locations.bays(db, location_id=plan.location_id, skus=skus)
    taken = scanned(db, plan, cart_id)
    lines = tuple(_line(row, left, bays, taken) for row in rows)
    booked = tuple(
        Booked(
            id=row.id,
            serves=Kind(row.serves),
            zone_id=row.zone_id,
            starts_at=row.starts_at,
            state=BookingState(row.state),
            ticked=row.ticked_at is not None,
        )
        for row in bookings.of_session(db, session_id)
    )
    here = zone_of(db, plan)
    stops = [
        *((_stop(line), line.done) for line in lines if line.available or line.done),
        *((_appointment(one), one.done) for one in booked),
    ]
    way = route(
        [stop for stop, done in stops if not done],
        Ground.of(plan_of(db, plan.location_id).zones),
        begins_at=clock.now() if plan.arrived_at else max(plan.comes_at, clock.now()),
        from_zone=here,
    )
    return Followed(
        session_id=session_id,
        location_id=plan.location_id,
        comes_at=plan.comes_at,
        called=plan.called,
        arrived_at=plan.arrived_at,
        lines=lines,
        booked=booked,
        way=way,
        done=tuple(stop for stop, done in stops if done),
        missing=tuple(line for line in lines if not line.available and not line.done),
        here=here,
    )


def zone_of(db: Session, plan: PlanRow) -> str:
    """Return the zone of the plan's shop in which her band is; "" if nobody knows, or may."""
    found = db.exec(
        select(BandPresenceRow.zone_id)
        .join(BandLoanRow, col(BandLoanRow.id) == BandPresenceRow.loan_id)
        .where(
            BandLoanRow.session_id == plan.session_id,
            BandPresenceRow.location_id == plan.location_id,
            col(BandLoanRow.ended_at).is_(None),
            col(BandLoanRow.follow).is_(True),
        )
    ).first()
    return found or ""


def _line(
    row: PlanLineRow, left: Mapping[str, int], bays: Mapping[str, Bay], taken: set[str]
) -> PlanLine:
    bay = bays.get(row.sku, Bay())
    return PlanLine(
        gtin=str.__new__(Gtin, row.gtin),  # verified when it came onto the list
        sku=row.sku,
        quantity=row.quantity,
        available=left.get(row.sku, 0),
        zone_id=bay.zone_id,
        bay_id=bay.bay_id,
        order=bay.walk_order,
        to_try=row.to_try,
        done=row.done_at is not None or row.gtin in taken,
    )


def _stop(line: PlanLine) -> Stop:
    kind = Kind.GOODS if line.zone_id else Kind.ASK
    return Stop(line.gtin, kind, line.zone_id, line.order, line.to_try)


def _appointment(one: Booked) -> Stop:
    return Stop(one.serves.value, one.serves, one.zone_id, at=one.starts_at)
