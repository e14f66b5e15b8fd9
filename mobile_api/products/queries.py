"""Selects for the pages: shops by name, and a product with all there is to show of it."""

from collections.abc import Iterable

from sqlmodel import Session

from cart.db.rows import INTEGER, AnyRow, Ask, run
from inventory_api.catalogue.queries import texts
from mobile_api.look.words import Words
from mobile_api.products.shops import Shop

SHOPS_MAX = 1_000  # of a chain; a page of more is a map's work


def all_shops(db: Session, words: Words) -> list[Shop]:
    """Return every shop, by name."""
    ask = SHOPS
    return shops_of(run(db, ask.template, ask.columns, ask.rows), words)


SHOPS = Ask(
    "SELECT l.id, l.name, l.name_i18n, l.address, l.city, l.latitude, l.longitude, l.timezone,"  # noqa: S608
    f" l.opening_hours FROM {{rows}} CROSS JOIN location AS l ORDER BY l.name LIMIT {SHOPS_MAX}",
    (("one", INTEGER),),
    [(1,)],
)
"""Asks for :func:`all_shops`, whose rows :func:`shops_of` reads."""


def shops_of(rows: Iterable[AnyRow], words: Words) -> list[Shop]:
    """Return what was found for :data:`SHOPS`, named in the reader's language."""
    return [
        Shop(
            id=row[0],
            name=words.of(texts(row[2]), row[1]),
            address=row[3],
            city=row[4],
            latitude=row[5],
            longitude=row[6],
            timezone=row[7],
            opening_hours=texts(row[8]),
        )
        for row in rows
    ]
