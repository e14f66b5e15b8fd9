"""On what terms a location sells: taxes, capacity, times, shipping.

A location that nobody has set up sells on the defaults of ``LocationTermsRow``.
Must not know the catalogue: categories are the words that it uses.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from cart.db.rows import TEXT, AnyRow, Ask, run
from cart.kernel.errors import InvalidInput
from cart.orders.model import BASIS_POINTS
from cart.orders.tables import LocationTermsRow, TaxRateRow

# A reservation keeps pieces from everybody else: long enough to find a card, no longer than a film.
RESERVE_MINUTES_MAX = 120


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one location. ``orders_per_quarter`` None: no limit."""

    location_id: str
    tax_rate_bp: int = 0
    reserve_minutes: int = 15
    orders_per_quarter: int | None = None
    lead_minutes: int = 5
    remind_hours: int = 24
    uncollected_hours: int = 72
    ships: bool = False
    shipping_minor: int = 0
    takes_orders: bool = True


_NAMES = tuple(field.name for field in fields(Terms))
_PUT = (
    f"INSERT INTO location_terms ({', '.join(_NAMES)})"  # noqa: S608 - names are our own fields
    f" VALUES ({', '.join(f':{name}' for name in _NAMES)}) ON CONFLICT (location_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
)

_WITH_TAXES = (
    f"SELECT d.id, {', '.join(f't.{name}' for name in _NAMES)}, r.category, r.rate_bp FROM {{rows}}"  # noqa: S608
    " LEFT JOIN location_terms AS t ON t.location_id = d.id"
    " LEFT JOIN tax_rate AS r ON r.location_id = d.id"
)


def get(db: Session, location_id: str) -> Terms:
    """Return a location's terms; the defaults where nobody has set any."""
    columns = [getattr(LocationTermsRow, name) for name in _NAMES]
    found = db.execute(select(*columns).where(col(LocationTermsRow.location_id) == location_id))
    row = found.first()
    return Terms(location_id) if row is None else Terms(*row)


def put(db: Session, terms: Terms) -> None:
    """Set a location's terms, all of them.

    Raises:
        InvalidInput: a number outside its range.
    """
    for wrong, what in (
        (not 0 <= terms.tax_rate_bp <= BASIS_POINTS, "a tax is between 0 and 10000 basis points"),
        (
            not 1 <= terms.reserve_minutes <= RESERVE_MINUTES_MAX,
            f"pieces are reserved for 1 to {RESERVE_MINUTES_MAX} minutes",
        ),
        (
            terms.orders_per_quarter is not None and terms.orders_per_quarter < 1,
            "a location promises at least 1 order per quarter hour",
        ),
        (terms.lead_minutes < 0, "an order cannot be ready before it was placed"),
        (terms.remind_hours < 1, "a reminder comes at the earliest after 1 hour"),
        (
            terms.uncollected_hours <= terms.remind_hours,
            "an order counts as uncollected some time after the reminder",
        ),
        (terms.shipping_minor < 0, "shipping costs nothing or more"),
    ):
        if wrong:
            raise InvalidInput(what, location_id=terms.location_id)
    db.connection().execute(text(_PUT), asdict(terms))


def with_taxes_ask(location_ids: Iterable[str]) -> Ask:
    """Ask for the terms of locations, and for the categories that they tax otherwise."""
    return Ask(_WITH_TAXES, (("id", TEXT),), [(id_,) for id_ in location_ids])


def with_taxes(rows: Iterable[AnyRow]) -> dict[str, tuple[Terms, dict[str, int]]]:
    """Return what was found for :func:`with_taxes_ask`, by location."""
    found: dict[str, tuple[Terms, dict[str, int]]] = {}
    for id_, first, *others, category, rate_bp in rows:
        if id_ not in found:
            # SQLite keeps truths as numbers; a location without terms has the defaults.
            known = Terms(id_) if first is None else _terms([first, *others])
            found[id_] = (known, {})
        if category is not None:
            found[id_][1][category] = rate_bp
    return found


def _terms(values: Sequence[Any]) -> Terms:
    named = dict(zip(_NAMES, values, strict=True))
    return Terms(
        **{**named, "ships": bool(named["ships"]), "takes_orders": bool(named["takes_orders"])}
    )


def tax_rates(db: Session, location_id: str, categories: Collection[str]) -> dict[str, int]:
    """Return the tax rate of each category at a location, in basis points."""
    usual = get(db, location_id).tax_rate_bp
    own = run(
        db,
        "SELECT t.category, t.rate_bp FROM {rows} JOIN tax_rate AS t"
        " ON t.location_id = d.location_id AND t.category = d.category",
        (("location_id", TEXT), ("category", TEXT)),
        [(location_id, category) for category in categories],
    )
    return dict.fromkeys(categories, usual) | {row[0]: row[1] for row in own}


def tax_rate(db: Session, location_id: str, category: str) -> int:
    """Return the tax rate of one category at a location, in basis points."""
    return tax_rates(db, location_id, [category])[category]


def tax_exceptions(db: Session, location_id: str) -> dict[str, int]:
    """Return the categories that are taxed otherwise than the location's rest."""
    found = db.exec(
        select(TaxRateRow.category, TaxRateRow.rate_bp)
        .where(col(TaxRateRow.location_id) == location_id)
        .order_by(col(TaxRateRow.category))
    )
    return dict(found.all())


def put_tax_rate(db: Session, location_id: str, category: str, rate_bp: int | None) -> None:
    """Tax a category otherwise than the location's rest; None: like the rest again.

    Raises:
        InvalidInput: not between 0 and 10000 basis points.
    """
    if rate_bp is not None and not 0 <= rate_bp <= BASIS_POINTS:
        msg = "a tax is between 0 and 10000 basis points"
        raise InvalidInput(msg, location_id=location_id)
    key = {"location_id": location_id, "category": category}
    if rate_bp is None:
        gone = "DELETE FROM tax_rate WHERE location_id = :location_id AND category = :category"
        db.connection().execute(text(gone), key)
        return
    db.connection().execute(
        text(
            "INSERT INTO tax_rate (location_id, category, rate_bp)"
            " VALUES (:location_id, :category, :rate_bp)"
            " ON CONFLICT (location_id, category) DO UPDATE SET rate_bp = excluded.rate_bp"
        ),
        key | {"rate_bp": rate_bp},
    )
