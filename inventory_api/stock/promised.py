"""The statements under promises: rows locked in one order, one guarded UPDATE for all SKUs.

Knows no verbs: :mod:`inventory_api.stock.promises` says what each step means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

from cart.db import is_sqlite
from cart.db.rows import INTEGER, TEXT, AnyRow, Ask, run, run_together
from inventory_api.stock.model import ON_HAND_MAX, Reason
from inventory_api.stock.queries import Pair
from inventory_api.stock.service import STAMP

_STEP: Final = (
    ("at_location", TEXT),
    ("of_sku", TEXT),
    ("on_hand_by", INTEGER),
    ("reserved_by", INTEGER),
    ("allocated_by", INTEGER),
    ("taken_by", INTEGER),
    ("released_by", INTEGER),
    ("anew", INTEGER),
    ("reference", TEXT),
)
_PIECES: Final = (("at_location", TEXT), ("of_sku", TEXT), ("quantity", INTEGER))
_WHERE: Final = "s.location_id = d.at_location AND s.sku = d.of_sku"
# Whoever locks many rows of stock does it in this order, so nobody waits in a circle.
# No key changes: ledger entries that point at the row need not wait.
_ORDER: Final = " ORDER BY s.location_id, s.sku"
_MOVE: Final = (
    "UPDATE stock AS s SET on_hand = s.on_hand + d.on_hand_by,"  # noqa: S608 - constants
    " reserved = s.reserved + d.reserved_by, allocated = s.allocated + d.allocated_by,"
    f" {STAMP} FROM {{rows}} WHERE {_WHERE}"
    f" AND s.on_hand + d.on_hand_by BETWEEN 0 AND {ON_HAND_MAX}"
    " AND s.reserved + d.reserved_by >= 0 AND s.allocated + d.allocated_by >= 0"
    " AND (d.anew = 0"
    " OR s.on_hand - s.safety_stock - s.reserved - s.allocated >= d.anew)"
    " RETURNING sku"
)
_KEEP: Final = (
    "INSERT INTO reservation (reference, sku, location_id, reserved, allocated, taken, released,"
    " reserved_until, created_at_us) SELECT d.reference, d.of_sku, d.at_location,"
    " d.reserved_by, 0, 0, 0, :until, :now_us FROM {rows} WHERE NOT EXISTS"
    " (SELECT 1 FROM reservation AS r WHERE r.reference = d.reference)"
    " ON CONFLICT (reference, sku) DO NOTHING RETURNING sku"
)
_TURN: Final = (
    "UPDATE reservation AS s SET reserved = s.reserved + d.reserved_by,"  # noqa: S608
    " allocated = s.allocated + d.allocated_by, taken = s.taken + d.taken_by,"
    f" released = s.released + d.released_by FROM {{rows}} WHERE {_WHERE}"
    " AND s.reference = d.reference AND s.reserved + d.reserved_by >= 0"
    " AND s.allocated + d.allocated_by >= 0 AND s.released + d.released_by >= 0 RETURNING sku"
)
_LEDGER: Final = (
    "INSERT INTO movement (location_id, sku, delta, reserved_delta, allocated_delta,"  # noqa: S608
    " reason, reference, at_us) SELECT s.location_id, s.sku, d.on_hand_by, d.reserved_by,"
    f" d.allocated_by, :reason, d.reference, :now_us FROM {{rows}} JOIN stock AS s ON {_WHERE}"
    f"{_ORDER} ON CONFLICT (reason, reference, location_id, sku) DO NOTHING"
)
_WALK: Final = (
    "INSERT INTO movement (location_id, sku, delta, reserved_delta, allocated_delta, picked_delta,"  # noqa: S608
    " reason, reference, at_us) SELECT s.location_id, s.sku, 0, 0, 0, d.quantity, :reason,"
    f" :reference, :now_us FROM {{rows}} JOIN stock AS s ON {_WHERE}"
    f"{_ORDER} ON CONFLICT (reason, reference, location_id, sku) DO NOTHING"
)
_PUT_BACK: Final = (
    "INSERT INTO stock AS s (location_id, sku, on_hand, reserved, allocated, safety_stock,"  # noqa: S608
    " version, changed_at_us) SELECT d.at_location, d.of_sku, d.quantity, 0, 0, 0, 1, :now_us"
    " FROM {rows} WHERE true ORDER BY d.at_location, d.of_sku"
    f" ON CONFLICT (location_id, sku) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand, {STAMP}"
    f" WHERE s.on_hand + excluded.on_hand <= {ON_HAND_MAX} RETURNING sku"
)
_BOOKED: Final = text(
    "SELECT location_id, sku, delta, reserved_delta, allocated_delta FROM movement"
    " WHERE reason = :reason AND reference = :reference"
)


@dataclass(frozen=True, slots=True)
class Step:
    """By how much the numbers of one SKU change. ``anew``: pieces that must be free for it."""

    location_id: str
    sku: str
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    taken: int = 0
    released: int = 0
    anew: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What is promised of one SKU under a reference."""

    location_id: str
    sku: str
    reserved: int
    allocated: int
    taken: int
    released: int

    @property
    def promised(self) -> int:
        """All that was ever promised: pieces move between the four numbers, and none is lost."""
        return self.reserved + self.allocated + self.taken + self.released


