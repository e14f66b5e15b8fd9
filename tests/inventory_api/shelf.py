"""A small catalogue and two locations, put straight into the tables, for tests of stock."""

from sqlalchemy import Engine

from cart.db import unit_of_work
from inventory_api.catalogue.tables import LocationRow, ProductRow, VariantRow

SHOP, OTHER = "harbour-street", "mill-lane"
GTINS = ["04006381333931", "00000096385074", "00036000291452"]
SKUS = ["lamp-red", "lamp-blue", "lamp-green"]


def fill(engine: Engine) -> None:
    """Put one product with three variants, and two locations without stock."""
    with unit_of_work(engine) as db:
        db.add(ProductRow(id="lamp", name="Lamp", name_i18n={"pl": "Lampa"}))
        db.flush()
        for sku, gtin in zip(SKUS, GTINS, strict=True):
            db.add(VariantRow(sku=sku, gtin=gtin, product_id="lamp", colour=sku[5:]))
        for place, (location_id, gln) in enumerate(
            ((SHOP, "5900000000008"), (OTHER, "5900000000015"))
        ):
            db.add(
                LocationRow(
                    id=location_id,
                    gln=gln,
                    name=location_id,
                    country="PL",
                    timezone="Europe/Warsaw",
                    latitude=54.0 + place,
                    longitude=18.0,
                )
            )
