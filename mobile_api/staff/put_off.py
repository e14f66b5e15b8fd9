"""Until when an order is put off: what the dialog proposes, and which moment a time means.

Times are the shop's own, as its clock on the wall says them: a colleague's phone may be
set to another zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cart.orders.slots import next_opening_day
from cart.picking.handover import KEPT_MAX
from mobile_api.staff.looking import Looking

_FIELD = "%Y-%m-%dT%H:%M"  # what a browser's datetime-local field reads


@dataclass(frozen=True, slots=True)
class Choices:
    """What the field of the dialog takes, in the shop's time: the first, last, proposed minute."""

    first: str
    last: str
    proposed: str


def proposed(look: Looking) -> datetime:
    """Return when the shop opens on its next opening day, in UTC."""
    facts = look.shop.locations.facts(look.db, look.me.location_id)
    return next_opening_day(facts.opening_hours, facts.timezone, look.clock.now())


def choices(look: Looking) -> Choices:
    """Return what can be chosen."""
    zone, now = ZoneInfo(look.zone), look.clock.now()

    def local(moment: datetime) -> str:
        return moment.astimezone(zone).strftime(_FIELD)

    return Choices(local(now), local(now + KEPT_MAX), local(proposed(look)))


def meant(look: Looking, wanted: datetime | None) -> datetime:
    """Return the moment that was asked for; None: what is proposed.

    ``wanted`` without an offset is the shop's own time.
    """
    if wanted is None:
        return proposed(look)
    aware = wanted if wanted.tzinfo else wanted.replace(tzinfo=ZoneInfo(look.zone))
    return aware.astimezone(UTC)
