"""The report's page and its files: a marketer's of all shops, a manager's of her own.

Numbers of groups only. A file is made by the thread that answers, off the event loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import Session

from cart.db.columns import ID_LENGTH_MAX
from cart.journeys.report.model import ALL_SEEN, DAYS_MAX, SHOPS_MAX, Seen
from cart.kernel.errors import InvalidInput, UnknownLocation
from cart.looks.model import GROUP_MIN
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holds
from cart.picking.roles import May
from inventory_api.catalogue.model import LocationView
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.report import parquet
from mobile_api.report.gathering import chosen, gather, today_in
from mobile_api.report.sheets import NAMES, Report, Sheet, as_csv, sheets
from mobile_api.report.showing import DEVICES, shown
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.staff.ways import home_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/staff/report", dependencies=[allow(Role.REPORT)], include_in_schema=False
)
DAYS: Final = 30  # of the report that is shown first
DAYS_OFFERED: Final = (7, 30, 90, 365)
WRONG: Final = N_("A period ends on the day it begins or later, and has at most %(days)s days.")
PARQUET_TYPE: Final = "application/vnd.apache.parquet"
SheetName = Literal["funnel", "times", "orders", "lift"]

LEFT_EMPTY: Final = BeforeValidator(lambda sent: sent or None)  # a field that a form sends empty


class Asked(BaseModel):
    """What the form asks for. No shop: all that she may see; no day: the last thirty."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[date | None, Field(alias="from"), LEFT_EMPTY] = None
    until: Annotated[date | None, Field(alias="to"), LEFT_EMPTY] = None
    shop: Annotated[
        list[Annotated[str, Field(max_length=ID_LENGTH_MAX)]], Field(max_length=SHOPS_MAX)
    ] = []
    device: Annotated[Seen | None, LEFT_EMPTY] = None

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day; the last that is over, if none is named."""
        last = self.until or today - timedelta(days=1)
        return self.since or min(last, today) - timedelta(days=DAYS - 1), last


Wanted = Annotated[Asked, Query()]


@contextmanager
def _looking(
    wired: Parts, device: Device, *, by_hand: bool
) -> Iterator[tuple[Session, Staff, list[LocationView], bool]]:
    """Yield who looks, the shops that she may see, and whether she may see more than her own."""
    with device.reading(wired, by_hand=by_hand) as (db, me):
        everywhere = me.may(May.MARKETING) or holds(db, me.id, Permission.OPERATOR)
        yield db, me, chosen(db, () if everywhere else (me.location_id,)), everywhere


def _among(shops: list[LocationView], wanted: list[str]) -> list[LocationView]:
    """Return those that are wanted of what she may see; all of it, if none is named.

    Raises:
        UnknownLocation: there is none of these, or she may not see it.
    """
    if set(wanted) - {one.location_id for one in shops}:
        msg = "there is no such location for you"
        raise UnknownLocation(msg)
    return [one for one in shops if not wanted or one.location_id in wanted]


@router.get("")
def report_page(
    request: Request, wired: Wired, device: CurrentDevice, asked: Wanted
) -> HTMLResponse:
    """Show the report."""
    spoken = words(locale_of(request))
    with _looking(wired, device, by_hand=True) as (db, me, shops, everywhere):
        among = _among(shops, asked.shop)
        today = today_in(among, wired.clock.now())
        first, last = asked.days(today)
        fault = ""
        try:
            report = gather(db, among, first, last, lift=everywhere)
        except InvalidInput:
            report, fault = Report([], {}, {}, {}, []), spoken.gettext(WRONG) % {"days": DAYS_MAX}
        context: dict[str, Any] = {
            "me": me,
            "place": spoken.gettext("Report"),
            "page_id": "report",
            "here_path": "/staff/report",
            "home": home_of(db, me),
            "shown": shown(report, asked.device or ALL_SEEN, spoken),
            "fault": fault,
            "everywhere": everywhere,
            "shops": [(one.location_id, spoken.of(one.name_i18n, one.name)) for one in shops],
            "picked": [one.location_id for one in among] if len(among) < len(shops) else [],
            "first": first.isoformat(),
            "last": last.isoformat(),
            "period": (spoken.day(first), spoken.day(last)),
            "offered": [
                (days, (today - timedelta(days=days)).isoformat()) for days in DAYS_OFFERED
            ],
            "yesterday": (today - timedelta(days=1)).isoformat(),
            "device": asked.device or ALL_SEEN,
            "devices": [(str(one), spoken.gettext(label)) for one, label in DEVICES.items()],
            "sheets": [one for one in NAMES if everywhere or one != "lift"],
            "parquet": parquet.available(),
            "smallest": GROUP_MIN,
        }
    return page(
        request, "staff_report.html", context, status=400 if fault else 200, headers=NO_STORE
    )


@router.get("/{sheet}.csv")
def sheet_csv(
    wired: Wired, device: CurrentDevice, sheet: Annotated[SheetName, Path()], asked: Wanted
) -> Response:
    """Give a table as CSV."""
    text = as_csv(_sheets(wired, device, asked)[sheet])
    return Response(text, media_type="text/csv; charset=utf-8", headers=_file(f"{sheet}.csv"))


@router.get("/{sheet}.parquet")
def sheet_parquet(
    wired: Wired, device: CurrentDevice, sheet: Annotated[SheetName, Path()], asked: Wanted
) -> Response:
    """Give a table as Parquet."""
    content = parquet.as_parquet(_sheets(wired, device, asked)[sheet])
    return Response(content, media_type=PARQUET_TYPE, headers=_file(f"{sheet}.parquet"))


def _sheets(wired: Parts, device: Device, asked: Asked) -> dict[str, Sheet]:
    with _looking(wired, device, by_hand=False) as (db, _, shops, everywhere):
        among = _among(shops, asked.shop)
        first, last = asked.days(today_in(among, wired.clock.now()))
        return sheets(gather(db, among, first, last, lift=everywhere))


def _file(name: str) -> dict[str, str]:
    return {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
