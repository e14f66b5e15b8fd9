"""Words and limits of plans and bookings. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cart.kernel.gtin import Gtin
from gateway.plans.route import Kind, Stop

# The longest day of a shop: clocks are put back. Visits further away are on another day.
DAY_MAX: Final = timedelta(hours=25)
# After the visit it helps nobody any more; a day, so that an evening's visit is there at breakfast.
KEPT: Final = timedelta(days=1)
LINES_MAX: Final = 200  # as a cart
CALLED_LENGTH_MAX: Final = 40  # what staff call her: a name, no letter
FORGOTTEN_MAX: Final = 200  # plans of one round
TODAY_MAX: Final = 500  # bookings of one shop and day: ten rooms, twelve hours, every quarter


class BookingState(StrEnum):
    """What became of a booking; a cancelled one is deleted."""

    BOOKED = "booked"
    SERVED = "served"
    NO_SHOW = "no_show"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of a plan, as it is here now.

    ``available``: pieces that can be promised here. ``zone_id``, ``bay_id``: where it lies, ""
    if nobody has said. ``done``: ticked off, or scanned here.
    """

    gtin: Gtin
    sku: str
    quantity: int
    available: int
    zone_id: str
    bay_id: str
    order: int
    to_try: bool
    done: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking. ``serves``: a kind of stop. ``ticked``: she said that it is done."""

    id: str
    serves: Kind
    zone_id: str
    starts_at: datetime
    state: BookingState
    ticked: bool

    @property
    def done(self) -> bool:
        """Whether it is no stop any more."""
        return self.ticked or self.state is not BookingState.BOOKED


@dataclass(frozen=True, slots=True)
class Followed:
    """A plan as it stands: ``way`` to go, ``done``, and ``missing``: nothing of it is here.

    ``here``: the zone her band is in, "" if nobody knows or may.
    """

    session_id: str
    location_id: str
    comes_at: datetime
    called: str
    arrived_at: datetime | None
    lines: tuple[PlanLine, ...]
    booked: tuple[Booked, ...]
    way: tuple[Stop, ...]
    done: tuple[Stop, ...]
    missing: tuple[PlanLine, ...]
    here: str

    @property
    def next(self) -> Stop | None:
        """Where she goes now."""
        return self.way[0] if self.way else None
