"""The marketer's pages of journeys: numbers, on and off, a dry run, what a mail looks like.

Numbers only: no name, no address, and of a dry run none below SMALLEST_GROUP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, select

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import unit_of_work
from cart.journeys import history, loading, numbers
from cart.journeys.guards import Reason
from cart.journeys.lift import Group, Interval, purchase_lift, revenue_lift
from cart.journeys.membership import missing
from cart.journeys.model import NAME_LENGTH_MAX, Definition, Template
from cart.journeys.moving import End
from cart.journeys.numbers import Numbers
from cart.kernel.errors import CarryoverError
from cart.kernel.gtin import Gtin
from cart.kernel.i18n import LOCALES, choose
from cart.kernel.money import Money
from cart.picking import staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission
from cart.picking.roles import May
from inventory_api.catalogue.tables import VariantRow
from mobile_api.carts.basket import Wanted
from mobile_api.demo.pages import LETTER_POLICY
from mobile_api.edge.access import Role, allow
from mobile_api.edge.guard import POLICY
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_
from mobile_api.journeys import telling
from mobile_api.journeys.reminder import TEMPLATES, reminder
from mobile_api.journeys.world import world_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import Words, words
from mobile_api.report.sheets import as_csv, large_enough, lift_sheet
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.staff.ways import home_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/staff/journeys", dependencies=[allow(Role.MARKETING)], include_in_schema=False
)
Name = Annotated[str, Path(max_length=NAME_LENGTH_MAX)]
Days = Annotated[int, Query(ge=1, le=history.DAYS_MAX)]
CURRENCY: Final = "EUR"  # lift is of one currency; a sum over two says nothing
PREVIEW_LINES: Final = 3
REASONS: Final[Mapping[str, str]] = {
    Reason.SWITCHED_OFF: N_("switched off"),
    Reason.BOUGHT: N_("bought meanwhile"),
    Reason.NO_CONSENT: N_("no consent"),
    Reason.NO_ADDRESS: N_("no address"),
    Reason.NO_PHONE: N_("no phone that may remind"),
    Reason.NO_NUMBER: N_("no number"),
    Reason.SUPPRESSED: N_("address gets no mail"),
    Reason.NOTHING_LEFT: N_("taken off the list"),
    Reason.OUT_OF_STOCK: N_("out of stock"),
    Reason.PRICE_ROSE: N_("no longer cheaper"),
    Reason.ORDER_OVER: N_("the order was collected, or is over"),
    Reason.TOO_MANY: N_("enough messages this week"),
    Reason.QUIET_HOURS: N_("put off until the morning"),
    Reason.HELD_OUT: N_("held out for comparison"),
    End.DONE: N_("came to the end"),
    End.EXIT: N_("left at a step"),
    End.SEGMENT_GONE: N_("its segment is over"),
    End.CONDITION: N_("a condition did not hold"),
    End.OVER: N_("over before it was told"),
    End.JOINED: N_("signed in on another way"),
    "sent": N_("sent"),
    "ahead": N_("still on the way"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A journey as its card shows it. ``shares``: who bought, with and without it.

    ``says``: what starts it, and by which ways it goes. ``missing``: segments that it asks for
    and that are over, or never were.
    """

    numbers: Numbers
    says: str
    refused: tuple[tuple[str, int], ...]
    shares: tuple[str, str]
    lift: str
    revenue: str
    clear: bool
    versions: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]


@router.get("")
def journeys_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show all journeys with their numbers."""
    spoken = words(locale_of(request))
    with device.reading(wired, by_hand=True) as (db, me):
        cards = [_card(db, one, spoken) for one in numbers.all_numbers(db, CURRENCY)]
        context = about(db, me, spoken) | {"cards": cards}
        return page(request, "staff_journeys.html", context, headers=NO_STORE)


@router.get("/lift.csv")
def lift_csv(wired: Wired, device: CurrentDevice) -> Response:
    """Give the lift of every journey as CSV: the table of the report, groups of few left empty."""
    with device.reading(wired) as (db, _):
        every = numbers.all_numbers(db, CURRENCY)
    headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="lift.csv"'}
    return Response(
        as_csv(lift_sheet(every)), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.get("/{name}/dry-run")
def dry_run_page(
    request: Request, name: Name, wired: Wired, device: CurrentDevice, days: Days = 30
) -> HTMLResponse:
    """Show who would have got what in the last days: counts and reasons."""
    spoken = words(locale_of(request))
    with device.reading(wired, by_hand=True) as (db, me):
        row = loading.find(db, name)
        one = loading.version_of(db, name, row.version)
        said = history.dry_run(db, world_of(wired), one, days)
        context = about(db, me, spoken) | {
            "one": one,
            "days": days,
            "triggered": coarse_text(said.triggered, spoken),
            "entered": coarse_text(said.entered, spoken),
            "would": reasons_text(said.would, spoken),
            "ended": reasons_text(said.ended, spoken),
            "cut": said.cut,
            "unknown": said.unknown,
            "smallest": history.SMALLEST_GROUP,
        }
    with unit_of_work(wired.engine) as db:
        audit.note(db, wired.clock, who_of(me), Action.JOURNEY_TRY, On("journey", name))
    return page(request, "staff_journey_try.html", context, headers=NO_STORE)


@router.get("/{name}/preview")
def preview_page(request: Request, name: Name, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show what the journey's mail looks like, in every language."""
    spoken = words(locale_of(request))
    with device.reading(wired, by_hand=True) as (db, me):
        row = loading.find(db, name)
        one = loading.version_of(db, name, row.version)
        several = len(one.templates) > 1
        texts = [
            (
                code,
                render(code, f"{TEMPLATES[says]}.txt", _preview(wired, db, one, says, code)),
                says.value,
                spoken.gettext(telling.TEMPLATES[says]) if several else "",
            )
            for says in one.templates or (Template.REMINDER,)
            for code in LOCALES
        ]
        context = about(db, me, spoken) | {"one": one, "texts": texts}
    headers = {"Content-Security-Policy": f"{POLICY}; frame-src 'self'", **NO_STORE}
    return page(request, "staff_journey_preview.html", context, headers=headers)


