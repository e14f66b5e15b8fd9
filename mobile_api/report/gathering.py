"""Puts a report together: the shops' days, and what was counted in them."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from cart.journeys import numbers
from cart.journeys.report import queries
from cart.journeys.report.model import windows
from cart.kernel.errors import UnknownLocation
from inventory_api.catalogue.model import LocationView
from inventory_api.catalogue.queries import locations
from mobile_api.report.sheets import CURRENCY, Report


def chosen(db: Session, wanted: Collection[str]) -> list[LocationView]:
    """Return these locations; all, if none is named.

    Raises:
        UnknownLocation: there is no such one.
    """
    every = locations(db)
    unknown = set(wanted) - {one.location_id for one in every}
    if unknown:
        msg = f"there is no location {min(unknown)}"
        raise UnknownLocation(msg)
    return [one for one in every if not wanted or one.location_id in wanted]


def today_in(shops: Collection[LocationView], now: datetime) -> date:
    """Return the day that it is in these shops, where it is two days the earlier one.

    The day before it is over in all of them. Of no shop: the day in UTC.
    """
    return min((now.astimezone(ZoneInfo(one.timezone)).date() for one in shops), default=now.date())


def gather(
    db: Session, shops: Collection[LocationView], first: date, last: date, *, lift: bool = True
) -> Report:
    """Count what was done in these shops from the first day to the last, both whole.

    ``lift``: also of every journey, over all of its time and all shops.

    Raises:
        InvalidInput: as ``windows`` says.
    """
    there = windows({one.location_id: one.timezone for one in shops}, first, last)
    return Report(
        windows=there,
        names={one.location_id: one.name for one in shops},
        counted={(one.location_id, one.seen): one for one in queries.counted(db, there)},
        orders=queries.orders(db, there),
        journeys=numbers.all_numbers(db, CURRENCY) if lift else [],
    )
