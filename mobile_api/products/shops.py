"""Shops as a shopper sees them: how far, open or not, and what is left, in words. Pure rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final
from zoneinfo import ZoneInfo

from mobile_api.look.words import Words

EARTH_RADIUS_M: Final = 6_371_008  # mean radius, IUGG
FEW_MAX: Final = 5  # up to here the exact number helps to decide; above it is only a number
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_AHEAD: Final = 7


@dataclass(frozen=True, slots=True)
class Shop:
    """A location with its name in the reader's language."""

    id: str
    name: str
    address: str
    city: str
    latitude: float | None
    longitude: float | None
    timezone: str
    opening_hours: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """``open_now``, and when that changes next (aware, shop's time); None: not within a week."""

    open_now: bool
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class StockWords:
    """A sentence and its tone: ``good``, ``few`` or ``out``."""

    text: str
    tone: str


def metres_between(one: Shop, other: Shop) -> float | None:
    """Return the distance as the crow flies (haversine), None where a place is unknown."""
    if None in {one.latitude, one.longitude, other.latitude, other.longitude}:
        return None
    places = (one.latitude, one.longitude, other.latitude, other.longitude)
    lat1, lon1, lat2, lon2 = (radians(place or 0.0) for place in places)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half))


def opening(shop: Shop, now: datetime) -> Opening:
    """Say whether the shop is open at ``now``, and when it next opens or closes."""
    local = now.astimezone(ZoneInfo(shop.timezone))
    ahead: datetime | None = None
    for days in range(DAYS_AHEAD + 1):
        day = local.date() + timedelta(days=days)
        for begins, ends in shop.opening_hours.get(WEEKDAYS[day.weekday()]) or ():
            opens, closes = (_at(local, day, text) for text in (begins, ends))
            if opens <= local < closes:
                return Opening(open_now=True, changes_at=closes)
            if opens > local and (ahead is None or opens < ahead):
                ahead = opens
        if ahead is not None:
            break
    return Opening(open_now=False, changes_at=ahead)


def _at(local: datetime, day: Any, text: str) -> datetime:  # noqa: ANN401 - a date
    hour, _, minute = text.partition(":")
    if int(hour) == 24:  # noqa: PLR2004 - feeds write midnight at the end of a day as 24:00
        return datetime.combine(day + timedelta(days=1), time(), local.tzinfo)
    return datetime.combine(day, time(int(hour), int(minute or 0)), local.tzinfo)


def opening_words(w: Words, shop: Shop, now: datetime) -> tuple[str, bool]:
    """Return ``Open until 20:00`` or ``Closed, opens Monday 9:00``, and whether it is open."""
    found = opening(shop, now)
    if found.changes_at is None:
        return (w.gettext("Open") if found.open_now else w.gettext("Closed")), found.open_now
    at = w.clock_time(found.changes_at, shop.timezone)
    if found.open_now:
        return w.gettext("Open until %(time)s") % {"time": at}, True
    local = now.astimezone(ZoneInfo(shop.timezone))
    if found.changes_at.date() == local.date():
        return w.gettext("Closed, opens at %(time)s") % {"time": at}, False
    day = w.weekday(found.changes_at, shop.timezone)
    return w.gettext("Closed, opens %(day)s at %(time)s") % {"day": day, "time": at}, False


def nearest_first(shops: Sequence[Shop], here: Shop | None) -> list[Shop]:
    """Return the shops by distance from ``here``, itself first; unknown places last."""
    if here is None:
        return list(shops)

    def far(shop: Shop) -> tuple[bool, float]:
        metres = metres_between(here, shop)
        return (metres is None and shop.id != here.id, metres or 0.0)

    return sorted(shops, key=far)


def stock_words(
    w: Words, shops: Sequence[Shop], here: Shop | None, available: Mapping[str, int]
) -> StockWords:
    """Say what is left of one SKU: here, else at the nearest shop that has it.

    ``shops`` nearest first; ``available``: location id to pieces.
    """
    if here is not None and (count := available.get(here.id, 0)):
        if count <= FEW_MAX:
            return StockWords(w.ngettext("%(num)s left here", "%(num)s left here", count), "few")
        return StockWords(w.gettext("In stock here"), "good")
    for shop in shops:
        count = available.get(shop.id, 0)
        if not count:
            continue
        text = w.gettext("%(shop)s has %(num)s") % {"shop": shop.name, "num": w.number(count)}
        metres = metres_between(here, shop) if here is not None else None
        if metres:
            text = w.gettext("%(stock)s · %(distance)s away") % {
                "stock": text,
                "distance": w.distance(metres),
            }
        return StockWords(text, "few" if here is not None else "good")
    return StockWords(w.gettext("Sold out in our shops"), "out")


def pieces_words(w: Words, count: int) -> StockWords:
    """Say what one shop has, on a page that names the shop beside it."""
    if count > FEW_MAX:
        return StockWords(w.gettext("In stock"), "good")
    if count:
        return StockWords(w.ngettext("%(num)s left", "%(num)s left", count), "few")
    return StockWords(w.gettext("None there now"), "out")
