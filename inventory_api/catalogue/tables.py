"""Rows of the catalogue and of the locations. The feeds write them, nothing else does."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer
from sqlmodel import Field, SQLModel

from cart.db.columns import (
    CODE_LENGTH_MAX,
    ID_LENGTH_MAX,
    JSON_COLUMN,
    NAME_LENGTH_MAX,
    TEXT_LENGTH_MAX,
)

GLN_LENGTH = 13  # GS1 General Specifications, 3.4
GTIN_LENGTH = 14
PICTURE_NAME_LENGTH_MAX = 48  # half a SHA-256 in hex, and a suffix
COLOUR_HEX_LENGTH = 7  # #rrggbb
TIMEZONE_LENGTH_MAX = 64
DIGEST_LENGTH = 64


class ProductRow(SQLModel, table=True):
    """An idea that is sold in one or more variants. English texts, others in ``*_i18n``."""

    __tablename__ = "product"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    name: str = Field(max_length=NAME_LENGTH_MAX)
    name_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    description: str = Field(default="", max_length=TEXT_LENGTH_MAX)
    description_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    category: str = Field(default="", max_length=NAME_LENGTH_MAX, index=True)
    brand: str = Field(default="", max_length=NAME_LENGTH_MAX)


class VariantRow(SQLModel, table=True):
    """A sellable form of a product: one SKU, one GTIN. ``active`` false: no longer sold."""

    __tablename__ = "variant"

    sku: str = Field(primary_key=True, max_length=CODE_LENGTH_MAX)
    gtin: str = Field(unique=True, max_length=GTIN_LENGTH)
    product_id: str = Field(foreign_key="product.id", index=True, max_length=ID_LENGTH_MAX)
    colour: str = Field(default="", max_length=NAME_LENGTH_MAX)
    colour_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    colour_hex: str = Field(default="", max_length=COLOUR_HEX_LENGTH)
    size: str = Field(default="", max_length=NAME_LENGTH_MAX)
    material: str = Field(default="", max_length=NAME_LENGTH_MAX)
    width_mm: int | None = None
    height_mm: int | None = None
    depth_mm: int | None = None
    weight_g: int | None = None
    active: bool = True


class PriceRow(SQLModel, table=True):
    """What a variant costs in one currency, in minor units."""

    __tablename__ = "price"
    __table_args__ = (CheckConstraint("price_minor > 0", name="positive"),)

    sku: str = Field(primary_key=True, foreign_key="variant.sku", max_length=CODE_LENGTH_MAX)
    currency: str = Field(primary_key=True, max_length=3)
    price_minor: int = Field(sa_type=BigInteger)


class PriceChangeRow(SQLModel, table=True):
    """A price that changed: from what, to what, when. Only added; old ones go."""

    __tablename__ = "price_change"
    __table_args__ = (
        Index("ix_price_change_at_us", "at_us"),
        {"sqlite_autoincrement": True},  # a position is never given twice, also after the last went
    )

    position: int | None = Field(
        default=None,
        primary_key=True,
        sa_type=BigInteger().with_variant(Integer(), "sqlite"),
    )
    sku: str = Field(foreign_key="variant.sku", max_length=CODE_LENGTH_MAX)
    currency: str = Field(max_length=3)
    before_minor: int = Field(sa_type=BigInteger)
    price_minor: int = Field(sa_type=BigInteger)
    at_us: int = Field(sa_type=BigInteger)


class PictureRow(SQLModel, table=True):
    """A picture of a variant; position 0 is the one shown first. ``name``: under /pictures/."""

    __tablename__ = "picture"

    sku: str = Field(primary_key=True, foreign_key="variant.sku", max_length=CODE_LENGTH_MAX)
    position: int = Field(primary_key=True)
    name: str = Field(max_length=PICTURE_NAME_LENGTH_MAX)
    alt: str = Field(default="", max_length=NAME_LENGTH_MAX)
    alt_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)


class ReviewRow(SQLModel, table=True):
    """What somebody wrote about a product. The id is a digest of who, when and what."""

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("ix_review_product_written", "product_id", "written_on"),
    )

    id: str = Field(primary_key=True, max_length=DIGEST_LENGTH)
    product_id: str = Field(foreign_key="product.id", max_length=ID_LENGTH_MAX)
    author: str = Field(max_length=NAME_LENGTH_MAX)
    rating: int
    text: str = Field(default="", max_length=TEXT_LENGTH_MAX)
    language: str = Field(max_length=8)
    written_on: date


class CatalogueVersionRow(SQLModel, table=True):
    """One row: a number that grows with every change of products, prices, pictures or reviews.

    Whoever changes the catalogue locks it first, so that changes come one after
    another and the number never hides one.
    """

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: int = Field(sa_type=BigInteger)
    changed_at_us: int = Field(sa_type=BigInteger)


class LocationRow(SQLModel, table=True):
    """A shop, backroom or hub. ``opening_hours``: weekday to a list of [from, to], local time."""

    __tablename__ = "location"

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    gln: str = Field(unique=True, max_length=GLN_LENGTH)
    name: str = Field(max_length=NAME_LENGTH_MAX)
    name_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    address: str = Field(default="", max_length=NAME_LENGTH_MAX)
    city: str = Field(default="", max_length=NAME_LENGTH_MAX)
    country: str = Field(max_length=2)
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = Field(max_length=TIMEZONE_LENGTH_MAX)
    opening_hours: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_COLUMN)


class ZoneRow(SQLModel, table=True):
    """An area of a location; staff walk zones by ``walk_order``."""

    __tablename__ = "zone"

    location_id: str = Field(primary_key=True, foreign_key="location.id", max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    name: str = Field(default="", max_length=NAME_LENGTH_MAX)
    name_i18n: dict[str, str] = Field(
        default_factory=dict, sa_type=JSON_COLUMN, sa_column_kwargs={"server_default": "{}"}
    )
    walk_order: int = 0


class BayRow(SQLModel, table=True):
    """A shelf position in a zone."""

    __tablename__ = "bay"
    __table_args__ = (
        ForeignKeyConstraint(
            ["location_id", "zone_id"], ["zone.location_id", "zone.zone_id"], ondelete="CASCADE"
        ),
    )

    location_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    zone_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    bay_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    walk_order: int = 0
