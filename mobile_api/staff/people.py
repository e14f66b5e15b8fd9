"""The page on which staff look after staff: take on, new PIN, lost app, close an account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, InvalidInput, LastOperator
from cart.picking import people, staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holds
from cart.picking.roles import May, Role
from inventory_api.places import Places
from mobile_api.edge import access
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_, TITLES
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.operator.audit_words import ROLE_WORDS
from mobile_api.staff.looking import looking
from mobile_api.staff.queries import shops
from mobile_api.staff.schemas import ID_LENGTH_MAX, Nothing, TakeOn
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.staff.ways import home_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/staff/people",
    dependencies=[access.allow(access.Role.PEOPLE)],
    include_in_schema=False,
)
StaffId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
NOT_TAKEN_ON: Final = N_(
    "A number of up to 12 digits that nobody has here, and a name, are needed."
)


@dataclass(frozen=True, slots=True)
class PersonShown:
    """A row. ``mine``: she who looks may change this account."""

    id: str
    number: str
    name: str
    role: str
    operator: bool
    has_second: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Came:
    """What a change came to. ``pin``: shown this once; ``said``: in words; ``fault``: why not."""

    name: str = ""
    pin: str = ""
    said: str = ""
    fault: str = ""
    location_id: str = ""


@router.get("")
def people_page(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    location: Annotated[str, Query(max_length=ID_LENGTH_MAX)] = "",
) -> HTMLResponse:
    """Show who works at this location; to an operator at any."""
    with device.reading(wired, by_hand=True) as (_, me):
        pass
    return _show(request, wired, me, Came(location_id=location))


def _show(request: Request, wired: Parts, me: Staff, came: Came) -> HTMLResponse:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        operator = holds(db, me.id, Permission.OPERATOR)
        at = came.location_id if operator and came.location_id else me.location_id
        Places().facts(db, at)
        shown = [_person(one, spoken) for one in people.accounts(db, me, at)]
        roles = [one for one in Role if one in people.gives(db, me)]
        context = {
            "me": me,
            "place": looking(wired, db, me, spoken).place,
            "page_id": "people",
            "here_path": "/staff/people",
            "home": home_of(db, me),
            "people": shown,
            "at": at,
            "places": shops(db, spoken) if operator else [],
            "roles": [(one.value, spoken.gettext(ROLE_WORDS[one.value])) for one in roles],
            "came": came,
        }
    return page(
        request,
        "staff_people.html",
        context,
        status=409 if came.fault else 200,
        headers=NO_STORE,
    )


def _person(one: people.Account, spoken: Words) -> PersonShown:
    who = one.staff
    role = spoken.gettext(ROLE_WORDS[who.role.value])
    return PersonShown(who.id, who.number, who.name, role, one.operator, one.has_second, one.mine)


def _do(
    request: Request,
    wired: Parts,
    device: Device,
    action: Action,
    effect: Callable[[Session, Staff], tuple[str, Came]],
    *,
    staff_id: str = "",
    location_id: str = "",
) -> Response:
    """Do it and note it, a refusal too; then show the page with what came of it.

    ``location_id``: where it is done; empty: where ``staff_id`` is, or she who does it.
    """
    refusal: CarryoverError | None = None
    came = Came()
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        try:
            with db.begin_nested():
                device.check(db, me)
                staff_id, came = effect(db, me)
        except CarryoverError as error:
            refusal = error
        role = "" if me.may(May.PEOPLE) else Permission.OPERATOR.value
        outcome = refusal.code if refusal else DONE
        audit.note(
            db, wired.clock, staff.as_who(me, role), action, On("staff", staff_id), outcome=outcome
        )
    if refusal is not None:
        if not isinstance(refusal, InvalidInput | LastOperator):
            raise refusal
        text = NOT_TAKEN_ON if isinstance(refusal, InvalidInput) else TITLES[refusal.code]
        if staff_id and not location_id:
            with reading(wired.engine) as db:
                location_id = people.row_of(db, staff_id).location_id
        came = Came(fault=words(locale_of(request)).gettext(text), location_id=location_id)
    return _show(request, wired, me, came)


@router.post("")
def take_on(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[TakeOn, Form()]
) -> Response:
    """Take somebody on and show her PIN, this once."""

    def effect(db: Session, me: Staff) -> tuple[str, Came]:
        at = form.location_id or me.location_id
        Places().facts(db, at)
        new, pin = people.add(
            db,
            wired.clock,
            wired.ids,
            me,
            location_id=at,
            number=form.number.strip(),
            name=form.name,
            role=form.role,
        )
        return new.id, Came(new.name, pin=pin, location_id=at)

    return _do(request, wired, device, Action.STAFF_ADD, effect, location_id=form.location_id)


def _other(db: Session, staff_id: str) -> Staff:
    return staff.as_staff(people.row_of(db, staff_id))


@router.post("/{staff_id}/pin")
def give_pin(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    staff_id: StaffId,
    _: Annotated[Nothing, Form()],
) -> Response:
    """Give somebody a new PIN and show it, this once."""

    def effect(db: Session, me: Staff) -> tuple[str, Came]:
        pin = people.new_pin(db, wired.clock, wired.ids, me, staff_id=staff_id)
        other = _other(db, staff_id)
        return staff_id, Came(other.name, pin=pin, location_id=other.location_id)

    return _do(request, wired, device, Action.STAFF_NEW_PIN, effect, staff_id=staff_id)


@router.post("/{staff_id}/second")
def take_second_away(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    staff_id: StaffId,
    _: Annotated[Nothing, Form()],
) -> Response:
    """Take the second factor of somebody away whose phone is lost."""
    gettext = words(locale_of(request)).gettext

    def effect(db: Session, me: Staff) -> tuple[str, Came]:
        people.reset_second(db, wired.clock, me, staff_id=staff_id)
        other = _other(db, staff_id)
        said = gettext("She sets up another when she signs in next, if her role needs one.")
        return staff_id, Came(other.name, said=said, location_id=other.location_id)

    return _do(request, wired, device, Action.SECOND_RESET, effect, staff_id=staff_id)


@router.post("/{staff_id}/close")
def close(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    staff_id: StaffId,
    _: Annotated[Nothing, Form()],
) -> Response:
    """Close an account: nobody signs in with it any more."""
    gettext = words(locale_of(request)).gettext

    def effect(db: Session, me: Staff) -> tuple[str, Came]:
        other = _other(db, staff_id)
        people.close(db, wired.clock, me, staff_id=staff_id)
        said = gettext("The account is closed.")
        return staff_id, Came(other.name, said=said, location_id=other.location_id)

    return _do(request, wired, device, Action.STAFF_DEACTIVATE, effect, staff_id=staff_id)
