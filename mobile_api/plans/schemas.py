"""What the plans' API takes and gives."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.gtin import Gtin
from gateway.plans.model import CALLED_LENGTH_MAX, BookingState
from gateway.plans.route import Kind
from mobile_api.carts.schemas import Taken

KEY_LENGTH_MAX = 16  # the code of an article, or a kind
Called = Annotated[str, StringConstraints(max_length=CALLED_LENGTH_MAX, strip_whitespace=True)]
Bookable = Literal[Kind.FITTING_ROOM, Kind.ADVISER]


class MakePlan(Taken):
    """Plan a visit. ``list_id`` empty: from the cart. ``called``: what staff may call her."""

    location_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)]
    comes_at: AwareDatetime
    list_id: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""
    called: Called = ""


class TickStop(Taken):
    """Tick a stop off, or take the tick back. ``key``: as the stop has it."""

    key: Annotated[str, Field(max_length=KEY_LENGTH_MAX)]
    done: StrictBool


class TryOn(Taken):
    """An article is to be tried on: the fitting room comes after it."""

    gtin: Gtin
    to_try: StrictBool


class Book(Taken):
    """Book a quarter hour; ``change``: instead of what is booked of this kind."""

    serves: Bookable
    starts_at: AwareDatetime
    change: StrictBool = False


class CancelBooking(Taken):
    """Give back what is booked of this kind."""

    serves: Bookable


class StopOut(BaseModel):
    """A stop, in the order of walking."""

    model_config = ConfigDict(from_attributes=True)

    key: Annotated[str, Field(description="An article's code, or the kind of a booking.")]
    kind: Kind
    name: str
    zone: Annotated[str, Field(description="Empty: nobody knows; a colleague is asked.")]
    bay: str
    quantity: int
    short: Annotated[int | None, Field(description="So many are here, fewer than wanted.")]
    to_try: bool
    here: Annotated[bool, Field(description="Her wristband is there, and may be followed.")]
    at: datetime | None


class MissingOut(BaseModel):
    """Something that this shop has none of. ``shop``: the nearest that has; empty: none."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    shop: str


class BookedOut(BaseModel):
    """What she has booked."""

    model_config = ConfigDict(from_attributes=True)

    serves: Kind
    starts_at: datetime
    state: BookingState


class SlotOut(BaseModel):
    """A quarter hour; ``left`` 0: full."""

    model_config = ConfigDict(from_attributes=True)

    starts_at: datetime
    left: int | None


class OfferOut(BaseModel):
    """What can be booked on the day of the visit."""

    model_config = ConfigDict(from_attributes=True)

    serves: Kind
    slots: list[SlotOut]
    booked: BookedOut | None


class PlanOut(BaseModel):
    """Her plan; the first of ``stops`` is the next."""

    model_config = ConfigDict(from_attributes=True)

    location_id: str
    comes_at: datetime
    called: str
    arrived_at: datetime | None
    stops: list[StopOut]
    done: list[StopOut]
    missing: list[MissingOut]
    offers: list[OfferOut]
    html: str | None = None


class Ended(BaseModel):
    """Whether there was a plan."""

    ended: bool
