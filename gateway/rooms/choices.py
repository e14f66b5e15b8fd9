"""What could be brought instead: the other sizes and colours of a product that are here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.kernel.gtin import Gtin
from cart.ports import Sellable, Shop
from gateway.binding.begin import CURRENCY
from gateway.rooms.tables import SizeRequestRow
from inventory_api.catalogue.model import size_order


@dataclass(frozen=True, slots=True)
class Choice:
    """A variant, and how many pieces of it can be sold here now."""

    article: Sellable
    pieces: int


def articles(db: Session, shop: Shop, gtins: Collection[str]) -> dict[Gtin, Sellable]:
    """Return these variants; what the catalogue has no longer is left out."""
    verified = {str.__new__(Gtin, one) for one in gtins}  # when they came in
    return shop.lookup(db, verified, currency=CURRENCY)


def wanted(db: Session, shop: Shop, row: SizeRequestRow) -> Sellable | None:
    """Return what was asked for; None if the catalogue has it no longer."""
    return next(iter(articles(db, shop, [row.gtin]).values()), None)


def of(db: Session, shop: Shop, row: SizeRequestRow) -> list[Choice]:
    """Return the other variants of its product that the location has had, by colour and size.

    What she has in there is none of them, nor what she asked for.
    """
    return of_many(db, shop, row.location_id, [row])[row.id]


def of_many(
    db: Session, shop: Shop, location_id: str, rows: Sequence[SizeRequestRow]
) -> dict[str, list[Choice]]:
    """Return :func:`of` for requests of one location, by their ids."""
    ranges = {
        product_id: shop.locations.assortment(
            db, location_id=location_id, product_id=product_id, currency=CURRENCY
        )
        for product_id in sorted({row.product_id for row in rows})
    }
    skus = {one.sku for variants in ranges.values() for one in variants}
    pieces = shop.stock.available(db, location_id=location_id, skus=skus) if skus else {}
    return {
        row.id: [
            Choice(one, pieces.get(one.sku, 0))
            for one in sorted(
                ranges[row.product_id],
                key=lambda one: (one.colour, size_order(one.size), one.sku),
            )
            if one.active and one.gtin not in (row.gtin, row.had_gtin)
        ]
        for row in rows
    }
