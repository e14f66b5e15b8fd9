"""Puts a batch of operations into carts: a handful of statements, whatever the batch's size.

The gateway's hot path and the phone's button both end here. Must not look at
the catalogue, at devices or at sessions.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from cart.carts import queries
from cart.carts.model import LINES_MAX, Kind, Line, Operation, fold
from cart.carts.queries import LineKey
from cart.db import is_sqlite
from cart.db.rows import BIGINT, INTEGER, TEXT, Ask, insert_new, run, run_together
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import TooManyLines, UnknownCart


@dataclass(frozen=True, slots=True)
class CartChange:
    """A cart that is at ``version`` now."""

    cart_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch: carts that changed, and operations that were refused."""

    changes: tuple[CartChange, ...]
    refused: tuple[tuple[Operation, TooManyLines], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Carts as they stand, their rows locked by whoever read them.

    ``versions`` by cart; ``lines``: those that the batch touches, as far as they
    were ever touched; ``counts``: number of lines on each list.
    """

    versions: dict[str, int]
    lines: dict[LineKey, Line]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a batch comes to once ``asks`` are executed. ``lines``: the changed ones, as then."""

    applied: Applied
    lines: dict[LineKey, Line]
    asks: tuple[Ask, ...]


def planned(clock: Clock, batch: Sequence[Operation], standing: Standing) -> Planned:
    """Return what fresh operations come to, and the statements that write it.

    For whoever has read the carts already: ids must be new, and each operation later
    than all that its cart has seen (``next_at_us``). Otherwise as :func:`apply`.
    """
    taken, refused = _within_limits(batch, standing.lines, standing.counts)
    numbered = _numbered(taken, standing.versions)
    states = dict(standing.lines)
    last: dict[str, int] = {}
    for one, version in numbered:
        key = (one.cart_id, one.gtin)
        line = states[key] = replace(states.get(key) or Line())
        line.apply(one)
        last[one.cart_id] = version
    changed = {(one.cart_id, one.gtin): states[one.cart_id, one.gtin] for one, _ in numbered}
    skus = {(one.cart_id, one.gtin): one.sku for one, _ in numbered}
    asks = (
        Ask(_INSERT_FRESH, _OPERATION_COLUMNS, _operation_rows(clock, numbered)),
        _lines_ask(changed, skus),
        _carts_ask([one for one, _ in numbered], last),
    )
    changes = tuple(CartChange(*pair) for pair in last.items())
    return Planned(Applied(changes, tuple(refused)), changed, asks)


def apply(db: Session, clock: Clock, batch: Sequence[Operation]) -> Applied:
    """Apply ``batch`` in this unit of work; an operation whose id is known changes nothing.

    An operation that would put more than LINES_MAX lines on a list is not
    applied and comes back in ``refused``; the others are applied.

    Raises:
        UnknownCart: an operation names a cart that does not exist.
    """
    if not batch:
        return Applied((), ())
    versions = _lock(db, {operation.cart_id for operation in batch})
    states = queries.lines(db, {(one.cart_id, one.gtin) for one in batch})
    shown = _shown(states)
    new_in = {one.cart_id for one in batch if _begins(one, shown)}
    taken, refused = _within_limits(batch, states, queries.line_counts(db, new_in))
    fresh, last = _insert(db, clock, taken, versions)
    changed = _advance(db, states, fresh)
    skus = {(one.cart_id, one.gtin): one.sku for one in fresh}
    run_together(db, _lines_ask(changed, skus), _carts_ask(fresh, last))
    return Applied(tuple(CartChange(*pair) for pair in last.items()), tuple(refused))


def _lock(db: Session, cart_ids: set[str]) -> dict[str, int]:
    """Return each cart's version, its row locked until the commit, in one order everywhere."""
    lock = "" if is_sqlite(db.connection()) else " FOR UPDATE OF c"
    found = run(
        db,
        "SELECT c.id, c.version FROM {rows} JOIN cart AS c ON c.id = d.id"  # noqa: S608
        f" ORDER BY c.id{lock}",
        (("id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    versions = {row[0]: row[1] for row in found}
    if missing := cart_ids - versions.keys():
        msg = f"there is no cart {min(missing)}"
        raise UnknownCart(msg, cart_id=min(missing))
    return versions


def _shown(states: dict[LineKey, Line]) -> set[LineKey]:
    return {key for key, line in states.items() if line.quantity > 0}


def _within_limits(
    batch: Sequence[Operation], states: dict[LineKey, Line], known_counts: dict[str, int]
) -> tuple[list[Operation], list[tuple[Operation, TooManyLines]]]:
    shown, counts = _shown(states), dict(known_counts)
    taken: list[Operation] = []
    refused: list[tuple[Operation, TooManyLines]] = []
    for one in batch:
        if _begins(one, shown):
            if counts.get(one.cart_id, 0) >= LINES_MAX:
                msg = f"the list has {LINES_MAX} lines; it takes no more"
                refused.append((one, TooManyLines(msg, lines_max=LINES_MAX)))
                continue
            shown.add((one.cart_id, one.gtin))
            counts[one.cart_id] = counts.get(one.cart_id, 0) + 1
        taken.append(one)
    return taken, refused


def _begins(operation: Operation, shown: set[LineKey]) -> bool:
    if operation.kind is Kind.BOUGHT:
        return False
    return operation.quantity > 0 and (operation.cart_id, operation.gtin) not in shown


_OPERATION_COLUMNS = (
    ("id", TEXT),
    ("cart_id", TEXT),
    ("version", INTEGER),
    ("gtin", TEXT),
    ("sku", TEXT),
    ("kind", TEXT),
    ("quantity", INTEGER),
    ("at_us", BIGINT),
    ("received_at_us", BIGINT),
    ("source", TEXT),
    ("price_minor", BIGINT),
    ("currency", TEXT),
    ("location_id", TEXT),
)


_OPERATION_NAMES = ", ".join(name for name, _ in _OPERATION_COLUMNS)
_INSERT_FRESH = (
    f"INSERT INTO cart_operation ({_OPERATION_NAMES})"  # noqa: S608 - names are constants
    f" SELECT {_OPERATION_NAMES} FROM {{rows}}"
)
Numbered = list[tuple[Operation, int]]


def _numbered(batch: Iterable[Operation], known_versions: dict[str, int]) -> Numbered:
    """Give each operation, the same id once, the next version of its cart."""
    versions = dict(known_versions)
    unique: dict[str, tuple[Operation, int]] = {}
    for one in batch:
        if one.id not in unique:
            versions[one.cart_id] += 1
            unique[one.id] = (one, versions[one.cart_id])
    return list(unique.values())


def _operation_rows(clock: Clock, numbered: Numbered) -> list[tuple[object, ...]]:
    received_at_us = to_us(clock.now())
    return [
        (
            one.id,
            one.cart_id,
            version,
            one.gtin,
            one.sku,
            one.kind,
            one.quantity,
            one.at_us,
            received_at_us,
            one.source,
            one.price_minor,
            one.currency,
            one.location_id,
        )
        for one, version in numbered
    ]


def _insert(
    db: Session, clock: Clock, batch: Iterable[Operation], versions: dict[str, int]
) -> tuple[list[Operation], dict[str, int]]:
    """Keep the operations; return those that were new, and the version each cart came to."""
    numbered = _numbered(batch, versions)
    rows = _operation_rows(clock, numbered)
    known = insert_new(db, "cart_operation", _OPERATION_COLUMNS, rows, keys=1)
    fresh: list[Operation] = []
    last: dict[str, int] = {}
    for one, version in numbered:
        if (one.id,) not in known:
            fresh.append(one)
            last[one.cart_id] = version
    return fresh, last


def _advance(
    db: Session, states: dict[LineKey, Line], fresh: Sequence[Operation]
) -> dict[LineKey, Line]:
    """Return the changed lines: moved on where the operation is the latest, else folded anew."""
    by_line: defaultdict[LineKey, list[Operation]] = defaultdict(list)
    for one in fresh:
        by_line[one.cart_id, one.gtin].append(one)
    changed: dict[LineKey, Line] = {}
    late: set[LineKey] = set()
    for key, batch in by_line.items():
        line = changed[key] = states.get(key) or Line()
        for one in sorted(batch, key=lambda operation: operation.order):
            if one.order < line.last_order:
                late.add(key)
                break
            line.apply(one)
    if late:
        every: defaultdict[LineKey, list[Operation]] = defaultdict(list)
        for one in queries.operations(db, late):
            every[one.cart_id, one.gtin].append(one)
        changed |= {key: fold(every[key])[key[1]] for key in late}
    return changed


_LINE_COLUMNS = (
    ("cart_id", TEXT),
    ("gtin", TEXT),
    ("sku", TEXT),
    ("quantity", INTEGER),
    ("added_at_us", BIGINT),
    ("last_at_us", BIGINT),
    ("last_operation_id", TEXT),
    ("price_minor", BIGINT),
    ("currency", TEXT),
    ("location_id", TEXT),
)
_LINE_NAMES = ", ".join(name for name, _ in _LINE_COLUMNS)
_LINE_SET = ", ".join(f"{name} = excluded.{name}" for name, _ in _LINE_COLUMNS[2:])


_WRITE_LINES = (
    f"INSERT INTO cart_line ({_LINE_NAMES}) SELECT {_LINE_NAMES} FROM {{rows}}"  # noqa: S608
    f" WHERE true ON CONFLICT (cart_id, gtin) DO UPDATE SET {_LINE_SET}"
)


def _lines_ask(changed: dict[LineKey, Line], skus: dict[LineKey, str]) -> Ask:
    rows = [
        (
            *key,
            skus[key],
            line.quantity,
            line.added_at_us,
            *line.last_order,
            line.price_minor,
            line.currency,
            line.location_id,
        )
        for key, line in changed.items()
    ]
    return Ask(_WRITE_LINES, _LINE_COLUMNS, rows)


_WRITE_CARTS = (
    "UPDATE cart SET version = d.version, latest_at_us = CASE WHEN"
    " cart.latest_at_us > d.latest_at_us THEN cart.latest_at_us ELSE d.latest_at_us END"
    " FROM {rows} WHERE cart.id = d.id"
)


def _carts_ask(fresh: Sequence[Operation], last: dict[str, int]) -> Ask:
    latest: dict[str, int] = {}
    for one in fresh:
        latest[one.cart_id] = max(latest.get(one.cart_id, 0), one.at_us)
    return Ask(
        _WRITE_CARTS,
        (("id", TEXT), ("version", INTEGER), ("latest_at_us", BIGINT)),
        [(cart_id, version, latest[cart_id]) for cart_id, version in last.items()],
    )
