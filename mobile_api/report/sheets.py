"""The report's numbers as tables. What leaves the shop leaves in one of these.

People are told in full groups (``coarse``), and a journey's lift only where both of its groups
are large enough: what is in here may be shown.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from io import StringIO
from typing import Final

from cart.journeys.lift import Interval, purchase_lift, revenue_lift
from cart.journeys.numbers import Numbers
from cart.journeys.report.model import (
    ALL_SEEN,
    EVERYWHERE,
    SPANS,
    Counted,
    Seen,
    Step,
    Window,
    coarse,
)
from cart.looks.model import GROUP_MIN

CURRENCY: Final = "EUR"  # lift is of one currency; a sum over two says nothing
# A spreadsheet takes a text that begins with one of these for a formula.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_SHARE: Final = Decimal("0.000001")
_MINOR: Final = Decimal("0.01")
Cell = str | int | Decimal | datetime | None
Reached = Mapping[tuple[str, str], Counted]  # by location and kind of device


class Type(Enum):
    """What a column has; each cell may also be empty."""

    TEXT = "text"
    WHOLE = "whole"  # 64 bits: people, seconds, minor units
    SHARE = "share"  # a decimal of six places, 1 is all
    MINOR = "minor"  # a decimal of two places: an average of minor units
    MOMENT = "moment"  # UTC, to the microsecond


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its columns by name, in their order, and its rows."""

    name: str
    columns: Mapping[str, Type]
    rows: Sequence[tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report has. ``names``: of the locations; ``orders``: everybody's, by location."""

    windows: Sequence[Window]
    names: Mapping[str, str]
    counted: Reached
    orders: Mapping[str, int]
    journeys: Sequence[Numbers]


_PERIOD: Final = {"since": Type.MOMENT, "until": Type.MOMENT}
_PLACE: Final = {"location_id": Type.TEXT, "location": Type.TEXT}
FUNNEL: Final = {
    **_PERIOD, **_PLACE, "device": Type.TEXT, "step": Type.TEXT, "people": Type.WHOLE,
}  # fmt: skip
TIMES: Final = {
    **_PERIOD,
    **_PLACE,
    "device": Type.TEXT,
    "people": Type.WHOLE,
    "median_s": Type.WHOLE,
    "p90_s": Type.WHOLE,
    **dict.fromkeys(SPANS, Type.WHOLE),
}
ORDERS: Final = {**_PERIOD, **_PLACE, "orders": Type.WHOLE}
LIFT: Final = {
    "journey": Type.TEXT,
    "currency": Type.TEXT,
    "treated": Type.WHOLE,
    "treated_bought": Type.WHOLE,
    "treated_spent_minor": Type.WHOLE,
    "held_out": Type.WHOLE,
    "held_out_bought": Type.WHOLE,
    "held_out_spent_minor": Type.WHOLE,
    "purchase_lift": Type.SHARE,
    "purchase_low": Type.SHARE,
    "purchase_high": Type.SHARE,
    "revenue_lift_minor": Type.MINOR,
    "revenue_low_minor": Type.MINOR,
    "revenue_high_minor": Type.MINOR,
}
NAMES: Final = ("funnel", "times", "orders", "lift")


def sheets(report: Report) -> dict[str, Sheet]:
    """Return the tables of a report by name."""
    return {
        "funnel": Sheet("funnel", FUNNEL, list(_funnel(report))),
        "times": Sheet("times", TIMES, list(_times(report))),
        "orders": Sheet("orders", ORDERS, list(_orders(report))),
        "lift": lift_sheet(report.journeys),
    }


def lift_sheet(journeys: Iterable[Numbers]) -> Sheet:
    """Return the table of what journeys bring."""
    return Sheet("lift", LIFT, [_lift(one) for one in journeys])


def large_enough(one: Numbers) -> bool:
    """Say whether a journey's two groups may be shown."""
    return min(one.treated.people, one.held_out.people) >= GROUP_MIN


def as_csv(sheet: Sheet) -> str:
    """Return a table as CSV (RFC 4180) with a line of headers; moments are ISO 8601 in UTC."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    writer.writerows([_written(cell) for cell in row] for row in sheet.rows)
    return text.getvalue()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case str() if cell.startswith(FORMULA):
            return f"'{cell}"
        case _:
            return str(cell)


def _places(report: Report) -> Iterator[tuple[Cell, ...]]:
    """Yield period, id and name of all locations together, and of each."""
    if report.windows:
        since, until = (
            min(one.since for one in report.windows),
            max(one.until for one in report.windows),
        )
        yield since, until, EVERYWHERE, ""
    for one in report.windows:
        yield one.since, one.until, one.location_id, report.names.get(one.location_id, "")


def _groups(report: Report) -> Iterator[tuple[tuple[Cell, ...], Counted | None]]:
    """Yield every group, also those that nobody is in: that one is there would tell something."""
    for place in _places(report):
        for seen in (ALL_SEEN, *Seen):
            yield (*place, str(seen)), report.counted.get((str(place[2]), str(seen)))


def _funnel(report: Report) -> Iterator[tuple[Cell, ...]]:
    for place, group in _groups(report):
        for number, step in enumerate(Step):
            people = coarse(group.reached[number]) if group else None
            yield *place, step.name.lower(), people


def _times(report: Report) -> Iterator[tuple[Cell, ...]]:
    for place, group in _groups(report):
        people = coarse(group.timed) if group else None
        if group is None or people is None:
            yield *place, *([None] * (len(TIMES) - len(place)))
        else:
            spans = (coarse(one) for one in group.spans)
            yield *place, people, group.median_s, group.p90_s, *spans


def _orders(report: Report) -> Iterator[tuple[Cell, ...]]:
    for place in _places(report):
        own = report.orders.get(str(place[2]), 0)
        yield *place, own if place[2] else sum(report.orders.values())


def _lift(one: Numbers) -> tuple[Cell, ...]:
    if not large_enough(one):
        return one.name, CURRENCY, *([None] * (len(LIFT) - 2))
    treated, out = one.treated, one.held_out
    return (
        *(one.name, CURRENCY, treated.people, treated.buyers, treated.spent_minor),
        *(out.people, out.buyers, out.spent_minor),
        *_cells(purchase_lift(treated, out), _SHARE),
        *_cells(revenue_lift(treated, out), _MINOR),
    )


def _cells(one: Interval | None, places: Decimal) -> tuple[Cell, ...]:
    if one is None:
        return (None, None, None)
    return tuple(Decimal(value).quantize(places) for value in (one.value, one.low, one.high))
