"""A product page's content: the chosen variant, its siblings, the schema.org words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cart.kernel.money import Money
from inventory_api.catalogue.model import Dimensions, ProductView, VariantView
from mobile_api.look.words import Words
from mobile_api.products.shops import Shop, StockWords

MM_PER_CM: Final = 10
GRAMS_PER_KG: Final = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """One colour or size to tap: leads to a variant; ``away`` when no shop has it."""

    label: str
    sku: str
    current: bool
    away: bool
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class ShopStock:
    """One shop's pieces of the chosen variant."""

    shop: Shop
    stock: StockWords
    opening: str
    open_now: bool
    here: bool
    distance: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Where the variant is offered, for the schema.org description."""

    url: str
    pictures: list[str]
    in_stock: bool


def choose(product: ProductView, sku: str) -> VariantView | None:
    """Return the variant with this SKU, else the first that is sold, else any."""
    wanted = [one for one in product.variants if one.sku == sku]
    sold = [one for one in product.variants if one.active]
    return next(iter([*wanted, *sold, *product.variants]), None)


def colours(
    product: ProductView, current: VariantView, pieces: Mapping[str, int], words: Words
) -> list[Choice]:
    """Return one choice per colour: in the size at hand if that colour has it."""
    found: dict[str, VariantView] = {}
    for one in product.variants:
        if one.colour and (one.colour not in found or one.size == current.size):
            found[one.colour] = one
    return [
        Choice(
            label=words.of(one.colour_i18n, one.colour),
            sku=one.sku,
            current=one.colour == current.colour,
            away=not pieces.get(one.sku),
            picture=one.pictures[0].name if one.pictures else None,
        )
        for one in found.values()
    ]


def sizes(product: ProductView, current: VariantView, pieces: Mapping[str, int]) -> list[Choice]:
    """Return the sizes of the colour at hand."""
    return [
        Choice(one.size, one.sku, one.sku == current.sku, not pieces.get(one.sku))
        for one in product.variants
        if one.size and one.colour == current.colour
    ]


def price_of(variant: VariantView, currency: str) -> Money | None:
    """Return the price in the shopper's currency, None if it has none or is no longer sold."""
    minor = variant.prices.get(currency)
    return Money(minor, currency) if minor is not None and variant.active else None


def measures(sizes_of: Dimensions, words: Words) -> list[tuple[str, str]]:
    """Return label and value of what the feed knows, in centimetres and kilograms."""
    _ = words.gettext
    lengths = (
        (_("Width"), sizes_of.width_mm),
        (_("Height"), sizes_of.height_mm),
        (_("Depth"), sizes_of.depth_mm),
    )
    found = [
        (label, _("%(count)s cm") % {"count": words.number(value / MM_PER_CM)})
        for label, value in lengths
        if value
    ]
    if sizes_of.weight_g:
        kilos = words.number(round(sizes_of.weight_g / GRAMS_PER_KG, 1))
        found.append((_("Weight"), _("%(count)s kg") % {"count": kilos}))
    return found


def stars(rating: float) -> str:
    """Return five stars, as many filled as the rating rounds to."""
    full = round(rating)
    return "★" * full + "☆" * (5 - full)


def json_ld(
    product: ProductView, variant: VariantView, words: Words, price: Money | None, offer: Offer
) -> dict[str, Any]:
    """Return the schema.org Product of the chosen variant.

    Source: https://schema.org/Product and GS1's mapping of GTIN to ``gtin14``.
    """
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": offer.url,
        "name": words.of(product.name_i18n, product.name),
        "description": words.of(product.description_i18n, product.description),
        "sku": variant.sku,
        "gtin14": variant.gtin,
        "category": product.category,
        "image": offer.pictures,
    }
    if product.brand:
        described["brand"] = {"@type": "Brand", "name": product.brand}
    if variant.colour:
        described["color"] = variant.colour
    if variant.size:
        described["size"] = variant.size
    if price is not None:
        described["offers"] = {
            "@type": "Offer",
            "price": str(price.amount),
            "priceCurrency": price.currency,
            "availability": f"https://schema.org/{'InStock' if offer.in_stock else 'OutOfStock'}",
            "url": offer.url,
        }
    if product.reviews.average is not None:
        described["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": product.reviews.average,
            "reviewCount": product.reviews.count,
        }
    return described
