"""Every select on stock and its ledger."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from cart.db.rows import TEXT, AnyRow, Ask, run, run_together
from cart.kernel.clock import SystemClock, from_us
from inventory_api.stock.model import available

PAIR = (("location_id", TEXT), ("sku", TEXT))
Pair = tuple[str, str]  # location id, SKU

_STATE = "s.location_id, s.sku, s.on_hand, s.safety_stock, s.reserved, s.allocated, s.version"


@dataclass(frozen=True, slots=True)
class Availability:
    """Pieces of a SKU at a location.

    ``as_of``: when this was read. ``changed_at_us``: when a number last changed;
    0 (and version 0) where the location never had the SKU.
    """

    location_id: str
    sku: str
    on_hand: int
    available: int
    version: int
    as_of: datetime
    changed_at_us: int = 0


@dataclass(frozen=True, slots=True)
class StockChange:
    """The state of a stock row after a change; a higher ``version`` replaces a lower one."""

    location_id: str
    sku: str
    gtin: str
    product_id: str
    available: int
    version: int
    changed_at_us: int

    @property
    def as_of(self) -> datetime:
        """The moment of the change."""
        return from_us(self.changed_at_us)


@dataclass(frozen=True, slots=True)
class Position:
    """All there is to say about a SKU at a location, for an operator."""

    location_id: str
    sku: str
    on_hand: int
    safety_stock: int
    reserved: int
    allocated: int
    zone_id: str | None
    bay_id: str | None
    version: int
    changed_at_us: int
    count_reference: str | None

    @property
    def available(self) -> int:
        """Pieces that may still be promised."""
        return available(self.on_hand, self.safety_stock, self.reserved, self.allocated)


def availability(
    db: Session,
    skus: Collection[str],
    location_ids: Collection[str],
    *,
    as_of: datetime | None = None,
) -> list[Availability]:
    """Return every SKU at every location, one entry per pair, in the order asked for.

    One statement, whatever the number of pairs. Where there is no stock row,
    nothing is on hand. ``as_of``: the moment of reading, if the caller's clock
    is not the system's.
    """
    moment = as_of or SystemClock().now()
    ask = availability_ask(skus, location_ids)
    return availability_of(run(db, ask.template, ask.columns, ask.rows), ask, moment)


def availability_ask(skus: Collection[str], location_ids: Collection[str]) -> Ask:
    """Ask for :func:`availability`, whose rows :func:`availability_of` reads."""
    return Ask(
        f"SELECT {_STATE}, s.changed_at_us FROM {{rows}}"  # noqa: S608 - our own column names
        " JOIN stock AS s ON s.location_id = d.location_id AND s.sku = d.sku",
        PAIR,
        [(location_id, sku) for sku in skus for location_id in location_ids],
    )


def availability_of(rows: Iterable[AnyRow], ask: Ask, moment: datetime) -> list[Availability]:
    """Return what was found for ``ask``, one entry per pair in its order."""
    found = {(row[0], row[1]): row for row in rows}
    answer = []
    for location_id, sku in ask.rows:
        pair = (str(location_id), str(sku))
        row = found.get(pair)
        if row is None:
            answer.append(Availability(*pair, 0, 0, 0, moment))
        else:
            atp = available(row[2], row[3], row[4], row[5])
            answer.append(Availability(*pair, row[2], atp, row[6], moment, row[7]))
    return answer


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to many SKUs at many locations: the pairs of known names, and what is unknown."""

    found: list[Availability]
    unknown_skus: list[str]
    unknown_location_ids: list[str]


def asked(
    db: Session,
    questions: Sequence[tuple[Collection[str], Collection[str]]],
    *,
    as_of: datetime,
) -> list[Asked]:
    """Return availability of those SKUs and locations that the catalogue has, per question.

    A question is SKUs and location ids. One statement for all of them.
    """
    wanted = [_pairs(skus, location_ids) for skus, location_ids in questions]
    ask = Ask(
        "SELECT d.location_id, d.sku, l.id IS NOT NULL, v.sku IS NOT NULL, s.on_hand,"
        " s.safety_stock, s.reserved, s.allocated, s.version, s.changed_at_us FROM {rows}"
        " LEFT JOIN stock AS s ON s.location_id = d.location_id AND s.sku = d.sku"
        " LEFT JOIN location AS l ON l.id = d.location_id"
        " LEFT JOIN variant AS v ON v.sku = d.sku",
        PAIR,
        list(dict.fromkeys(pair for pairs in wanted for pair in pairs)),
    )
    (rows,) = run_together(db, ask)
    by_pair = {(row[0], row[1]): row for row in rows}
    return [_asked([by_pair[pair] for pair in pairs], as_of) for pairs in wanted]


def _pairs(skus: Collection[str], location_ids: Collection[str]) -> list[Pair]:
    places = dict.fromkeys(location_ids)
    return [(location_id, sku) for sku in dict.fromkeys(skus) for location_id in places]


