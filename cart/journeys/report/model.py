"""Words of the report. Pure; no database.

People are counted, not touches: each once in a period, at the furthest step that she reached.
Who reached a step reached those before it, however she came there, so no step counts more
people than the one before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cart.kernel.clock import to_us
from cart.kernel.errors import InvalidInput
from cart.looks.model import GROUP_MIN
from cart.profile.timeline.model import Channel, Kind

DAYS_MAX: Final = 400  # of a period: the timeline is kept for thirteen months
SHOPS_MAX: Final = 200  # of one report
EVERYWHERE: Final = ""  # in place of a location: all that were chosen, each person once


class Step(IntEnum):
    """How far somebody came. Each is reached by what is named for it, or by any later one."""

    SCANNED = 1  # scanned, put on a list, tried on, asked for in another size, kept as a look
    KEPT = 2  # in the cart on her own phone, or a list that was saved or sent
    CHECKOUT = 3
    ORDERED = 4  # also if it was cancelled later
    COLLECTED = 5  # or shipped


class Seen(StrEnum):
    """Through what somebody's first touch of the period was."""

    TABLET = "tablet"
    MIRROR = "mirror"
    BAND = "band"
    PHONE = "phone"
    OTHER = "other"  # by somebody of the staff, at the desk, by mail


ALL_SEEN: Final = ""  # in place of one of them: all
CHANNELS: Final[Mapping[Channel, Seen]] = {
    Channel.TABLET: Seen.TABLET,
    Channel.MIRROR: Seen.MIRROR,
    Channel.BAND: Seen.BAND,
    Channel.PHONE: Seen.PHONE,
}
LOOKED: Final = frozenset({Kind.SCANNED, Kind.TRIED, Kind.SIZE_ASKED, Kind.LOOK_KEPT})
KEEPING: Final = frozenset({Kind.LISTED, Kind.LIST_MAILED})
COUNTED: Final = LOOKED | KEEPING | {Kind.CHECKOUT_OPENED, Kind.ORDERED, Kind.COLLECTED}
# The ends of the spans, exclusive; what took longer is in the last one. A quarter of an hour and
# an hour are a visit; a day is the same day; a week is a thing that was slept on.
SPANS: Final[Mapping[str, timedelta | None]] = {
    "within_quarter_hour": timedelta(minutes=15),
    "within_hour": timedelta(hours=1),
    "within_day": timedelta(days=1),
    "within_week": timedelta(days=7),
    "later": None,
}


@dataclass(frozen=True, slots=True)
class Window:
    """A location and its part of time, ``since`` inclusive, ``until`` exclusive; both aware."""

    location_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """People of one location, or of all, who began with one kind of device, or with any.

    ``reached``: how many came to each step, in the order of ``Step``. ``timed``: how many
    bought after a scan of the period; ``median_s`` and ``p90_s``: seconds from her first scan to
    her first purchase after it, nearest rank; ``spans``: how many of them by ``SPANS``.
    """

    location_id: str
    seen: str
    reached: tuple[int, ...]
    timed: int
    median_s: int | None
    p90_s: int | None
    spans: tuple[int, ...]

    def __post_init__(self) -> None:
        """Say at once if a step counts more people than the one before it."""
        assert all(one >= after for one, after in pairwise(self.reached)), self  # noqa: S101 - our own arithmetic


def coarse(number: int) -> int | None:
    """Return a number of people that may be shown, in full groups; None: fewer than one.

    Rounded down, so that nothing is told by taking one number from another, of two days' reports
    neither.
    """
    return number // GROUP_MIN * GROUP_MIN or None


def windows(zones: Mapping[str, str], first: date, last: date) -> Sequence[Window]:
    """Return the days from ``first`` to ``last``, both whole, as each location has them.

    ``zones``: locations and their time zones.

    Raises:
        InvalidInput: it ends before it begins, has more than DAYS_MAX days, or there are
            more than SHOPS_MAX locations.
    """
    if not first <= last:
        msg = "a period ends on the day it begins, or later"
        raise InvalidInput(msg)
    if (last - first).days >= DAYS_MAX:
        msg = f"a period has at most {DAYS_MAX} days"
        raise InvalidInput(msg)
    if len(zones) > SHOPS_MAX:
        msg = f"a report is about at most {SHOPS_MAX} locations"
        raise InvalidInput(msg)
    after = last + timedelta(days=1)
    return [
        Window(
            location_id,
            datetime.combine(first, time(), ZoneInfo(zone)),
            datetime.combine(after, time(), ZoneInfo(zone)),
        )
        for location_id, zone in sorted(zones.items())
    ]


def bounds_us(chosen: Sequence[Window]) -> tuple[int, int]:
    """Return the first and the last moment of them all, in microseconds; (0, 0) of none."""
    return (
        min((to_us(one.since) for one in chosen), default=0),
        max((to_us(one.until) for one in chosen), default=0),
    )