Entries = Sequence[tuple[str, Step]]  # each under its reference


def _rows(entries: Iterable[tuple[str, Step]]) -> list[tuple[object, ...]]:
    return [
        (
            step.location_id,
            step.sku,
            step.on_hand,
            step.reserved,
            step.allocated,
            step.taken,
            step.released,
            step.anew,
            reference,
        )
        for reference, step in entries
    ]


def lock(db: Session, location_id: str, skus: Sequence[str]) -> None:
    """Keep other writers off these rows until the end of the unit of work; in one order.

    SQLite has one writer at a time, and one row alone cannot be waited for in a circle.
    """
    if len(skus) > 1 and not is_sqlite(db.connection()):
        template = f"SELECT 1 FROM {{rows}} JOIN stock AS s ON {_WHERE}{_ORDER}"  # noqa: S608
        pieces = [(location_id, sku, 0) for sku in skus]
        run(db, f"{template} FOR NO KEY UPDATE OF s", _PIECES, pieces)


def held(db: Session, reference: str, *, locked: bool = False) -> dict[str, Held]:
    """Return what is promised under a reference, by SKU; ``locked``: with its rows of stock."""
    keep = " FOR NO KEY UPDATE OF r, s" if locked and not is_sqlite(db.connection()) else ""
    found = db.connection().execute(
        text(
            "SELECT r.location_id, r.sku, r.reserved, r.allocated, r.taken, r.released"  # noqa: S608
            " FROM reservation AS r JOIN stock AS s"
            " ON s.location_id = r.location_id AND s.sku = r.sku"
            f" WHERE r.reference = :reference{_ORDER}{keep}"
        ),
        {"reference": reference},
    )
    return {row[1]: Held(*row) for row in found}


def booked(db: Session, reason: Reason, reference: str) -> dict[Pair, int]:
    """Return what the ledger has under a fact: the pieces that it moved, however it did."""
    found = db.connection().execute(_BOOKED, {"reason": reason.value, "reference": reference})
    # A handover moves the same pieces out of two numbers at once.
    return {(row[0], row[1]): abs(row[2] or row[3] + row[4]) for row in found}


def held_many(db: Session, references: Iterable[str]) -> dict[str, list[Held]]:
    """Return what is promised under these references, with rows of stock, all of it locked."""
    keep = "" if is_sqlite(db.connection()) else " FOR NO KEY UPDATE OF r, s"
    found = run(
        db,
        "SELECT r.location_id, r.sku, r.reserved, r.allocated, r.taken, r.released, r.reference"  # noqa: S608
        " FROM {rows} JOIN reservation AS r ON r.reference = d.reference JOIN stock AS s"
        f" ON s.location_id = r.location_id AND s.sku = r.sku{_ORDER}, r.reference{keep}",
        (("reference", TEXT),),
        [(reference,) for reference in references],
    )
    known: dict[str, list[Held]] = {}
    for row in found:
        known.setdefault(row[6], []).append(Held(*row[:6]))
    return known


