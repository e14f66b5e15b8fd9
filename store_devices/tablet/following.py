"""Keeps the stock of the product on the screen live, and of no other."""

from typing import Final

from cart.kernel.gtin import Gtin
from store_devices.tablet.availability import Availability
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.goods import NEAREST_SHOPS, nearest

SKUS_MAX: Final = 200  # what one question about stock may name; no product of ours has as many


class Following:
    """Joins catalogue and stock; ``here`` is this tablet's location."""

    def __init__(self, catalogue: Catalogue, stock: Availability, here: str) -> None:
        self._catalogue = catalogue
        self._stock = stock
        self._here = here

    def follow(self, gtin: Gtin | None) -> str | None:
        """Follow the product of this code; return its id, None when there is none to follow."""
        found = self._catalogue.product_of(gtin) if gtin else None
        if found is None:
            self._stock.forget()
            return None
        product, _ = found
        shops = nearest(self._here, self._catalogue.locations(), NEAREST_SHOPS)
        skus = tuple(variant.sku for variant in product.variants)[:SKUS_MAX]
        self._stock.show(product.product_id, skus, (self._here, *(shop.id for shop in shops)))
        return product.product_id
