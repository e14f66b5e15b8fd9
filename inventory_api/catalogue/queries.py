"""Every select on the catalogue."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Subquery, text
from sqlmodel import Session, col, select

from cart.db.rows import TEXT, AnyRow, Ask, run
from cart.kernel.errors import InvalidGtin, UnknownGtin, UnknownProduct, UnknownSku
from cart.kernel.gtin import Gtin
from cart.ports import Sellable
from inventory_api.catalogue.model import (
    REVIEWS_SHOWN_MAX,
    BayView,
    Dimensions,
    ItemView,
    LocationView,
    PictureView,
    ProductView,
    Reviews,
    ReviewView,
    VariantView,
    ZoneView,
    looks_like_a_gtin,
    size_order,
)
from inventory_api.catalogue.tables import VariantRow

_GTIN = (("gtin", TEXT),)
_ID = (("id", TEXT),)
LOCATIONS_MAX = 5_000  # a chain; more locations than that need pages


def texts(value: object) -> dict[str, Any]:
    """Return a JSON column's object; SQLite gives its text, PostgreSQL the object."""
    return json.loads(value) if isinstance(value, str) else dict(value or {})  # type: ignore[call-overload,no-any-return]


def sellables(db: Session, gtins: Collection[Gtin], *, currency: str) -> dict[Gtin, Sellable]:
    """Return what a cart needs of these variants; unknown codes are absent.

    Satisfies ``cart.ports.CatalogueLookup``. One statement. A variant that is no
    longer sold keeps its name and has no price.
    """
    ask = sellables_ask(gtins, currency)
    return sellables_of(run(db, ask.template, ask.columns, ask.rows, ask.extra), currency)


def sellables_ask(gtins: Collection[Gtin], currency: str) -> Ask:
    """Ask for :func:`sellables`, whose rows :func:`sellables_of` reads."""
    return Ask(
        "SELECT v.gtin, v.sku, v.product_id, p.name, p.name_i18n, v.colour, v.colour_i18n, v.size,"
        " r.price_minor, i.name, i.alt, p.category, v.active FROM {rows}"
        " JOIN variant AS v ON v.gtin = d.gtin"
        " JOIN product AS p ON p.id = v.product_id"
        " LEFT JOIN price AS r ON r.sku = v.sku AND r.currency = :currency AND v.active"
        " LEFT JOIN picture AS i ON i.sku = v.sku AND i.position = 0",
        _GTIN,
        [(gtin,) for gtin in gtins],
        {"currency": currency},
    )


def sellables_of(rows: Iterable[AnyRow], currency: str) -> dict[Gtin, Sellable]:
    """Return what was found for :func:`sellables_ask`."""
    answer = {}
    for row in rows:
        gtin = str.__new__(Gtin, row[0])  # verified when it was imported
        answer[gtin] = Sellable(
            gtin=gtin,
            sku=row[1],
            product_id=row[2],
            name=row[3],
            name_i18n=texts(row[4]),
            colour=row[5],
            colour_i18n=texts(row[6]),
            size=row[7],
            price_minor=row[8],
            currency=currency,
            picture=row[9],
            picture_alt=row[10] or "",
            category=row[11],
            active=bool(row[12]),
        )
    return answer


def codes() -> Subquery:
    """Return every variant's ``gtin`` and ``product_id``, for others to join."""
    return select(col(VariantRow.gtin), col(VariantRow.product_id)).subquery()


def item(db: Session, code: str) -> ItemView:
    """Return what a GTIN (as printed, or as a GS1 Digital Link) or a SKU stands for.

    A code that could be either is taken as a GTIN first: that is what is scanned.

    Raises:
        UnknownGtin: it is a GTIN, and the catalogue has none such.
        InvalidGtin: it is a Digital Link without a valid GTIN.
        UnknownSku: anything else that no variant has as its SKU.
    """
    gtin = None
    if looks_like_a_gtin(code):
        try:
            gtin = Gtin.parse(code)
        except InvalidGtin:
            if "/" in code:
                raise
    key = {"gtin": gtin, "sku": code}
    found = (
        db.connection()
        .execute(
            text(
                "SELECT sku, gtin, product_id FROM variant WHERE gtin = :gtin OR sku = :sku"
                " ORDER BY CASE WHEN gtin = :gtin THEN 0 ELSE 1 END LIMIT 1"
            ),
            key,
        )
        .first()
    )
    if found is None and gtin is not None:
        msg = f"no variant has the GTIN {gtin}"
        raise UnknownGtin(msg, gtin=gtin)
    if found is None:
        msg = "no variant has this SKU"
        raise UnknownSku(msg, sku=code[:80])
    return ItemView(found[0], found[1], product(db, found[2]))


def product(db: Session, product_id: str) -> ProductView:
    """Return a product with its variants, prices, pictures and reviews.

    Raises:
        UnknownProduct: there is none such.
    """
    found = products(db, [product_id])
    if not found:
        msg = "there is no such product"
        raise UnknownProduct(msg, product_id=product_id[:80])
    return found[0]


def products(db: Session, product_ids: Sequence[str]) -> list[ProductView]:
    """Return these products by id, each whole; five statements, whatever their number."""
    keys = [(product_id,) for product_id in product_ids]
    variants = _variants(db, keys)
    reviews = _reviews(db, keys)
    found = run(
        db,
        "SELECT p.id, p.name, p.name_i18n, p.description, p.description_i18n, p.category, p.brand"
        " FROM {rows} JOIN product AS p ON p.id = d.id ORDER BY p.id",
        _ID,
        keys,
    )
    return [
        ProductView(
            product_id=row[0],
            name=row[1],
            name_i18n=texts(row[2]),
            description=row[3],
            description_i18n=texts(row[4]),
            category=row[5],
            brand=row[6],
            variants=sorted(
                variants[row[0]], key=lambda one: (one.colour, size_order(one.size), one.sku)
            ),
            reviews=reviews.get(row[0], Reviews()),
        )
        for row in found
    ]


