"""Catalogue rows to products, variants, prices and pictures."""

from sqlmodel import Session

from cart.db.rows import BIGINT, BOOLEAN, INTEGER, PACKED, TEXT, run
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from inventory_api.catalogue import price_changes, service
from inventory_api.feeds.applying import Applied, Firsts, Lines
from inventory_api.feeds.pictures import Pictures
from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import CatalogueRow
from inventory_api.feeds.upsert import Table, packed

_PRODUCT = Table(
    "product",
    1,
    (
        ("id", TEXT),
        ("name", TEXT),
        ("name_i18n", PACKED),
        ("description", TEXT),
        ("description_i18n", PACKED),
        ("category", TEXT),
        ("brand", TEXT),
    ),
)
_VARIANT = Table(
    "variant",
    1,
    (
        ("sku", TEXT),
        ("gtin", TEXT),
        ("product_id", TEXT),
        ("colour", TEXT),
        ("colour_i18n", PACKED),
        ("colour_hex", TEXT),
        ("size", TEXT),
        ("material", TEXT),
        ("width_mm", INTEGER),
        ("height_mm", INTEGER),
        ("depth_mm", INTEGER),
        ("weight_g", INTEGER),
        ("active", BOOLEAN),
    ),
)
_PRICE = Table("price", 2, (("sku", TEXT), ("currency", TEXT), ("price_minor", BIGINT)))
_PICTURE = Table(
    "picture",
    2,
    (("sku", TEXT), ("position", INTEGER), ("name", TEXT), ("alt", TEXT), ("alt_i18n", PACKED)),
)
ProductValues = tuple[str, str, str, str, str, str, str]


class CatalogueFeed:
    """One catalogue file. The first row of a product says what the product is."""

    model = CatalogueRow

    def __init__(self, clock: Clock, pictures: Pictures) -> None:
        self._clock = clock
        self._pictures = pictures
        self._skus = Firsts("sku")
        self._gtins = Firsts("gtin")
        self._products: dict[str, tuple[int, int]] = {}  # line, hash of what it says

    def judge(self, line: int, row: CatalogueRow) -> list[Problem]:
        """Refuse a second row of a SKU or GTIN, and pictures that cannot be taken."""
        twice = self._skus.problem(line, row.sku, f"the SKU {row.sku}")
        twice = twice or self._gtins.problem(line, row.gtin, f"the GTIN {row.gtin}")
        if twice:
            return [twice]
        problems = []
        for number, picture in enumerate(row.pictures):
            try:
                self._pictures.take(picture.path)
            except InvalidInput as error:
                reason = f"{error.message}: {picture.path[:100]}"
                problems.append(Problem(line, f"pictures.{number}.path", reason))
        return problems or self._product_remark(line, row)

    def _product_remark(self, line: int, row: CatalogueRow) -> list[Problem]:
        says = hash(_product(row))
        first, said = self._products.setdefault(row.product_id, (line, says))
        if said == says:
            return []
        reason = f"describes {row.product_id} otherwise than line {first} does, which is kept"
        return [Problem(line, "product_id", reason, refused=False)]

    def apply(self, db: Session, lines: Lines[CatalogueRow]) -> Applied:
        """Bring a chunk in, four statements and what is stale; the catalogue is locked."""
        service.lock(db)
        held = _held_gtins(db, lines)
        problems = [
            Problem(line, "gtin", f"the GTIN {row.gtin} belongs to the SKU {held[row.gtin]}")
            for line, row in lines
            if held.get(row.gtin, row.sku) != row.sku
        ]
        left_out = {problem.line for problem in problems}
        rows = [row for line, row in lines if line not in left_out]
        products = self._first_products(lines)
        changed_products = _PRODUCT.upsert(db, products.values())
        changed = {key[0] for key in _VARIANT.upsert(db, map(_variant, rows))}
        changed |= self._prices(db, rows) | self._pictures_of(db, rows)
        if changed or changed_products:
            service.bump(db, self._clock)
        return Applied(
            sum(row.sku in changed or (row.product_id,) in changed_products for row in rows),
            problems,
        )

    def _first_products(self, lines: Lines[CatalogueRow]) -> dict[str, ProductValues]:
        """Return the products that this chunk has the describing row of."""
        return {
            row.product_id: _product(row)
            for line, row in lines
            if self._products[row.product_id][0] == line
        }

    def _prices(self, db: Session, rows: list[CatalogueRow]) -> set[str]:
        wanted = [
            (row.sku, currency, price) for row in rows for currency, price in row.prices.items()
        ]
        price_changes.note(db, self._clock, wanted)
        changed = _PRICE.upsert(db, wanted)
        changed |= _PRICE.keep_only(db, [row.sku for row in rows], {row[:2] for row in wanted})
        return {key[0] for key in changed}

    def _pictures_of(self, db: Session, rows: list[CatalogueRow]) -> set[str]:
        wanted = [
            (row.sku, position, self._pictures.take(one.path), one.alt, packed(one.alt_i18n))
            for row in rows
            for position, one in enumerate(row.pictures)
        ]
        changed = _PICTURE.upsert(db, wanted)
        changed |= _PICTURE.keep_only(db, [row.sku for row in rows], {row[:2] for row in wanted})
        return {key[0] for key in changed}


def _held_gtins(db: Session, lines: Lines[CatalogueRow]) -> dict[str, str]:
    found = run(
        db,
        "SELECT v.gtin, v.sku FROM {rows} JOIN variant AS v ON v.gtin = d.gtin",
        (("gtin", TEXT),),
        [(row.gtin,) for _, row in lines],
    )
    return {row[0]: row[1] for row in found}


def _product(row: CatalogueRow) -> ProductValues:
    return (
        row.product_id,
        row.product_name,
        packed(row.product_name_i18n),
        row.description,
        packed(row.description_i18n),
        row.category,
        row.brand,
    )


def _variant(row: CatalogueRow) -> tuple[object, ...]:
    size = row.dimensions
    return (
        row.sku,
        row.gtin,
        row.product_id,
        row.colour,
        packed(row.colour_i18n),
        row.colour_hex.lower(),
        row.size,
        row.material,
        size.width_mm,
        size.height_mm,
        size.depth_mm,
        size.weight_g,
        row.active,
    )
