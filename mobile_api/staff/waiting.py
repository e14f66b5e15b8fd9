"""Queues as staff see them: of each place who waits, by number; call the next; she is here, or not.

Greetings and presence are those of who was called, and of nobody else.
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
from cart.db import on_commit
from cart.db.columns import ID_LENGTH_MAX
from cart.picking.model import Staff
from cart.profile.push import service as push
from cart.profile.push.model import Ring
from gateway.floor import there, turns
from gateway.floor.model import GROUP_MIN, Serves, TurnState
from gateway.floor.queries import told
from gateway.floor.serving import queues
from gateway.floor.turns import CALL_LASTS
from gateway.notices import TurnsChanged
from mobile_api.bells import bell_stream, floor_topic, turns_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.queues.shown import zone_names
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.schemas import Nothing
from mobile_api.staff.signed_in import CurrentDevice, StaffOnly
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}})
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]
ZoneId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
TurnId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


@dataclass(frozen=True, slots=True)
class CalledShown:
    """A turn that was called. ``greeting``: hers if she has a band, and said one."""

    id: str
    number: int
    greeting: str
    is_there: bool
    come_by: datetime


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """A serving place. ``people``: with a band, None for a few; ``numbers``: who waits."""

    zone_id: str
    name: str
    serves: Serves
    people: int | None
    minutes: int
    called: tuple[CalledShown, ...]
    numbers: tuple[int, ...]


class CalledOut(BaseModel):
    """Somebody who was called."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    number: int
    greeting: str
    is_there: Annotated[bool, Field(description="Her wristband is in this zone.")]
    come_by: datetime


class PlaceOut(BaseModel):
    """A serving place and its queue."""

    model_config = ConfigDict(from_attributes=True)

    zone_id: str
    name: str
    serves: Serves
    people: Annotated[
        int | None, Field(description=f"With a wristband; null: some, fewer than {GROUP_MIN}.")
    ]
    minutes: int
    called: list[CalledOut]
    numbers: Annotated[list[int], Field(description="Who waits, in the order of being called.")]


class WaitingOut(BaseModel):
    """The serving places of the location at which she is signed in."""

    places: list[PlaceOut]
    html: str | None = None


def shown(look: Looking) -> tuple[PlaceShown, ...]:
    """Return the queues as they are at this moment."""
    here = look.me.location_id
    names = zone_names(look.db, look.spoken, here)
    bands = {one.turn_id: one for one in there.called_bands(look.db, [here])}
    rows = turns.open_turns(look.db, here)
    places = []
    for one in queues(look.db, look.clock, here):
        hers = [row for row in rows if row.zone_id == one.zone_id]
        called = []
        for row in hers:
            if row.state == TurnState.CALLED and row.called_at is not None:
                band = bands.get(row.id)
                called.append(
                    CalledShown(
                        id=row.id,
                        number=row.number,
                        greeting=band.greeting if band else "",
                        is_there=band is not None and band.since is not None,
                        come_by=row.called_at + CALL_LASTS,
                    )
                )
        places.append(
            PlaceShown(
                zone_id=one.zone_id,
                name=names.get(one.zone_id) or one.zone_id,
                serves=one.serves,
                people=told(one.present),
                minutes=one.wait().minutes,
                called=tuple(called),
                numbers=tuple(row.number for row in hers if row.state == TurnState.WAITING),
            )
        )
    return tuple(places)


def _out(look: Looking, *, with_html: bool) -> WaitingOut:
    found = shown(look)
    answer = WaitingOut(places=[PlaceOut.model_validate(one) for one in found])
    if with_html:
        context = {"places": found, "zone": look.zone}
        answer.html = render(look.spoken.locale, "_staff_waiting.html", context)
    return answer


@router.get("/staff/waiting", include_in_schema=False)
def waiting_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show the queues of the location."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, words(locale_of(request)))
        context = {
            "me": me,
            "place": look.place,
            "page_id": "waiting",
            "here_path": "/staff/waiting",
            "places": shown(look),
            "zone": look.zone,
        }
        return page(request, "staff_waiting.html", context)


@router.get("/api/v1/staff/waiting")
def get_waiting(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> WaitingOut:
    """Return the queue of each serving place: numbers; of those called also who is there."""
    with device.reading(wired) as (db, me):
        return _out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)


@router.get("/api/v1/staff/waiting/events", response_class=StreamingResponse)
def waiting_events(wired: Wired, device: CurrentDevice) -> StreamingResponse:
    """Stream `changed` whenever a queue of this location changes, or somebody moves about."""
    with device.reading(wired) as (_, me):
        topics = [turns_topic(me.location_id), floor_topic(me.location_id)]
    return bell_stream(wired.bells, topics)


@router.post("/api/v1/staff/waiting/{zone_id}/call", response_model=WaitingOut)
def call_next(
    request: Request,
    zone_id: ZoneId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Call who waits longest; her phone says so. Nobody waits: nothing changes."""

    def effect(db: Session, me: Staff) -> WaitingOut:
        called = turns.call_next(db, wired.clock, location_id=me.location_id, zone_id=zone_id)
        if called is not None:
            wired.tell(db, TurnsChanged(me.location_id))
            push.ask(
                db,
                wired.clock,
                wired.ids,
                session_id=called.session_id,
                kind=Ring.TURN,
                location_id=me.location_id,
                about=zone_id,
                number=called.number,
                ends_at=wired.clock.now() + CALL_LASTS,
            )
            on_commit(db, wired.push_bell)
        look = looking(wired, db, me, words(locale_of(request)))
        return _out(look, with_html=with_html)

    return once.run(effect, Action.TURN_CALL, On("zone", zone_id))


@router.post("/api/v1/staff/waiting/turns/{turn_id}/came", response_model=WaitingOut)
def she_came(
    request: Request,
    turn_id: TurnId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that she who was called is here."""
    effect = _noting(request, wired, turns.came, turn_id, with_html=with_html)
    return once.run(effect, Action.TURN_CAME, On("turn", turn_id))


@router.post("/api/v1/staff/waiting/turns/{turn_id}/not-here", response_model=WaitingOut)
def she_is_not_here(
    request: Request,
    turn_id: TurnId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that she who was called is not here; her phone asks whether she still wants to."""
    effect = _noting(request, wired, turns.not_here, turn_id, with_html=with_html)
    return once.run(effect, Action.TURN_NOT_HERE, On("turn", turn_id))


def _noting(
    request: Request,
    wired: Parts,
    note: Callable[..., object],
    turn_id: str,
    *,
    with_html: bool,
) -> Callable[[Session, Staff], WaitingOut]:
    def effect(db: Session, me: Staff) -> WaitingOut:
        note(db, wired.clock, location_id=me.location_id, turn_id=turn_id)
        wired.tell(db, TurnsChanged(me.location_id))
        look = looking(wired, db, me, words(locale_of(request)))
        return _out(look, with_html=with_html)

    return effect
