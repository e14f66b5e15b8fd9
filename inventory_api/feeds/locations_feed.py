"""Location rows to locations, zones and bays."""

from sqlmodel import Session

from cart.db.rows import INTEGER, PACKED, TEXT, run
from cart.kernel.clock import Clock
from inventory_api.catalogue import service
from inventory_api.feeds.applying import Applied, Firsts, Lines
from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import LocationRow, ZoneRow
from inventory_api.feeds.upsert import Table, packed

DOUBLE = "double precision"
_LOCATION = Table(
    "location",
    1,
    (
        ("id", TEXT),
        ("gln", TEXT),
        ("name", TEXT),
        ("name_i18n", PACKED),
        ("address", TEXT),
        ("city", TEXT),
        ("country", TEXT),
        ("latitude", DOUBLE),
        ("longitude", DOUBLE),
        ("timezone", TEXT),
        ("opening_hours", PACKED),
    ),
)
_ZONE = Table(
    "zone",
    2,
    (
        ("location_id", TEXT),
        ("zone_id", TEXT),
        ("name", TEXT),
        ("name_i18n", PACKED),
        ("walk_order", INTEGER),
    ),
)
_BAY = Table(
    "bay",
    3,
    (("location_id", TEXT), ("zone_id", TEXT), ("bay_id", TEXT), ("walk_order", INTEGER)),
)
# Shelves that are gone: what stood there has no place until the next count says one.
_HOMELESS = (
    "UPDATE stock SET zone_id = NULL, bay_id = NULL WHERE location_id IN (SELECT d.id FROM {rows})"
    " AND zone_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM zone AS z"
    " WHERE z.location_id = stock.location_id AND z.zone_id = stock.zone_id)"
)
_BAYLESS = (
    "UPDATE stock SET bay_id = NULL WHERE location_id IN (SELECT d.id FROM {rows})"
    " AND bay_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bay AS b"
    " WHERE b.location_id = stock.location_id AND b.zone_id = stock.zone_id"
    " AND b.bay_id = stock.bay_id)"
)
_ID = (("id", TEXT),)


class LocationsFeed:
    """One locations file. A row lists all zones and bays; those it does not list are removed."""

    model = LocationRow

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = Firsts("location_id")
        self._glns = Firsts("gln")

    def judge(self, line: int, row: LocationRow) -> list[Problem]:
        """Refuse a second row of a location or GLN, and zones or bays named twice."""
        twice = self._ids.problem(line, row.location_id, f"the location {row.location_id}")
        twice = twice or self._glns.problem(line, row.gln, f"the GLN {row.gln}")
        if twice:
            return [twice]
        zones = [zone.zone_id for zone in row.zones]
        bays = [(zone.zone_id, bay.bay_id) for zone in row.zones for bay in zone.bays]
        if len(set(zones)) != len(zones) or len(set(bays)) != len(bays):
            return [Problem(line, "zones", "a zone or bay is named twice")]
        return []

    def apply(self, db: Session, lines: Lines[LocationRow]) -> Applied:
        """Bring a chunk in."""
        service.lock(db)  # two imports of locations go one after the other, too
        held = _held_glns(db, lines)
        problems = [
            Problem(line, "gln", f"the GLN {row.gln} belongs to the location {held[row.gln]}")
            for line, row in lines
            if held.get(row.gln, row.location_id) != row.location_id
        ]
        left_out = {problem.line for problem in problems}
        rows = [row for line, row in lines if line not in left_out]
        ids = [row.location_id for row in rows]
        changed = {key[0] for key in _LOCATION.upsert(db, map(_location, rows))}
        zones = [_zone(row.location_id, zone) for row in rows for zone in row.zones]
        bays = [
            (row.location_id, zone.zone_id, bay.bay_id, bay.walk_order)
            for row in rows
            for zone in row.zones
            for bay in zone.bays
        ]
        gone = _BAY.keep_only(db, ids, {bay[:3] for bay in bays})
        gone |= _ZONE.keep_only(db, ids, {zone[:2] for zone in zones})
        changed |= {key[0] for key in gone | _ZONE.upsert(db, zones) | _BAY.upsert(db, bays)}
        if gone:
            run(db, _HOMELESS, _ID, [(one,) for one in ids])
            run(db, _BAYLESS, _ID, [(one,) for one in ids])
        return Applied(len(changed), problems)


def _held_glns(db: Session, lines: Lines[LocationRow]) -> dict[str, str]:
    found = run(
        db,
        "SELECT l.gln, l.id FROM {rows} JOIN location AS l ON l.gln = d.gln",
        (("gln", TEXT),),
        [(row.gln,) for _, row in lines],
    )
    return {row[0]: row[1] for row in found}


def _zone(location_id: str, zone: ZoneRow) -> tuple[object, ...]:
    return (
        location_id,
        zone.zone_id,
        zone.name or zone.zone_id,
        packed(zone.name_i18n),
        zone.walk_order,
    )


def _location(row: LocationRow) -> tuple[object, ...]:
    return (
        row.location_id,
        row.gln,
        row.name,
        packed(row.name_i18n),
        row.address,
        row.city,
        row.country,
        row.latitude,
        row.longitude,
        row.timezone,
        packed(row.opening_hours),
    )
