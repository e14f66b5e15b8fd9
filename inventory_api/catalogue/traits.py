"""What the catalogue says of articles that somebody touched, also of those no longer sold."""

from collections.abc import Collection

from sqlmodel import Session

from cart.db.rows import TEXT, run
from cart.profile.interests.model import Traits
from inventory_api.catalogue.queries import texts


def traits(db: Session, gtins: Collection[str]) -> dict[str, Traits]:
    """Return traits by GTIN; unknown codes are absent. One statement.

    Satisfies ``cart.profile.interests.queries.TraitsLookup``.
    """
    found = run(
        db,
        "SELECT v.gtin, p.name, p.name_i18n, p.category, p.brand, v.colour, v.colour_i18n, v.size"
        " FROM {rows} JOIN variant AS v ON v.gtin = d.gtin"
        " JOIN product AS p ON p.id = v.product_id",
        (("gtin", TEXT),),
        [(one,) for one in gtins],
    )
    return {
        row[0]: Traits(
            name=row[1],
            name_i18n=texts(row[2]),
            category=row[3],
            brand=row[4],
            colour=row[5],
            colour_i18n=texts(row[6]),
            size=row[7],
        )
        for row in found
    }
