"""What rules on people ask of catalogue and shelves. Satisfies segments' ``Catalogue``. Reads."""

from collections.abc import Collection, Iterable, Sequence
from json import dumps
from typing import Any, Final

from sqlalchemy import text
from sqlmodel import Session

from cart.db.engine import is_sqlite
from cart.db.rows import TEXT, AnyRow, Ask, Batch
from cart.journeys.segments.person import Article, Looked, Places
from cart.journeys.segments.rule import Goods

_AVAILABLE: Final = "s.on_hand - s.safety_stock - s.reserved - s.allocated > 0"
_ARTICLES: Final = (
    "SELECT v.gtin, p.id, p.category, p.brand FROM {rows}"
    " JOIN variant AS v ON v.gtin = d.gtin JOIN product AS p ON p.id = v.product_id"
)
_IN_STOCK: Final = (
    "SELECT v.gtin, s.location_id FROM {rows} JOIN variant AS v ON v.gtin = d.gtin"  # noqa: S608 - our own texts
    f" JOIN stock AS s ON s.sku = v.sku WHERE {_AVAILABLE}"
)
_PLACES: Final = "SELECT id, latitude, longitude FROM location"
_ALONE: Final = (("alone", TEXT),)
_WHERE: Final = Ask(_PLACES, _ALONE, [("",)])
_NOTHING: Final = Ask("", _ALONE, [])  # without rows nothing is asked


class Kinds:
    """What articles are, and where they can be had."""

    def asks(self, gtins: Batch, *, stock: bool, places: bool) -> Sequence[Ask]:
        """Ask what these are, a batch of ``gtin``, where they can be had, and for the locations."""
        return (
            gtins.ask(_ARTICLES),
            gtins.ask(_IN_STOCK) if stock else _NOTHING,
            _WHERE if places else _NOTHING,
        )

    def looked(self, answers: Sequence[Sequence[AnyRow]]) -> Looked:
        """Read what was answered."""
        known, there, where = answers
        in_stock: dict[str, set[str]] = {}
        for gtin, location_id in there:
            in_stock.setdefault(gtin, set()).add(location_id)
        return Looked(
            {row[0]: Article(row[1], row[2], row[3]) for row in known},
            {gtin: frozenset(locations) for gtin, locations in in_stock.items()},
            _places(where),
        )

    def gtins_of(self, db: Session, of: Goods, limit: int) -> list[str]:
        """Return the articles of a category, brand, product, at most ``limit`` of them."""
        where, bound = _of(of)
        found = db.connection().execute(
            text(
                "SELECT v.gtin FROM variant AS v JOIN product AS p ON p.id = v.product_id"  # noqa: S608 - names are ours, values are bound
                f" WHERE {where} ORDER BY v.gtin LIMIT :limit"
            ),
            {**bound, "limit": limit},
        )
        return [row[0] for row in found]

    def all_in_stock(
        self, db: Session, location_ids: Collection[str], of: Goods, limit: int
    ) -> list[tuple[str, str]]:
        """Return (location id, GTIN) of what can be promised there, in order, ``limit`` at most."""
        where, bound = _of(of)
        listed = (
            "SELECT value FROM json_each(:locations)"
            if is_sqlite(db.connection())
            else "SELECT jsonb_array_elements_text(CAST(:locations AS jsonb))"
        )
        found = db.connection().execute(
            text(
                "SELECT s.location_id, v.gtin FROM stock AS s"  # noqa: S608 - as above
                " JOIN variant AS v ON v.sku = s.sku JOIN product AS p ON p.id = v.product_id"
                f" WHERE {_AVAILABLE} AND {where} AND s.location_id IN ({listed})"
                " ORDER BY s.location_id, v.gtin LIMIT :limit"
            ),
            {**bound, "locations": dumps(sorted(location_ids)), "limit": limit},
        )
        return [(row[0], row[1]) for row in found]

    def places(self, db: Session) -> Places:
        """Return the locations with where they are."""
        return _places(db.connection().execute(text(_PLACES)).all())


def _places(rows: Iterable[Any]) -> Places:
    return Places(
        {row[0]: None if row[1] is None or row[2] is None else (row[1], row[2]) for row in rows}
    )


def _of(of: Goods) -> tuple[str, dict[str, Any]]:
    said = {
        "v.gtin": of.gtin, "p.id": of.product, "p.category": of.category, "p.brand": of.brand,
    }  # fmt: skip
    given = {column: value for column, value in said.items() if value}
    where = " AND ".join(f"{column} = :o{place}" for place, column in enumerate(given))
    return where or "1 = 1", {f"o{place}": value for place, value in enumerate(given.values())}
