"""One row of each kind of feed, as JSON Lines carry it. CSV rows become the same.

Every value is checked here; what needs the rest of the file or the database is
checked where the rows are applied.
"""

from datetime import date
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from cart.db.columns import CODE_LENGTH_MAX, NAME_LENGTH_MAX, TEXT_LENGTH_MAX
from cart.kernel.errors import InvalidMoney
from cart.kernel.gtin import Gtin, check_digit
from cart.kernel.money import exponent
from inventory_api.catalogue.tables import GLN_LENGTH
from inventory_api.stock.model import ON_HAND_MAX

PRICE_MINOR_MAX: Final = 10**12  # ten milliards of euros; more is a slip
CURRENCIES_MAX: Final = 40
PICTURES_MAX: Final = 20
ZONES_MAX: Final = 200
BAYS_MAX: Final = 2_000
SIZE_MM_MAX: Final = 100_000  # a hundred metres of carpet
WEIGHT_G_MAX: Final = 10_000_000  # ten tonnes
PATH_LENGTH_MAX: Final = 500

# Location and product ids are parts of MQTT topics and of addresses of pages.
LocationId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ProductId = LocationId
PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=CODE_LENGTH_MAX)]
Name = Annotated[str, StringConstraints(max_length=NAME_LENGTH_MAX)]
NameGiven = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH_MAX)]
LongText = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Pieces = Annotated[int, Field(ge=0, le=ON_HAND_MAX)]
Millimetres = Annotated[int, Field(ge=0, le=SIZE_MM_MAX)]
Colour = Annotated[str, StringConstraints(pattern=r"^(#[0-9A-Fa-f]{6})?$")]
Path = Annotated[str, StringConstraints(min_length=1, max_length=PATH_LENGTH_MAX)]
PriceMinor = Annotated[int, Field(gt=0, le=PRICE_MINOR_MAX)]


def _currency(code: str) -> str:
    try:
        exponent(code)
    except InvalidMoney as error:
        raise ValueError(error.message) from error
    return code


def _gln(text: str) -> str:
    if len(text) != GLN_LENGTH or not (text.isascii() and text.isdigit()):
        msg = "a GLN has 13 digits"
        raise ValueError(msg)
    expected = str(check_digit(text[:-1]))
    if text[-1] != expected:
        msg = f"the GLN's check digit is {text[-1]}, it should be {expected}"
        raise ValueError(msg)
    return text


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        msg = "not a time zone such as Europe/Warsaw"
        raise ValueError(msg) from error
    return name


def _hours(span: list[str]) -> list[str]:
    if span[0] >= span[1]:
        msg = f"opens at {span[0]}, after it closes at {span[1]}"
        raise ValueError(msg)
    return span


Currency = Annotated[str, AfterValidator(_currency)]
Gln = Annotated[str, AfterValidator(_gln)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Span = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2), AfterValidator(_hours)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Row(BaseModel):
    """Nothing unknown gets in, and a text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)


class BayRow(Row):
    """A shelf position."""

    bay_id: PlaceId
    walk_order: int = 0


class ZoneRow(Row):
    """An area of a location."""

    zone_id: PlaceId
    name: Name = ""
    name_i18n: dict[Language, Name] = {}
    walk_order: int = 0
    bays: Annotated[list[BayRow], Field(max_length=BAYS_MAX)] = []


class LocationRow(Row):
    """A line of ``locations.jsonl``."""

    location_id: LocationId
    gln: Gln
    name: NameGiven
    name_i18n: dict[Language, Name] = {}
    address: Name = ""
    city: Name = ""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    timezone: TimeZone
    opening_hours: dict[Day, list[Span]] = {}
    zones: Annotated[list[ZoneRow], Field(max_length=ZONES_MAX)] = []


class DimensionsRow(Row):
    """Of one piece, unpacked."""

    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None
    depth_mm: Millimetres | None = None
    weight_g: Annotated[int, Field(ge=0, le=WEIGHT_G_MAX)] | None = None


class PictureRow(Row):
    """A picture file, by its path from the feed's folder."""

    path: Path
    alt: Name = ""
    alt_i18n: dict[Language, Name] = {}


class CatalogueRow(Row):
    """A line of ``catalogue.jsonl``: one variant, and the product it is a form of."""

    sku: Sku
    gtin: Gtin
    product_id: ProductId
    product_name: NameGiven
    product_name_i18n: dict[Language, Name] = {}
    description: LongText = ""
    description_i18n: dict[Language, LongText] = {}
    category: Name = ""
    brand: Name = ""
    colour: Name = ""
    colour_i18n: dict[Language, Name] = {}
    colour_hex: Colour = ""
    size: Name = ""
    dimensions: DimensionsRow = DimensionsRow()
    material: Name = ""
    prices: Annotated[dict[Currency, PriceMinor], Field(max_length=CURRENCIES_MAX)] = {}
    pictures: Annotated[list[PictureRow], Field(max_length=PICTURES_MAX)] = []
    active: bool = True


class CountRow(Row):
    """A line of ``counts.jsonl``: what was counted of a SKU at a location."""

    location_id: LocationId
    sku: Sku
    on_hand: Pieces
    safety_stock: Pieces | None = None
    zone_id: PlaceId | None = None
    bay_id: PlaceId | None = None


class ReviewRow(Row):
    """A line of ``reviews.jsonl``."""

    product_id: ProductId
    author: NameGiven
    rating: Annotated[int, Field(ge=1, le=5)]
    text: LongText = ""
    language: Language
    written_on: date
