"""What the catalogue says about products and locations, as values. Pure.

These shapes are what HTTP answers with and what a snapshot line holds. English
texts stand under their plain name, other languages in ``*_i18n`` by code.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from cart.kernel.gtin import LENGTHS

REVIEWS_SHOWN_MAX: Final = 5
_LETTER_SIZES: Final = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture: ``name`` under ``/pictures/``, and what is on it, for who cannot see it."""

    name: str
    alt: str
    alt_i18n: dict[str, str]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Of one piece, unpacked. None: the feed does not say."""

    width_mm: int | None
    height_mm: int | None
    depth_mm: int | None
    weight_g: int | None


@dataclass(frozen=True, slots=True)
class VariantView:
    """A sellable form. ``prices``: currency to minor units. ``active`` false: no longer sold."""

    sku: str
    gtin: str
    colour: str
    colour_i18n: dict[str, str]
    colour_hex: str
    size: str
    material: str
    dimensions: Dimensions
    prices: dict[str, int]
    pictures: list[PictureView]
    active: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What somebody wrote. ``rating``: 1 to 5."""

    author: str
    rating: int
    text: str
    language: str
    written_on: date


@dataclass(frozen=True, slots=True)
class Reviews:
    """All reviews in two numbers, and the newest few. ``average``: None without reviews."""

    average: float | None = None
    count: int = 0
    newest: list[ReviewView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product with all its variants, by colour and size."""

    product_id: str
    name: str
    name_i18n: dict[str, str]
    description: str
    description_i18n: dict[str, str]
    category: str
    brand: str
    variants: list[VariantView]
    reviews: Reviews

    def variant(self, sku: str) -> VariantView:
        """Return the variant with this SKU; KeyError if the product has none."""
        for variant in self.variants:
            if variant.sku == sku:
                return variant
        raise KeyError(sku)


@dataclass(frozen=True, slots=True)
class ItemView:
    """What a code stands for: one variant, and the product it is a form of."""

    sku: str
    gtin: str
    product: ProductView


@dataclass(frozen=True, slots=True)
class BayView:
    """A shelf position."""

    bay_id: str
    walk_order: int


@dataclass(frozen=True, slots=True)
class ZoneView:
    """An area, with its bays in walking order."""

    zone_id: str
    name: str
    name_i18n: dict[str, str]
    walk_order: int
    bays: list[BayView]


@dataclass(frozen=True, slots=True)
class LocationView:
    """A location. ``opening_hours``: ``mon`` … ``sun`` to ``[["10:00", "20:00"], …]``, local."""

    location_id: str
    gln: str
    name: str
    name_i18n: dict[str, str]
    address: str
    city: str
    country: str
    latitude: float | None
    longitude: float | None
    timezone: str
    opening_hours: dict[str, Any]
    zones: list[ZoneView]


def size_order(size: str) -> tuple[int, float, str]:
    """Return a sort key that puts S before M before XL, and 8 before 10."""
    letters = size.upper().replace("2XL", "XXL").replace("3XL", "XXXL")
    if letters in _LETTER_SIZES:
        return 0, _LETTER_SIZES.index(letters), size
    number = _NUMBER.search(size)
    if number:
        return 1, float(number[0].replace(",", ".")), size
    return 2, 0, size


def looks_like_a_gtin(code: str) -> bool:
    """Say whether a code is meant as digits under a barcode or a Digital Link."""
    text = code.strip()
    return text.lower().startswith(("http://", "https://")) or (
        text.isascii() and text.isdigit() and len(text) in LENGTHS
    )