def descriptions(
    db: Session, product_ids: Collection[str]
) -> dict[str, tuple[str, dict[str, str]]]:
    """Return by product what is written of it: the text, and the same by language."""
    found = run(
        db,
        "SELECT p.id, p.description, p.description_i18n FROM {rows}"
        " JOIN product AS p ON p.id = d.id",
        _ID,
        [(one,) for one in product_ids],
    )
    return {row[0]: (row[1], texts(row[2])) for row in found}


def product_ids_after(db: Session, product_id: str, limit: int) -> list[str]:
    """Return the next product ids in their order: a page of the whole catalogue."""
    found = db.connection().execute(
        text("SELECT id FROM product WHERE id > :id ORDER BY id LIMIT :limit"),
        {"id": product_id, "limit": limit},
    )
    return [row[0] for row in found]


def edition(db: Session) -> str:
    """Return a name of the catalogue's present state; ``0-0`` before the first import.

    Its version and when it got it: the numbers of a database that was made anew
    in the same folder begin at 1 again.
    """
    found = (
        db.connection()
        .execute(text("SELECT version, changed_at_us FROM catalogue_version"))
        .first()
    )
    return f"{found[0]}-{found[1]}" if found else "0-0"


def locations(db: Session) -> list[LocationView]:
    """Return every location by id, with zones and bays in walking order."""
    bays: dict[tuple[str, str], list[BayView]] = defaultdict(list)
    for row in db.connection().execute(
        text("SELECT location_id, zone_id, bay_id, walk_order FROM bay ORDER BY walk_order, bay_id")
    ):
        bays[row[0], row[1]].append(BayView(row[2], row[3]))
    zones: dict[str, list[ZoneView]] = defaultdict(list)
    for row in db.connection().execute(
        text(
            "SELECT location_id, zone_id, name, name_i18n, walk_order FROM zone"
            " ORDER BY walk_order, zone_id"
        )
    ):
        own = bays[row[0], row[1]]
        zones[row[0]].append(ZoneView(row[1], row[2], texts(row[3]), row[4], own))
    found = db.connection().execute(
        text(
            "SELECT id, gln, name, name_i18n, address, city, country, latitude, longitude,"
            " timezone, opening_hours FROM location ORDER BY id LIMIT :limit"
        ),
        {"limit": LOCATIONS_MAX},
    )
    return [
        LocationView(
            location_id=row[0],
            gln=row[1],
            name=row[2],
            name_i18n=texts(row[3]),
            address=row[4],
            city=row[5],
            country=row[6],
            latitude=row[7],
            longitude=row[8],
            timezone=row[9],
            opening_hours=texts(row[10]),
            zones=zones[row[0]],
        )
        for row in found
    ]


def _variants(db: Session, keys: list[tuple[str]]) -> dict[str, list[VariantView]]:
    of_product = " FROM {rows} JOIN variant AS v ON v.product_id = d.id"
    prices: dict[str, dict[str, int]] = defaultdict(dict)
    for row in run(
        db,
        f"SELECT r.sku, r.currency, r.price_minor{of_product}"
        " JOIN price AS r ON r.sku = v.sku ORDER BY r.sku, r.currency",
        _ID,
        keys,
    ):
        prices[row[0]][row[1]] = row[2]
    pictures: dict[str, list[PictureView]] = defaultdict(list)
    for row in run(
        db,
        f"SELECT i.sku, i.name, i.alt, i.alt_i18n{of_product}"
        " JOIN picture AS i ON i.sku = v.sku ORDER BY i.sku, i.position",
        _ID,
        keys,
    ):
        pictures[row[0]].append(PictureView(row[1], row[2], texts(row[3])))
    found: dict[str, list[VariantView]] = defaultdict(list)
    for row in run(
        db,
        "SELECT v.product_id, v.sku, v.gtin, v.colour, v.colour_i18n, v.colour_hex, v.size,"
        f" v.material, v.width_mm, v.height_mm, v.depth_mm, v.weight_g, v.active{of_product}",
        _ID,
        keys,
    ):
        found[row[0]].append(
            VariantView(
                sku=row[1],
                gtin=row[2],
                colour=row[3],
                colour_i18n=texts(row[4]),
                colour_hex=row[5],
                size=row[6],
                material=row[7],
                dimensions=Dimensions(row[8], row[9], row[10], row[11]),
                prices=prices[row[1]],
                pictures=pictures[row[1]],
                active=bool(row[12]),
            )
        )
    return found


def _reviews(db: Session, keys: list[tuple[str]]) -> dict[str, Reviews]:
    found = run(
        db,
        "SELECT n.product_id, n.average, n.count, n.author, n.rating, n.text, n.language,"
        " n.written_on FROM (SELECT w.*, avg(w.rating) OVER of_product AS average,"
        " count(*) OVER of_product AS count,"
        " row_number() OVER (PARTITION BY w.product_id ORDER BY w.written_on DESC, w.id) AS place"
        " FROM {rows} JOIN review AS w ON w.product_id = d.id"
        " WINDOW of_product AS (PARTITION BY w.product_id)) AS n"
        " WHERE n.place <= :shown_max ORDER BY n.product_id, n.place",
        _ID,
        keys,
        {"shown_max": REVIEWS_SHOWN_MAX},
    )
    answer: dict[str, Reviews] = {}
    for row in found:
        summary = answer.setdefault(row[0], Reviews(round(float(row[1]), 1), row[2]))
        summary.newest.append(ReviewView(row[3], row[4], row[5], row[6], _day(row[7])))
    return answer


def _day(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
