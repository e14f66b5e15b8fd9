"""The welcome desk's page: bands in the drawer and out, handing out, taking back.

Plain forms without a key: a band is handed out once whatever is pressed twice, and a second
press says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlmodel import Session

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    BandHeld,
    BandNotHere,
    CarryoverError,
    ConsentChanged,
    DeskCodeRefused,
    DeskReaderAway,
    InvalidInput,
    NoSession,
    UnknownBand,
)
from cart.picking import staff
from cart.picking.model import Staff
from gateway.bands import queries, setting_up
from gateway.bands.model import BATTERY_LOW_PERCENT, ListedBand, State
from gateway.bands.sealing import Sealing
from gateway.notices import DeskChanged, DeviceAsked
from mobile_api.bands import handing
from mobile_api.bands.schemas import HandOut, LookAt, SetUp, TakeBack
from mobile_api.bands.setting_up import shown
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_, TITLES
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.staff.cards import due
from mobile_api.staff.looking import looking
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/staff/bands", dependencies=[allow(Role.FLOOR)], include_in_schema=False)
SHOWN_MAX: Final = 500  # of each state on the page; a number that is typed finds any
# Refusals that belong beside the form; any other has a page of its own.
SAID_HERE: Final = (
    BandHeld,
    BandNotHere,
    ConsentChanged,
    InvalidInput,
    DeskCodeRefused,
    DeskReaderAway,
    UnknownBand,
)
WHERE: Final = {
    State.DRAWER: N_("It lies in a drawer."),
    State.OUT: N_("Somebody has it."),
    State.DOUBTED: N_("Two wristbands answer to this number."),
    State.LOST: N_("It was reported lost."),
    State.RETIRED: N_("It was taken out of use."),
}


@dataclass(frozen=True, slots=True)
class OutShown:
    """A band that somebody has. ``since``: the time of day, with the weekday if it is long ago."""

    number: int
    greeting: str
    since: str
    follow: bool
    battery_percent: int | None
    low: bool


@dataclass(frozen=True, slots=True)
class LiesShown:
    """A band in the drawer. ``low``: to be charged before it goes out; ``percent`` as it was."""

    number: int
    percent: int | None
    low: bool


@dataclass(frozen=True, slots=True)
class Came:
    """What the page says first: what was done, why it was not, or what is to be confirmed."""

    said: str = ""
    fault: str = ""
    out: LookAt | None = None
    back: OutShown | None = None
    asked: handing.Asked | None = None


@router.get("")
def bands_page(request: Request, wired: Wired, device: CurrentDevice) -> Response:
    """Show which bands lie here, which are out, which are lost."""
    with device.reading(wired, by_hand=True) as (db, me):
        return _show(request, wired, db, me, Came())


@router.post("/look")
def look(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[LookAt, Form()]
) -> Response:
    """Show what handing this band out, or taking it back, would be; nothing is changed."""
    spoken = words(locale_of(request))
    with device.reading(wired, by_hand=True) as (db, me):
        try:
            came = _looked(wired, db, me, spoken, form)
        except CarryoverError as refusal:
            came = Came(fault=_why(spoken, refusal))
        return _show(request, wired, db, me, came)


@router.post("/out")
def hand_out(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[HandOut, Form()]
) -> Response:
    """Hand a band out."""
    said = words(locale_of(request)).gettext("Wristband %(number)s is handed out.")

    def effect(db: Session, me: Staff) -> str:
        handing.hand_out(wired, db, me, form)
        return said % {"number": form.number}

    return _do(
        request, wired, device, Action.BAND_HAND_OUT, effect, on=On("band", str(form.number))
    )


@router.post("/back")
def take_back(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TakeBack, Form()]
) -> Response:
    """Take a band back."""
    said = words(locale_of(request)).gettext("Wristband %(number)s is back in the drawer.")

    def effect(db: Session, me: Staff) -> str:
        handing.take_back(wired, db, me, form.number)
        return said % {"number": form.number}

    return _do(
        request, wired, device, Action.BAND_HAND_BACK, effect, on=On("band", str(form.number))
    )


@router.post("/set-up")
def set_up(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[SetUp, Form()]
) -> Response:
    """Have the reader of a desk set up the band that is held to it; the page shows how it goes."""

    def effect(db: Session, me: Staff) -> str:
        asked = setting_up.begin(
            db,
            wired.clock,
            wired.ids,
            Sealing(wired.secret),
            location_id=me.location_id,
            desk=form.desk,
        )
        wired.tell(db, DeviceAsked(asked), DeskChanged(me.location_id))
        return ""

    return _do(request, wired, device, Action.BAND_SET_UP, effect, on=On("desk", form.desk))


def _do(
    request: Request,
    wired: Parts,
    device: Device,
    action: Action,
    effect: Callable[[Session, Staff], str],
    *,
    on: On,
) -> Response:
    """Do it and note it, a refusal too; then show the page with what came of it."""
    spoken, refusal, said = words(locale_of(request)), None, ""
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        try:
            with db.begin_nested():
                device.check(db, me)
                said = effect(db, me)
        except CarryoverError as error:
            refusal = error
        outcome = refusal.code if refusal else DONE
        audit.note(db, wired.clock, staff.as_who(me), action, on, outcome=outcome)
    came = Came(said=said) if refusal is None else Came(fault=_why(spoken, refusal))
    with reading(wired.engine) as db:
        return _show(request, wired, db, me, came)


def _looked(wired: Parts, db: Session, me: Staff, spoken: Words, form: LookAt) -> Came:
    found = {one.number: one for one in queries.listed(db, numbers=[form.number])}
    band = found.get(form.number)
    if band is None:
        msg = f"there is no band {form.number}"
        raise UnknownBand(msg, number=form.number)
    wanted = (State.DRAWER,) if form.verb == "out" else (State.OUT, State.DOUBTED, State.LOST)
    if band.state not in wanted:
        return Came(fault=f"{form.number}: {spoken.gettext(WHERE[band.state])}")
    if form.verb == "back":
        zone = looking(wired, db, me, spoken).zone
        return Came(back=_out(band, spoken, wired.clock.now(), zone))
    handing.at_desk(db, form.number, me.location_id)
    asked = handing.asked(wired, db, code=form.code, locale=form.locale)
    return Came(out=form, asked=asked)


def _show(request: Request, wired: Parts, db: Session, me: Staff, came: Came) -> Response:
    spoken = words(locale_of(request))
    look = looking(wired, db, me, spoken)
    zone = look.zone
    found = queries.listed(db, location_id=me.location_id)
    here = {state: [one for one in found if one.state is state][:SHOWN_MAX] for state in State}
    context = {
        "me": me,
        "place": look.place,
        "page_id": "desk",
        "here_path": "/staff/bands",
        "came": came,
        **shown(db, wired.clock, spoken, me.location_id),
        "drawer": [_lies(one) for one in here[State.DRAWER]],
        "doubted": [one.number for one in here[State.DOUBTED]],
        "lost": [one.number for one in here[State.LOST]],
        "out": [_out(one, spoken, wired.clock.now(), zone) for one in here[State.OUT]],
    }
    status = 409 if came.fault else 200
    return page(request, "staff_bands.html", context, status=status, headers=NO_STORE)


def _out(band: ListedBand, spoken: Words, now: datetime, zone: str) -> OutShown:
    since = due(spoken, band.handed_out_at, now, zone) if band.handed_out_at else ""
    percent = band.battery_percent
    return OutShown(band.number, band.greeting, since, band.follow, percent, _low(percent))


def _lies(band: ListedBand) -> LiesShown:
    return LiesShown(band.number, band.battery_percent, _low(band.battery_percent))


def _low(percent: int | None) -> bool:
    return percent is not None and percent < BATTERY_LOW_PERCENT


def _why(spoken: Words, refusal: CarryoverError) -> str:
    if isinstance(refusal, NoSession):
        return spoken.gettext(TITLES[DeskCodeRefused.code])
    if not isinstance(refusal, SAID_HERE):
        raise refusal
    return spoken.gettext(TITLES[refusal.code])