def _asked(rows: Sequence[AnyRow], as_of: datetime) -> Asked:
    found = []
    for row in rows:
        if row[4] is not None:
            atp = available(row[4], row[5], row[6], row[7])
            found.append(Availability(row[0], row[1], row[4], atp, row[8], as_of, row[9]))
        elif row[2] and row[3]:
            found.append(Availability(row[0], row[1], 0, 0, 0, as_of))
    return Asked(
        found,
        sorted({row[1] for row in rows if not row[3]}),
        sorted({row[0] for row in rows if not row[2]}),
    )


def changed_since(
    db: Session, mark_us: int, limit: int, *, after: Pair = ("", "")
) -> list[StockChange]:
    """Return stock rows by the time of their last change, oldest first, at most ``limit``.

    Strictly after ``(mark_us, *after)``; so ``after=(last.location_id, last.sku)``
    with ``mark_us=last.changed_at_us`` turns the page. A transaction may commit
    after one with a later time has been seen: who follows the changes reads
    again from ``OVERLAP_US`` before the mark and discards what it knows by
    version. :class:`inventory_api.stock.tail.Tail` does that.
    """
    found = db.connection().execute(
        text(
            f"SELECT {_STATE}, s.changed_at_us, v.gtin, v.product_id"  # noqa: S608 - as above
            " FROM stock AS s JOIN variant AS v ON v.sku = s.sku"
            " WHERE (s.changed_at_us, s.location_id, s.sku) > (:mark_us, :location_id, :sku)"
            " ORDER BY s.changed_at_us, s.location_id, s.sku LIMIT :limit"
        ),
        {"mark_us": mark_us, "location_id": after[0], "sku": after[1], "limit": limit},
    )
    return [
        StockChange(
            location_id=row[0],
            sku=row[1],
            gtin=row[8],
            product_id=row[9],
            available=available(row[2], row[3], row[4], row[5]),
            version=row[6],
            changed_at_us=row[7],
        )
        for row in found
    ]


def positions(db: Session, pairs: Iterable[Pair], *, lock: bool = False) -> dict[Pair, Position]:
    """Return the rows of these pairs; ``lock`` keeps other writers off them until the commit.

    SQLite has one writer at a time, so there is nothing to lock there.
    """
    locking = " FOR UPDATE OF s" if lock and db.get_bind().dialect.name != "sqlite" else ""
    found = run(
        db,
        "SELECT s.location_id, s.sku, s.on_hand, s.safety_stock, s.reserved, s.allocated,"  # noqa: S608
        " s.zone_id, s.bay_id, s.version, s.changed_at_us, s.count_reference FROM {rows}"
        " JOIN stock AS s ON s.location_id = d.location_id AND s.sku = d.sku"
        f" ORDER BY s.location_id, s.sku{locking}",
        PAIR,
        pairs,
    )
    return {(row[0], row[1]): Position(*row) for row in found}


def most(db: Session, skus: Collection[str]) -> dict[str, int]:
    """Return available-to-promise pieces of each SKU at the location that has most of them."""
    found = run(
        db,
        "SELECT s.sku, MAX(s.on_hand - s.safety_stock - s.reserved - s.allocated) FROM {rows}"
        " JOIN stock AS s ON s.sku = d.sku GROUP BY s.sku",
        (("sku", TEXT),),
        [(one,) for one in set(skus)],
    )
    return {row[0]: max(0, int(row[1])) for row in found}


def of_sku(db: Session, sku: str) -> list[Position]:
    """Return a SKU's rows at every location, by location id."""
    found = db.connection().execute(
        text(
            "SELECT location_id, sku, on_hand, safety_stock, reserved, allocated,"
            " zone_id, bay_id, version, changed_at_us, count_reference FROM stock"
            " WHERE sku = :sku ORDER BY location_id"
        ),
        {"sku": sku},
    )
    return [Position(*row) for row in found]


def names_known(
    db: Session, skus: Collection[str], location_ids: Collection[str]
) -> tuple[set[str], set[str]]:
    """Return those of the SKUs, and those of the locations, that the catalogue has."""
    one = (("name", TEXT),)
    known_skus = run(
        db,
        "SELECT v.sku FROM {rows} JOIN variant AS v ON v.sku = d.name",
        one,
        [(sku,) for sku in skus],
    )
    known_locations = run(
        db,
        "SELECT l.id FROM {rows} JOIN location AS l ON l.id = d.name",
        one,
        [(location_id,) for location_id in location_ids],
    )
    return {row[0] for row in known_skus}, {row[0] for row in known_locations}


def movement_of(db: Session, reason: str, reference: str, pair: Pair) -> int | None:
    """Return how many pieces the ledger has under this reference; None if it has none."""
    found = (
        db.connection()
        .execute(
            text(
                "SELECT delta FROM movement WHERE reason = :reason AND reference = :reference"
                " AND location_id = :location_id AND sku = :sku"
            ),
            {"reason": reason, "reference": reference, "location_id": pair[0], "sku": pair[1]},
        )
        .first()
    )
    return None if found is None else int(found[0])