def free(db: Session, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """Return how many pieces may be promised of each; their rows are locked, in one order."""
    keep = "" if is_sqlite(db.connection()) else " FOR NO KEY UPDATE OF s"
    found = run(
        db,
        "SELECT s.location_id, s.sku, s.on_hand - s.safety_stock - s.reserved - s.allocated"  # noqa: S608
        f" FROM {{rows}} JOIN stock AS s ON {_WHERE}{_ORDER}{keep}",
        _PIECES,
        [(location_id, sku, 0) for location_id, sku in pairs],
    )
    return {(row[0], row[1]): row[2] for row in found}


def summed(steps: Iterable[Step]) -> list[Step]:
    """Return one step for each row of stock: what all these steps come to together."""
    total: dict[Pair, list[int]] = {}
    for step in steps:
        sums = total.setdefault((step.location_id, step.sku), [0] * 6)
        for place, number in enumerate(
            (step.on_hand, step.reserved, step.allocated, step.taken, step.released, step.anew)
        ):
            sums[place] += number
    return [Step(*pair, *sums) for pair, sums in total.items()]


def move(db: Session, steps: Sequence[Step], now_us: int) -> set[str]:
    """Change the numbers of stock where they allow it; return the SKUs that were changed.

    At most one step for a row of stock: :func:`summed` makes it so.
    """
    return {row[0] for row in _moved(db, steps, now_us)}


def _moved(db: Session, steps: Sequence[Step], now_us: int) -> Sequence[AnyRow]:
    return run(db, _MOVE, _STEP, _rows(("", step) for step in steps), {"now_us": now_us})


def keep(db: Session, entries: Entries, until: object, now_us: int) -> int:
    """Write new reservations; return how many their references did not have yet."""
    return len(run(db, _KEEP, _STEP, _rows(entries), {"until": until, "now_us": now_us}))


def turn(db: Session, entries: Entries) -> int:
    """Move pieces of reservations from one of their numbers to another; return how many did."""
    return len(run(db, _TURN, _STEP, _rows(entries)))


def enter(db: Session, reason: Reason, entries: Entries, now_us: int) -> None:
    """Write the ledger; an entry that is there already stays as it is."""
    run(db, _LEDGER, _STEP, _rows(entries), {"reason": reason.value, "now_us": now_us})


def keep_many(
    db: Session, reason: Reason, entries: Mapping[datetime, Entries], now_us: int
) -> bool:
    """Reserve for many references, with its ledger, in one round trip; say whether all could.

    ``entries`` by the time until which they are reserved. If not all could, this unit of
    work must not go on.
    """
    every = [entry for part in entries.values() for entry in part]
    together = summed(step for _, step in every)
    moved, *kept, _ = run_together(
        db,
        _move_ask(together, now_us),
        *(
            Ask(_KEEP, _STEP, _rows(part), {"until": until, "now_us": now_us})
            for until, part in entries.items()
        ),
        _ledger_ask(reason, every, now_us),
    )
    return len(moved) == len(together) and sum(map(len, kept)) == len(every)


def turn_many(db: Session, reason: Reason, entries: Entries, now_us: int) -> bool:
    """Move reserved pieces of many references, with its ledger; as :func:`keep_many`."""
    together = summed(step for _, step in entries)
    moved, turned, _ = run_together(
        db,
        _move_ask(together, now_us),
        Ask(_TURN, _STEP, _rows(entries)),
        _ledger_ask(reason, entries, now_us),
    )
    return len(moved) == len(together) and len(turned) == len(entries)


def _move_ask(steps: Sequence[Step], now_us: int) -> Ask:
    return Ask(_MOVE, _STEP, _rows(("", step) for step in steps), {"now_us": now_us})


def _ledger_ask(reason: Reason, entries: Entries, now_us: int) -> Ask:
    return Ask(_LEDGER, _STEP, _rows(entries), {"reason": reason.value, "now_us": now_us})


def under(reference: str, steps: Iterable[Step]) -> list[tuple[str, Step]]:
    """Return steps of one reference as entries."""
    return [(reference, step) for step in steps]


def walked(
    db: Session, location_id: str, fact: str, pieces: Mapping[str, int], now_us: int
) -> None:
    """Write pieces carried to the desk (above 0) or back to the shelf into the ledger, once."""
    for reason, sign in ((Reason.PICKED, 1), (Reason.UNPICKED, -1)):
        rows = [(location_id, sku, number) for sku, number in pieces.items() if number * sign > 0]
        if rows:
            extra = {"reason": reason.value, "reference": fact, "now_us": now_us}
            run(db, _WALK, _PIECES, rows, extra)


def put_back(db: Session, location_id: str, pieces: Mapping[str, int], now_us: int) -> set[str]:
    """Put pieces on hand, also where there never were any; return the SKUs that had room."""
    rows = [(location_id, sku, quantity) for sku, quantity in pieces.items()]
    return {row[0] for row in run(db, _PUT_BACK, _PIECES, rows, {"now_us": now_us})}
