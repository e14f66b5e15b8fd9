"""The next stop of a plan as a device in the shop says it: in one line, to whoever holds it."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlmodel import Session, col, select

from cart.db.rows import TEXT, run
from cart.kernel.clock import Clock
from cart.kernel.gtin import Gtin
from cart.ports import CatalogueLookup
from gateway.plans import opening
from gateway.plans.model import DAY_MAX, Followed
from gateway.plans.queries import followed
from gateway.plans.tables import PlanRow
from gateway.wire.downlink import NextStop
from inventory_api.catalogue.tables import ZoneRow
from inventory_api.places import Places

CURRENCY: Final = "EUR"  # of a lookup for names alone
_LANGUAGES: Final = ("he", "pl")  # that tablets speak beside English
_PLACES: Final = Places()


def next_stops(
    db: Session,
    clock: Clock,
    lookup: CatalogueLookup,
    held: Mapping[str, tuple[str, str]],
) -> dict[str, NextStop | None]:
    """Return the next stop for each device whose shopper has a plan for its location today.

    ``held``: device id to (session id, location id). None: she has been everywhere.
    """
    sessions = _planning(db, {session_id for session_id, _ in held.values()})
    if not sessions:
        return {}
    now = clock.now()
    rows = db.exec(
        select(PlanRow.session_id, PlanRow.location_id, PlanRow.comes_at).where(
            col(PlanRow.session_id).in_(sorted(sessions)),
            col(PlanRow.comes_at).between(now - DAY_MAX, now + DAY_MAX),
        )
    )
    planned = {session_id: (location_id, comes_at) for session_id, location_id, comes_at in rows}
    found: dict[str, NextStop | None] = {}
    stops: dict[str, NextStop | None] = {}
    for device_id, (session_id, location_id) in held.items():
        place, comes_at = planned.get(session_id, ("", now))
        if place != location_id:
            continue
        if not opening.same_day(_PLACES.facts(db, location_id), now, comes_at):
            continue
        if session_id not in stops:
            plan = followed(db, clock, _PLACES, session_id)
            stops[session_id] = _stop(db, lookup, plan) if plan is not None else None
        found[device_id] = stops[session_id]
    return found


def _planning(db: Session, session_ids: Collection[str]) -> set[str]:
    """Return those who have a plan: few do, and everybody who holds a device is asked about."""
    found = run(
        db,
        "SELECT p.session_id FROM {rows} JOIN shop_plan AS p ON p.session_id = d.session_id",
        (("session_id", TEXT),),
        [(session_id,) for session_id in session_ids],
    )
    return {row[0] for row in found}


def _stop(db: Session, lookup: CatalogueLookup, plan: Followed) -> NextStop | None:
    stop = plan.next
    if stop is None:
        return None
    zone = db.get(ZoneRow, (plan.location_id, stop.zone_id)) if stop.zone_id else None
    texts = zone.name_i18n if zone else {}
    line = next((one for one in plan.lines if one.gtin == stop.key), None)
    name = ""
    if line is not None:
        known = lookup(db, [Gtin(line.gtin)], currency=CURRENCY).get(line.gtin)
        name = known.name if known else line.gtin.shortest
    return NextStop(
        kind=stop.kind.value,
        zone=(zone.name if zone else "") or stop.zone_id,
        zone_i18n={one: texts[one] for one in _LANGUAGES if one in texts},
        bay=line.bay_id if line else "",
        gtin=line.gtin if line else None,
        name=name,
        at=stop.at,
    )
