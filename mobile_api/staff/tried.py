"""What was tried on before mirrors, and bought or not: numbers of groups, no pictures, nobody."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cart.looks import numbers
from cart.looks.model import GROUP_MIN
from inventory_api.catalogue import queries as catalogue
from mobile_api.edge.access import Role, allow
from mobile_api.staff.signed_in import CurrentDevice
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.STAFF)], tags=["staff"], responses={401: {}})
PERIOD: Final = timedelta(days=30)  # as long as looks are kept without a choice
PRODUCTS_MAX: Final = 100
_NONE: Final = f"null: fewer than {GROUP_MIN} shoppers, or all but so few."
_BOUGHT: Final = f"Of these, in any size or colour, and not cancelled. {_NONE}"


class TriedOut(BaseModel):
    """A product that at least GROUP_MIN shoppers tried on."""

    model_config = ConfigDict(from_attributes=True)

    product_id: str
    gtin: Annotated[str, Field(description="One of its variants that were tried on.")]
    tried: Annotated[int, Field(description="Shoppers, each once.")]
    bought: Annotated[int | None, Field(description=_BOUGHT)]
    not_bought: Annotated[int | None, Field(description=_NONE)]


class TriedHereOut(BaseModel):
    """At the location at which she is signed in, in looks of the last 30 days still kept."""

    products: list[TriedOut]
    group_min: int = GROUP_MIN


@router.get("/api/v1/staff/tried")
def tried_here(wired: Wired, device: CurrentDevice) -> TriedHereOut:
    """Return what was tried on here, the most often tried first."""
    with device.reading(wired) as (db, me):
        since = wired.clock.now() - PERIOD
        found = numbers.tried(db, catalogue.codes(), me.location_id, since, PRODUCTS_MAX)
    return TriedHereOut(products=[TriedOut.model_validate(one) for one in found])
