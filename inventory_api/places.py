"""Locations as orders and picking need them. Satisfies ``cart.ports.Locations``. Reads only."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

from cart.db.rows import TEXT, run
from cart.kernel.errors import UnknownLocation
from cart.kernel.gtin import Gtin
from cart.ports import Bay, LocationFacts, Sellable
from inventory_api.catalogue.queries import sellables, texts

# A zone is walked to its end before the next: no zone has this many bays.
ZONE_STEP: Final = 10_000
VARIANTS_MAX: Final = 200  # of one product: twenty sizes in ten colours
_FACTS: Final = (
    "SELECT l.id, l.name, l.timezone, l.country, l.name_i18n, l.opening_hours FROM {rows}"
    " JOIN location AS l ON l.id = d.id"
)


class Places:
    """What the catalogue knows of locations and of where things lie in them."""

    def facts(self, db: Session, location_id: str) -> LocationFacts:
        """Return a location.

        Raises:
            UnknownLocation: there is none of this id.
        """
        found = run(db, _FACTS, (("id", TEXT),), [(location_id,)])
        if not found:
            msg = f"there is no location {location_id}"
            raise UnknownLocation(msg, location_id=location_id)
        id_, name, timezone, country, name_i18n, opening_hours = found[0]
        return LocationFacts(
            id=id_,
            name=name,
            timezone=timezone,
            country=country,
            name_i18n=texts(name_i18n),
            opening_hours=texts(opening_hours),
        )

    def assortment(
        self, db: Session, *, location_id: str, product_id: str, currency: str
    ) -> list[Sellable]:
        """Return the variants of a product that the location has ever had, by SKU."""
        found = db.connection().execute(
            text(
                "SELECT v.gtin FROM variant AS v JOIN stock AS s ON s.sku = v.sku"
                " WHERE v.product_id = :product_id AND s.location_id = :location_id"
                " ORDER BY v.sku LIMIT :limit"
            ),
            {"product_id": product_id, "location_id": location_id, "limit": VARIANTS_MAX},
        )
        gtins = [str.__new__(Gtin, row[0]) for row in found]  # verified when they were imported
        known = sellables(db, gtins, currency=currency)
        return [known[gtin] for gtin in gtins]

    def bays(self, db: Session, *, location_id: str, skus: Collection[str]) -> dict[str, Bay]:
        """Return where the SKUs lie; those nobody has placed are absent."""
        found = run(
            db,
            "SELECT s.sku, s.zone_id, z.name, s.bay_id, z.walk_order, b.walk_order, z.name_i18n"
            " FROM {rows}"
            " JOIN stock AS s ON s.location_id = d.location_id AND s.sku = d.sku"
            " LEFT JOIN zone AS z ON z.location_id = s.location_id AND z.zone_id = s.zone_id"
            " LEFT JOIN bay AS b ON b.location_id = s.location_id AND b.zone_id = s.zone_id"
            " AND b.bay_id = s.bay_id WHERE s.zone_id IS NOT NULL AND s.zone_id <> ''",
            (("location_id", TEXT), ("sku", TEXT)),
            [(location_id, sku) for sku in skus],
        )
        return {
            row[0]: Bay(
                zone_id=row[1],
                zone_name=row[2] or "",
                bay_id=row[3] or "",
                walk_order=(row[4] or 0) * ZONE_STEP + (row[5] or 0),
                zone_name_i18n=texts(row[6]) if row[6] else {},
            )
            for row in found
        }
