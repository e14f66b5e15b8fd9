"""Products and shops as the catalogue's HTTP API gives them, as far as the tablet shows them.

Shapes only. Unknown fields are let go on purpose: a shop's server is updated
before its tablets, and a tablet must go on reading the newer snapshot.
"""

from datetime import date
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cart.kernel.gtin import Gtin
from cart.kernel.money import Money

PICTURE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"  # a file name, and nothing that climbs folders
EARTH_RADIUS_KM: Final = 6_371.0
NEAREST_SHOPS: Final = 3  # what fits beside a product, and what one would walk or drive to


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Picture(_Given):
    """``name`` under ``/pictures/``, and what is on it for who cannot see it."""

    name: Annotated[str, Field(pattern=PICTURE_NAME)]
    alt: str = ""
    alt_i18n: dict[str, str] = {}


class Dimensions(_Given):
    """Of one piece, unpacked."""

    width_mm: int | None = None
    height_mm: int | None = None
    depth_mm: int | None = None
    weight_g: int | None = None


class Variant(_Given):
    """A sellable form. ``prices``: currency to minor units."""

    sku: str
    gtin: Gtin
    colour: str = ""
    colour_i18n: dict[str, str] = {}
    colour_hex: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")] = ""
    size: str = ""
    material: str = ""
    dimensions: Dimensions = Dimensions()
    prices: dict[str, int] = {}
    pictures: tuple[Picture, ...] = ()
    active: bool = True

    def price(self, currency: str) -> Money | None:
        """Return what it costs, None when it has no price in this currency."""
        minor = self.prices.get(currency)
        return None if minor is None else Money(minor, currency)


class Review(_Given):
    """What somebody wrote; ``rating`` is 1 to 5."""

    author: str = ""
    rating: int
    text: str = ""
    language: str = ""
    written_on: date | None = None


class Reviews(_Given):
    """All reviews in two numbers, and the newest few."""

    average: float | None = None
    count: int = 0
    newest: tuple[Review, ...] = ()


class Product(_Given):
    """A product with all its variants."""

    product_id: str
    name: str
    name_i18n: dict[str, str] = {}
    description: str = ""
    description_i18n: dict[str, str] = {}
    category: str = ""
    brand: str = ""
    variants: tuple[Variant, ...]
    reviews: Reviews = Reviews()


class Location(_Given):
    """A shop."""

    id: Annotated[str, Field(alias="location_id")]
    name: str
    name_i18n: dict[str, str] = {}
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = "UTC"


def distance_km(one: Location, other: Location) -> float | None:
    """Return the distance over the ground (haversine), None when a place is not given."""
    if one.latitude is None or one.longitude is None:
        return None
    if other.latitude is None or other.longitude is None:
        return None
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    scale = cos(radians(one.latitude)) * cos(radians(other.latitude))
    chord = sin(north / 2) ** 2 + scale * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


def nearest(here: str, locations: list[Location], count: int) -> list[Location]:
    """Return the ``count`` shops nearest to the one called ``here``, without it.

    Shops of unknown place come last, by name.
    """
    others = [each for each in locations if each.id != here]
    home = next((each for each in locations if each.id == here), None)

    def far(each: Location) -> tuple[float, str]:
        away_km = distance_km(home, each) if home else None
        return (float("inf") if away_km is None else away_km, each.name)

    return sorted(others, key=far)[:count]
