"""Selects for the pages of staff: shops that somebody works at, and names behind ids."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from cart.picking.tables import StaffRow
from inventory_api.catalogue.tables import LocationRow
from mobile_api.look.words import Words
from mobile_api.products.queries import SHOPS_MAX


def places(db: Session, spoken: Words) -> list[tuple[str, str]]:
    """Return id and name of every location where somebody can sign in, by name."""
    rows = db.exec(
        select(LocationRow)
        .where(col(LocationRow.id).in_(select(StaffRow.location_id).where(col(StaffRow.active))))
        .order_by(col(LocationRow.name))
        .limit(SHOPS_MAX)
    )
    return [(row.id, spoken.of(row.name_i18n, row.name)) for row in rows]


def shops(db: Session, spoken: Words) -> list[tuple[str, str]]:
    """Return id and name of every location, by name."""
    rows = db.exec(select(LocationRow).order_by(col(LocationRow.name)).limit(SHOPS_MAX))
    return [(row.id, spoken.of(row.name_i18n, row.name)) for row in rows]


def names(db: Session, staff_ids: Collection[str]) -> dict[str, str]:
    """Return names by id, also of people who have left."""
    found = db.exec(
        select(StaffRow.id, StaffRow.name).where(col(StaffRow.id).in_(sorted(set(staff_ids))))
    )
    return {row[0]: row[1] for row in found}
