"""Counts of many rows at once: what is on hand becomes what was counted.

A count is a movement of the difference. It has to know the old number, so the
rows are locked first, in one order, and written under their version.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.db.rows import BIGINT, INTEGER, TEXT, run
from cart.kernel.clock import Clock, to_us
from inventory_api.stock.model import Reason
from inventory_api.stock.queries import Pair, Position, positions

_STOCK = (
    ("location_id", TEXT),
    ("sku", TEXT),
    ("on_hand", INTEGER),
    ("safety_stock", INTEGER),
    ("zone_id", TEXT),
    ("bay_id", TEXT),
    ("version", BIGINT),
    ("changed_at_us", BIGINT),
    ("count_reference", TEXT),
    ("version_now", BIGINT),
)
_NAMES = ", ".join(name for name, _ in _STOCK[:-1])
_VALUES = ", ".join(f"d.{name}" for name, _ in _STOCK[:-1])
_INSERT = (
    f"INSERT INTO stock ({_NAMES}, reserved, allocated) SELECT {_VALUES}, 0, 0 FROM {{rows}}"  # noqa: S608
    " WHERE true ON CONFLICT (location_id, sku) DO NOTHING RETURNING location_id, sku"
)
_UPDATE = (
    "UPDATE stock AS s SET on_hand = d.on_hand, safety_stock = d.safety_stock,"
    " zone_id = d.zone_id, bay_id = d.bay_id, version = d.version,"
    " changed_at_us = d.changed_at_us, count_reference = d.count_reference FROM {rows}"
    " WHERE s.location_id = d.location_id AND s.sku = d.sku AND s.version = d.version_now"
    " RETURNING 1"
)
_MOVEMENT = (
    ("location_id", TEXT),
    ("sku", TEXT),
    ("delta", INTEGER),
)
_LEDGER = (
    "INSERT INTO movement (location_id, sku, delta, reason, reference, at_us)"
    " SELECT d.location_id, d.sku, d.delta, :reason, :reference, :now_us FROM {rows}"
)


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted. None: the count does not say, so it stays as it was."""

    location_id: str
    sku: str
    on_hand: int
    safety_stock: int | None = None
    zone_id: str | None = None
    bay_id: str | None = None

    @property
    def pair(self) -> Pair:
        """Where and what."""
        return self.location_id, self.sku


def count_many(
    db: Session, clock: Clock, counts: Sequence[Count], *, reference: str, run_reference: str
) -> set[Pair]:
    """Apply counts of different pairs; return the pairs where something changed.

    ``reference``: the count itself. A row that already rests on it is left
    alone, whatever has been sold since. ``run_reference``: goes to the ledger;
    unique per pair. Names must be known (checked by the caller).
    """
    ordered = sorted(counts, key=lambda count: count.pair)  # one order of locks: no deadlock
    there = positions(db, [count.pair for count in ordered], lock=True)
    now_us = to_us(clock.now())
    new = [count for count in ordered if count.pair not in there]
    fresh = [_row(count, None, now_us, reference) for count in new]
    inserted = {(row[0], row[1]) for row in run(db, _INSERT, _STOCK, fresh)}
    overtaken = [count.pair for count in new if count.pair not in inserted]
    there |= positions(db, overtaken, lock=True)

    known = [(count, there[count.pair]) for count in ordered if count.pair not in inserted]
    recounted = [
        (_row(count, old, now_us, reference), old)
        for count, old in known
        if old.count_reference != reference
    ]
    written = run(db, _UPDATE, _STOCK, [row for row, _ in recounted])
    if len(written) != len(recounted):
        msg = "a locked stock row was changed by somebody else"
        raise AssertionError(msg)
    deltas = [(*count.pair, count.on_hand) for count in new if count.pair in inserted]
    deltas += [(old.location_id, old.sku, row[2] - old.on_hand) for row, old in recounted]
    extra = {"reason": Reason.COUNTED.value, "reference": run_reference, "now_us": now_us}
    run(db, _LEDGER, _MOVEMENT, [delta for delta in deltas if delta[2]], extra)
    return inserted | {old_pair(old) for row, old in recounted if row[6] != old.version}


def old_pair(position: Position) -> Pair:
    """Return where and what a position is about."""
    return position.location_id, position.sku


def _row(
    count: Count, old: Position | None, now_us: int, reference: str
) -> tuple[str, str, int, int, str | None, str | None, int, int, str, int]:
    """Return the row's new values; its version grows only if a value differs."""
    if old is None:
        place = (count.zone_id, count.bay_id)
        buffer = count.safety_stock or 0
        return (*count.pair, count.on_hand, buffer, *place, 1, now_us, reference, 0)
    buffer = old.safety_stock if count.safety_stock is None else count.safety_stock
    zone_id = old.zone_id if count.zone_id is None else count.zone_id
    bay_id = old.bay_id if count.zone_id is None else count.bay_id
    same = (count.on_hand, buffer, zone_id, bay_id) == (
        old.on_hand,
        old.safety_stock,
        old.zone_id,
        old.bay_id,
    )
    version = old.version if same else old.version + 1
    changed_at_us = old.changed_at_us if same else max(now_us, old.changed_at_us + 1)
    return (
        *count.pair,
        count.on_hand,
        buffer,
        zone_id,
        bay_id,
        version,
        changed_at_us,
        reference,
        old.version,
    )
