"""Selects for the pages: shops by name, and a product with all there is to show of it."""

from sqlmodel import Session, col, select

from inventory_api.catalogue.tables import LocationRow
from mobile_api.look.words import Words
from mobile_api.products.shops import Shop

SHOPS_MAX = 1_000  # of a chain; a page of more is a map's work


def all_shops(db: Session, words: Words) -> list[Shop]:
    """Return every shop, by name."""
    rows = db.exec(select(LocationRow).order_by(col(LocationRow.name)).limit(SHOPS_MAX))
    return [
        Shop(
            id=row.id,
            name=words.of(row.name_i18n, row.name),
            address=row.address,
            city=row.city,
            latitude=row.latitude,
            longitude=row.longitude,
            timezone=row.timezone,
            opening_hours=row.opening_hours,
        )
        for row in rows
    ]