@router.get("/{name}/preview/{locale}")
def preview_mail(
    name: Name,
    locale: str,
    wired: Wired,
    device: CurrentDevice,
    template: Template | None = None,
) -> HTMLResponse:
    """Give the mail itself, in a cage; ``template``: if not the first that it sends."""
    code = choose(locale)
    with device.reading(wired) as (db, _):
        row = loading.find(db, name)
        one = loading.version_of(db, name, row.version)
        every = one.templates or (Template.REMINDER,)
        says = template if template in every else every[0]
        html = render(code, f"{TEMPLATES[says]}.html", _preview(wired, db, one, says, code))
    policy = LETTER_POLICY.replace("img-src data:", "img-src 'self' data:")
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, **NO_STORE})


@router.post("/{name}/on")
def switch_on(name: Name, wired: Wired, device: CurrentDevice) -> Response:
    """Switch a journey on."""
    return _switch(name, wired, device, active=True)


@router.post("/{name}/off")
def switch_off(name: Name, wired: Wired, device: CurrentDevice) -> Response:
    """Switch a journey off: nobody begins, nothing is sent."""
    return _switch(name, wired, device, active=False)


def _switch(name: str, wired: Parts, device: Device, *, active: bool) -> Response:
    action = Action.JOURNEY_ON if active else Action.JOURNEY_OFF
    refusal: CarryoverError | None = None
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        try:
            with db.begin_nested():
                device.check(db, me)
                loading.switch(db, wired.clock, name, active=active)
        except CarryoverError as error:
            refusal = error
        outcome = refusal.code if refusal else DONE
        audit.note(db, wired.clock, who_of(me), action, On("journey", name), outcome=outcome)
    if refusal is not None:
        raise refusal
    return RedirectResponse("/staff/journeys", 303, NO_STORE)


def who_of(me: Staff) -> Any:  # noqa: ANN401 - the audit log's own word
    """Return who did it, for the audit log: also by which right."""
    return staff.as_who(me, "" if me.may(May.MARKETING) else Permission.OPERATOR.value)


def about(db: Session, me: Staff, spoken: Words) -> dict[str, Any]:
    """Return what every page of journeys needs."""
    return {
        "me": me,
        "place": spoken.gettext("Journeys"),
        "page_id": "journeys",
        "here_path": "/staff/journeys",
        "home": home_of(db, me),
    }


def _card(db: Session, one: Numbers, spoken: Words) -> Card:
    bought = purchase_lift(one.treated, one.held_out)
    spent = revenue_lift(one.treated, one.held_out)
    tells = large_enough(one)
    ways = (spoken.gettext(telling.CHANNELS[way]) for way in one.channels)
    return Card(
        one,
        " · ".join((telling.trigger_text(one.trigger, spoken), *ways)),
        tuple(
            (spoken.gettext(REASONS.get(why, why)), number)
            for why, number in one.refused.most_common()
        ),
        (_share(one.treated), _share(one.held_out)),
        _points(bought) if bought is not None and tells else "",
        _money(spent, spoken) if spent is not None and tells else "",
        bought is not None and tells and bought.is_clear,
        tuple(
            (row.version, spoken.moment(row.loaded_at)) for row in numbers.versions(db, one.name)
        ),
        tuple(missing(db, loading.version_of(db, one.name, one.version))),
    )


def _share(one: Group) -> str:
    """Return who bought of how many, and the share; of few nothing is told but that they are."""
    if one.people < history.SMALLEST_GROUP:
        return ""
    return f"{one.buyers} / {one.people} · {one.rate:.1%}"


def _points(one: Interval) -> str:
    return f"{one.value * 100:+.1f} ({one.low * 100:+.1f} … {one.high * 100:+.1f})"


def _money(one: Interval, spoken: Words) -> str:
    value, low, high = (
        spoken.money(Money(round(minor), CURRENCY)) for minor in (one.value, one.low, one.high)
    )
    return f"{value} ({low} … {high})"


def coarse_text(number: int, spoken: Words) -> str:
    """Return a number of people, or that they are too few to say."""
    shown = history.coarse(number)
    if shown is not None:
        return str(shown)
    return spoken.gettext("fewer than %(number)s") % {"number": history.SMALLEST_GROUP}


def reasons_text(counts: Mapping[str, int], spoken: Words) -> list[tuple[str, str]]:
    """Return what became of messages or runs, in words, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(spoken.gettext(REASONS.get(why, why)), coarse_text(n, spoken)) for why, n in ordered]


def _preview(
    wired: Parts, db: Session, one: Definition, says: Template, locale: str
) -> dict[str, Any]:
    """Return what the template needs, with a few articles of the catalogue; links lead nowhere."""
    rows = db.exec(select(VariantRow.gtin, VariantRow.sku).limit(PREVIEW_LINES)).all()
    wanted = [
        Wanted(str.__new__(Gtin, gtin), sku, place + 1, None, CURRENCY)
        for place, (gtin, sku) in enumerate(rows)
    ]
    links = dict.fromkeys(("link", "withdraw", "why"), "#")
    kind = one.trigger.kind
    letter = reminder(wired, db, words(locale), wanted, kind=kind, template=says, **links)
    return {"letter": letter, "cids": {}, "base_url": wired.settings.base_url}
