"""The feed files that ``inventory_api import`` reads: JSON Lines, one row each, UTF-8."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware_sim.goods.assortment import BRAND, Product
from firmware_sim.goods.opinions import Review
from firmware_sim.goods.shops import BAYS, SHOPS, ZONES, Count

CITY, COUNTRY, TIMEZONE = "Cork", "IE", "Europe/Dublin"
Row = dict[str, Any]  # JSON; its shape is the importer's to check


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON Lines, the same bytes for the same rows."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def location_rows() -> Iterator[Row]:
    """Yield the shops."""
    names = dict(ZONES.values())
    for shop in SHOPS:
        zones = [
            {
                "zone_id": letter,
                "name": names[letter].en,
                "name_i18n": names[letter].others(),
                "walk_order": order,
                "bays": [
                    {"bay_id": f"{letter}{bay}", "walk_order": bay} for bay in range(1, BAYS + 1)
                ],
            }
            for order, letter in enumerate(shop.walk, start=1)
        ]
        yield {
            "location_id": shop.location_id,
            "gln": shop.gln,
            "name": shop.name.en,
            "name_i18n": shop.name.others(),
            "address": shop.address,
            "city": CITY,
            "country": COUNTRY,
            "latitude": shop.latitude,
            "longitude": shop.longitude,
            "timezone": TIMEZONE,
            "opening_hours": shop.hours(),
            "zones": zones,
        }


def catalogue_rows(products: tuple[Product, ...], *, with_pictures: bool = True) -> Iterator[Row]:
    """Yield one row per variant; without pictures it names none, as an importer asks for them."""
    for product in products:
        for variant in product.variants:
            width, height, depth = variant.size_mm
            yield {
                "sku": variant.sku,
                "gtin": variant.gtin,
                "product_id": product.product_id,
                "product_name": product.name.en,
                "product_name_i18n": product.name.others(),
                "description": product.description.en,
                "description_i18n": product.description.others(),
                "category": product.category,
                "brand": BRAND,
                "colour": variant.colour.en,
                "colour_i18n": variant.colour.others(),
                "colour_hex": variant.colour_hex,
                "size": variant.size,
                "dimensions": {
                    "width_mm": width,
                    "height_mm": height,
                    "depth_mm": depth,
                    "weight_g": variant.weight_g,
                },
                "material": product.material,
                "prices": variant.prices,
                "pictures": [
                    {"path": one.path, "alt": one.alt.en, "alt_i18n": one.alt.others()}
                    for one in (variant.pictures if with_pictures else ())
                ],
                "active": True,
            }


def count_rows(counts: Iterable[Count]) -> Iterator[Row]:
    """Yield what lies where."""
    for count in counts:
        yield asdict(count)


def review_rows(reviews: Iterable[Review]) -> Iterator[Row]:
    """Yield what people wrote."""
    for review in reviews:
        yield {**asdict(review), "written_on": review.written_on.isoformat()}
