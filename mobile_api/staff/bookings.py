"""What is booked at a location today, as staff see it: who, for what, when, has she come.

Of her: what she said that she is called, and that she has come. Where in the shop she is, is not
told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.db.columns import ID_LENGTH_MAX
from cart.picking.model import Staff
from cart.picking.staff import as_who
from gateway.bands.queries import loan_of_session
from gateway.plans import bookings, service
from gateway.plans.model import BookingState
from gateway.plans.route import Kind
from mobile_api.bells import bell_stream, bookings_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.queues.shown import zone_names
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.schemas import Nothing
from mobile_api.staff.signed_in import CurrentDevice, StaffOnly, note_seen
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}})
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]
BookingId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


@dataclass(frozen=True, slots=True)
class BookingShown:
    """A booking of today. ``called``: what she said, "" if nothing; ``zone``: where."""

    id: str
    called: str
    serves: Kind
    zone: str
    starts_at: datetime
    state: BookingState
    arrived_at: datetime | None


class BookingOut(BaseModel):
    """Something that is booked for today."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    called: Annotated[str, Field(description="What she said that she is called; or empty.")]
    serves: Kind
    zone: str
    starts_at: datetime
    state: BookingState
    arrived_at: Annotated[datetime | None, Field(description="Since when she is in this shop.")]


class BookingsOut(BaseModel):
    """Today's bookings of the location at which she is signed in, by time."""

    bookings: list[BookingOut]
    html: str | None = None


def shown(look: Looking) -> tuple[BookingShown, ...]:
    """Return today's bookings as they are at this moment."""
    here = look.me.location_id
    names = zone_names(look.db, look.spoken, here)
    facts = look.shop.locations.facts(look.db, here)
    found = []
    for row, plan in bookings.today(look.db, look.clock, facts):
        loan = None if plan.called else loan_of_session(look.db, plan.session_id)
        found.append(
            BookingShown(
                id=row.id,
                called=plan.called or (loan.greeting if loan else ""),
                serves=Kind(row.serves),
                zone=names.get(row.zone_id) or row.zone_id,
                starts_at=row.starts_at,
                state=BookingState(row.state),
                arrived_at=plan.arrived_at if plan.location_id == here else None,
            )
        )
    return tuple(found)


def _out(look: Looking, *, with_html: bool) -> BookingsOut:
    found = shown(look)
    answer = BookingsOut(bookings=[BookingOut.model_validate(one) for one in found])
    if with_html:
        context = {"bookings": found, "zone": look.zone}
        answer.html = render(look.spoken.locale, "_staff_bookings.html", context)
    return answer


@router.get("/staff/bookings", include_in_schema=False)
def bookings_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show today's bookings of the location."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, words(locale_of(request)))
        found = shown(look)
        context = {
            "me": me,
            "place": look.place,
            "page_id": "bookings",
            "here_path": "/staff/bookings",
            "bookings": found,
            "zone": look.zone,
        }
        answer = page(request, "staff_bookings.html", context)
    _note(wired, me, any(one.called for one in found))
    return answer


@router.get("/api/v1/staff/bookings")
def get_bookings(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> BookingsOut:
    """Return what is booked here today: what for, when, by whom, and whether she has come."""
    with device.reading(wired) as (db, me):
        answer = _out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)
    _note(wired, me, any(one.called for one in answer.bookings))
    return answer


def _note(wired: Parts, me: Staff, names: bool) -> None:  # noqa: FBT001 - one of one
    """Note that she was shown what guests are called, if anybody gave a name."""
    if names:
        note_seen(wired, as_who(me), Action.BOOKING_SEE, On("location", me.location_id))


@router.get("/api/v1/staff/bookings/events", response_class=StreamingResponse)
def bookings_events(wired: Wired, device: CurrentDevice) -> StreamingResponse:
    """Stream `changed` whenever something is booked here, or somebody who has booked comes."""
    with device.reading(wired) as (_, me):
        topics = [bookings_topic(me.location_id)]
    return bell_stream(wired.bells, topics)


@router.post("/api/v1/staff/bookings/{booking_id}/arrived", response_model=BookingsOut)
def she_arrived(
    request: Request,
    booking_id: BookingId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that she is in the shop; takes back that she was served, or did not come."""
    effect = _noting(request, wired, booking_id, BookingState.BOOKED, with_html=with_html)
    return once.run(effect, Action.BOOKING_ARRIVED, On("booking", booking_id))


@router.post("/api/v1/staff/bookings/{booking_id}/served", response_model=BookingsOut)
def she_was_served(
    request: Request,
    booking_id: BookingId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that what was booked is done."""
    effect = _noting(request, wired, booking_id, BookingState.SERVED, with_html=with_html)
    return once.run(effect, Action.BOOKING_SERVED, On("booking", booking_id))


@router.post("/api/v1/staff/bookings/{booking_id}/no-show", response_model=BookingsOut)
def she_did_not_come(
    request: Request,
    booking_id: BookingId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that she did not come."""
    effect = _noting(request, wired, booking_id, BookingState.NO_SHOW, with_html=with_html)
    return once.run(effect, Action.BOOKING_NO_SHOW, On("booking", booking_id))


def _noting(
    request: Request, wired: Parts, booking_id: str, state: BookingState, *, with_html: bool
) -> Callable[[Session, Staff], BookingsOut]:
    def effect(db: Session, me: Staff) -> BookingsOut:
        plan = bookings.mark(
            db, wired.clock, location_id=me.location_id, booking_id=booking_id, state=state
        )
        wired.tell(db, service.changed(db, plan))
        look = looking(wired, db, me, words(locale_of(request)))
        return _out(look, with_html=with_html)

    return effect
