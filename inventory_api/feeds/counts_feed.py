"""Counted rows to stock: on hand becomes what was counted, the ledger gets the difference."""

from sqlmodel import Session

from cart.db.rows import TEXT, run
from cart.kernel.clock import Clock
from inventory_api.feeds.applying import Applied, Firsts, Lines
from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import CountRow
from inventory_api.stock import queries
from inventory_api.stock.counting import Count, count_many

_NAME = (("name", TEXT),)


class CountsFeed:
    """One counts file. ``reference``: its digest, so the same file is known as the same count."""

    model = CountRow

    def __init__(self, clock: Clock, *, reference: str, run_id: str) -> None:
        self._clock = clock
        self._reference = reference
        self._run_id = run_id
        self._pairs = Firsts("sku")

    def judge(self, line: int, row: CountRow) -> list[Problem]:
        """Refuse a second count of a SKU at a location, and a bay without its zone."""
        if row.bay_id and not row.zone_id:
            return [Problem(line, "zone_id", f"the bay {row.bay_id} needs its zone")]
        shown = f"a count of {row.sku} at {row.location_id}"
        twice = self._pairs.problem(line, (row.location_id, row.sku), shown)
        return [twice] if twice else []

    def apply(self, db: Session, lines: Lines[CountRow]) -> Applied:
        """Count a chunk; rows with a name that the catalogue lacks are left out."""
        skus, locations = queries.names_known(
            db, {row.sku for _, row in lines}, {row.location_id for _, row in lines}
        )
        places = _places(db, locations)
        applied = Applied()
        counts = []
        for line, row in lines:
            problem = _unknown(line, row, skus, locations, places)
            if problem:
                applied.problems.append(problem)
            else:
                counts.append(Count(**row.model_dump()))
        changed = count_many(
            db, self._clock, counts, reference=self._reference, run_reference=self._run_id
        )
        applied.changed = len(changed)
        return applied


def _places(db: Session, locations: set[str]) -> set[tuple[str, ...]]:
    """Return ``(location, zone)`` and ``(location, zone, bay)`` of all there are."""
    names = [(location,) for location in sorted(locations)]
    zones = run(
        db,
        "SELECT z.location_id, z.zone_id FROM {rows} JOIN zone AS z ON z.location_id = d.name",
        _NAME,
        names,
    )
    bays = run(
        db,
        "SELECT b.location_id, b.zone_id, b.bay_id FROM {rows}"
        " JOIN bay AS b ON b.location_id = d.name",
        _NAME,
        names,
    )
    return {tuple(row) for row in (*zones, *bays)}


def _unknown(
    line: int,
    row: CountRow,
    skus: set[str],
    locations: set[str],
    places: set[tuple[str, ...]],
) -> Problem | None:
    if row.location_id not in locations:
        return Problem(line, "location_id", f"there is no location {row.location_id}")
    if row.sku not in skus:
        return Problem(line, "sku", f"the catalogue has no SKU {row.sku}")
    if row.zone_id and (row.location_id, row.zone_id) not in places:
        return Problem(line, "zone_id", f"{row.location_id} has no zone {row.zone_id}")
    if row.zone_id and row.bay_id and (row.location_id, row.zone_id, row.bay_id) not in places:
        return Problem(line, "bay_id", f"zone {row.zone_id} has no bay {row.bay_id}")
    return None
