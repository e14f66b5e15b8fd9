"""What the availability route takes and gives."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cart.db.columns import CODE_LENGTH_MAX, ID_LENGTH_MAX

SKUS_MAX: Final = 200  # a long list; more is a feed's job
LOCATIONS_MAX: Final = 50

# PostgreSQL has no NUL in its texts, and would answer a question about one with an error.
_NO_NUL: Final = r"^[^\x00]+$"
SkuIn = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=CODE_LENGTH_MAX)]
LocationIn = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=ID_LENGTH_MAX)]


class AvailabilityIn(BaseModel):
    """Which SKUs, at which locations."""

    model_config = ConfigDict(extra="forbid")

    skus: Annotated[list[SkuIn], Field(min_length=1, max_length=SKUS_MAX)]
    location_ids: Annotated[list[LocationIn], Field(min_length=1, max_length=LOCATIONS_MAX)]


class AvailabilityLine(BaseModel):
    """One SKU at one location. ``version`` grows with every change; 0: it was never there."""

    location_id: str
    sku: str
    available: Annotated[int, Field(description="Available-to-promise, pieces.")]
    version: int
    changed_at: Annotated[
        datetime | None, Field(description="When the number last changed; null: never there.")
    ]
    as_of: Annotated[datetime, Field(description="When this was read.")]


class AvailabilityOut(BaseModel):
    """Every pair asked for whose names the catalogue knows, all read at one moment."""

    as_of: Annotated[datetime, Field(description="When this was read.")]
    availability: list[AvailabilityLine]
    unknown_skus: list[str]
    unknown_location_ids: list[str]
