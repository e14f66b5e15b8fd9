"""Queues of a shop for a shopper's phone: look, listen, join, leave."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading
from cart.db.columns import ID_LENGTH_MAX
from gateway.floor import turns
from gateway.floor.model import GROUP_MIN, Serves, TurnState
from gateway.floor.waiting import TOLD_MAX_MINUTES
from gateway.notices import TurnsChanged
from mobile_api.bells import bell_stream, turns_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.keyed import KEY_LENGTH_MAX, keyed_form
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import Once, OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.push.sealing import public_key
from mobile_api.queues.shown import ShownQueues, shown
from mobile_api.wiring import Wired

router = APIRouter(tags=["queues"])
LOOKING = [allow(Role.ANYONE)]
WAITING = [allow(Role.SHOPPER)]
LocationId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
Key = Annotated[str, Form(max_length=KEY_LENGTH_MAX)]
ZoneId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's part along.")]


class TurnOut(BaseModel):
    """Her turn at a place."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    state: TurnState
    before: Annotated[int, Field(description="Turns that are called sooner.")]
    minutes: int
    come_by: Annotated[datetime | None, Field(description="Called: the next one is then.")]
    again: Annotated[bool, Field(description="Missed; joining gives the same place back.")]


class PlaceOut(BaseModel):
    """A place that serves, as it is now."""

    model_config = ConfigDict(from_attributes=True)

    zone_id: str
    name: str
    serves: Serves
    people: Annotated[
        int | None, Field(description=f"With a wristband; null: some, fewer than {GROUP_MIN}.")
    ]
    waiting: Annotated[int, Field(description="Turns in the virtual queue.")]
    minutes: Annotated[
        int, Field(description=f"Rounded up; 0: none, {TOLD_MAX_MINUTES}: so long or longer.")
    ]
    measured: Annotated[bool, Field(description="False: nobody has measured it of late.")]
    elsewhere: Annotated[str, Field(description="Where less waiting is, by name; or empty.")]
    elsewhere_minutes: int
    turn: TurnOut | None


class QueuesOut(BaseModel):
    """The serving places of a shop, hers first."""

    model_config = ConfigDict(from_attributes=True)

    location_id: str
    now: datetime
    places: list[PlaceOut]
    html: str | None = None


def _out(request: Request, found: ShownQueues, *, with_html: bool) -> QueuesOut:
    answer = QueuesOut.model_validate(found)
    if with_html:
        key = request.app.state.parts.ids.token()
        answer.html = render(locale_of(request), "_waiting.html", {"q": found, "key": key})
    return answer


@router.get("/shops/{location_id}/waiting", dependencies=LOOKING, include_in_schema=False)
def waiting_page(
    request: Request, location_id: LocationId, wired: Wired, visitor: CurrentVisitor
) -> HTMLResponse:
    """Show how long one waits where, and her turn.

    Raises:
        UnknownLocation: there is none of this id.
    """
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        spoken = words(locale_of(request))
        found = shown(wired, db, spoken, location_id, shopper.id if shopper else None)
    path = f"/shops/{location_id}/waiting"
    key = wired.ids.token()
    rung_by = public_key(wired.secret)
    context = {"q": found, "key": key, "push_key": rung_by, "page_id": "waiting", "here_path": path}
    return page(request, "waiting.html", context, headers=NO_STORE)


@router.get("/api/v1/shops/{location_id}/waiting", dependencies=LOOKING)
def get_waiting(
    request: Request,
    location_id: LocationId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    with_html: WithHtml = False,
) -> QueuesOut:
    """Return how long one waits where, and the caller's own turns."""
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        spoken = words(locale_of(request))
        found = shown(wired, db, spoken, location_id, shopper.id if shopper else None)
    return _out(request, found, with_html=with_html)


@router.get(
    "/api/v1/shops/{location_id}/waiting/events",
    dependencies=LOOKING,
    response_class=StreamingResponse,
)
def waiting_events(location_id: LocationId, wired: Wired) -> StreamingResponse:
    """Stream `changed` whenever somebody joins, is called, comes or leaves: look again."""
    with reading(wired.engine) as db:
        wired.shop.locations.facts(db, location_id)
    return bell_stream(wired.bells, [turns_topic(location_id)])


@router.post(
    "/api/v1/shops/{location_id}/waiting/{zone_id}/join",
    dependencies=WAITING,
    response_model=QueuesOut,
)
def join(
    request: Request,
    location_id: LocationId,
    zone_id: ZoneId,
    wired: Wired,
    once: OnceOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Take a turn; who has one keeps it, who missed hers lately has it back."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        turns.join(
            db,
            wired.clock,
            wired.ids,
            location_id=location_id,
            zone_id=zone_id,
            session_id=shopper.id,
        )
        wired.tell(db, TurnsChanged(location_id))
        found = shown(wired, db, words(locale_of(request)), location_id, shopper.id)
        return _out(request, found, with_html=with_html)

    return once.run(effect)


@router.post(
    "/api/v1/shops/{location_id}/waiting/{zone_id}/leave",
    dependencies=WAITING,
    response_model=QueuesOut,
    responses={401: {}},
)
def leave(
    request: Request,
    location_id: LocationId,
    zone_id: ZoneId,
    wired: Wired,
    once: OnceOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Give her turn up; without one nothing changes."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        where = {"location_id": location_id, "zone_id": zone_id}
        if turns.leave(db, wired.clock, session_id=shopper.id, **where):
            wired.tell(db, TurnsChanged(location_id))
        found = shown(wired, db, words(locale_of(request)), location_id, shopper.id)
        return _out(request, found, with_html=with_html)

    return once.run(effect, needs_session=True)


@router.post(
    "/shops/{location_id}/waiting/{zone_id}/join", dependencies=WAITING, include_in_schema=False
)
def join_by_form(
    request: Request,
    location_id: LocationId,
    zone_id: ZoneId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    key: Key,
) -> Response:
    """Take a turn from a page without scripts; a place that has closed is said there."""
    once = Once(keyed_form(request, key), visitor)
    return _back(location_id, join(request, location_id, zone_id, wired, once))


@router.post(
    "/shops/{location_id}/waiting/{zone_id}/leave", dependencies=WAITING, include_in_schema=False
)
def leave_by_form(
    request: Request,
    location_id: LocationId,
    zone_id: ZoneId,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    key: Key,
) -> Response:
    """Give her turn up from a page without scripts."""
    once = Once(keyed_form(request, key), visitor)
    return _back(location_id, leave(request, location_id, zone_id, wired, once))


def _back(location_id: str, answer: Response) -> RedirectResponse:
    """Lead to the page that shows what came of it, with the key of a session that began."""
    back = RedirectResponse(f"/shops/{quote(location_id)}/waiting", 303, NO_STORE)
    back.raw_headers += [one for one in answer.raw_headers if one[0] == b"set-cookie"]
    return back
