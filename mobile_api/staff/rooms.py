"""Fitting rooms as staff answer them: what is wanted where, since when, and where it lies.

Who stands in a room is said nowhere: staff know a room, and what it asks for.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.db import on_commit
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.gtin import Gtin
from cart.picking.model import Staff
from gateway.notices import RoomsChanged
from gateway.rooms import answering
from gateway.rooms.answering import Moved
from gateway.rooms.model import SizeState
from mobile_api.bells import bell_stream, rooms_topic
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.rooms.shown import Rooms, shown
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.schemas import Nothing
from mobile_api.staff.signed_in import CurrentDevice, StaffOnly
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}})
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]
SizeId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


class Instead(Taken):
    """Which variant of the same product is offered."""

    gtin: Gtin


class ArticleOut(BaseModel):
    """A variant."""

    model_config = ConfigDict(from_attributes=True)

    gtin: str
    name: str
    variant: Annotated[str, Field(description="Colour and size.")]
    picture: str | None


class OtherOut(BaseModel):
    """What could be offered instead."""

    model_config = ConfigDict(from_attributes=True)

    gtin: str
    variant: str
    pieces: int


class RoomOut(BaseModel):
    """A wish from a fitting room."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: Annotated[str, Field(description="What the room's mirror is called.")]
    state: Literal["asked", "taken", "coming"]
    asked_at: datetime
    tone: Literal["fine", "soon", "late"]
    mine: bool
    holder: Annotated[str, Field(description="Who looks for it; empty for nobody.")]
    article: ArticleOut
    pieces: Annotated[int, Field(description="Here, and not promised to anybody.")]
    zone: str
    bay: str
    had: Annotated[str, Field(description="What of this product is in the room.")]
    brought_in: Annotated[list[str], Field(description="What else is.")]
    others: Annotated[list[OtherOut], Field(description="What could be offered instead.")]


class RoomsOut(BaseModel):
    """What the fitting rooms of the location ask for, the oldest first."""

    now: datetime
    rooms: list[RoomOut]
    html: str | None = None


def _context(look: Looking, found: Rooms) -> dict[str, object]:
    return {"shown": found, "me": look.me}


def _out(look: Looking, *, with_html: bool) -> RoomsOut:
    found = shown(look)
    answer = RoomsOut(now=found.now, rooms=[RoomOut.model_validate(one) for one in found.rooms])
    if with_html:
        answer.html = render(look.spoken.locale, "_staff_rooms.html", _context(look, found))
    return answer


@router.get("/staff/rooms", include_in_schema=False)
def rooms_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show what the fitting rooms of the location ask for."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, words(locale_of(request)))
        context = {
            **_context(look, shown(look)),
            "place": look.place,
            "page_id": "rooms",
            "here_path": "/staff/rooms",
            "script": "rooms.js",
        }
        return page(request, "staff_rooms.html", context)


@router.get("/api/v1/staff/rooms")
def get_rooms(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> RoomsOut:
    """Return what the fitting rooms of the location ask for, and where it lies."""
    with device.reading(wired) as (db, me):
        return _out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)


@router.get("/api/v1/staff/rooms/events", response_class=StreamingResponse)
def rooms_events(wired: Wired, device: CurrentDevice) -> StreamingResponse:
    """Stream `changed` whenever a fitting room of this location asks, or is answered."""
    with device.reading(wired) as (_, me):
        topics = [rooms_topic(me.location_id)]
    return bell_stream(wired.bells, topics)


@router.post("/api/v1/staff/rooms/{size_id}/take", response_model=RoomsOut)
def take(
    request: Request,
    size_id: SizeId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Look for it: colleagues see that somebody does; the glass does not yet."""
    effect = _stepping(request, wired, size_id, SizeState.TAKEN, with_html=with_html)
    return once.run(effect, Action.SIZE_TAKE, _on(size_id))


@router.post("/api/v1/staff/rooms/{size_id}/coming", response_model=RoomsOut)
def coming(
    request: Request,
    size_id: SizeId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Have the glass say that somebody is on her way with it."""
    effect = _stepping(request, wired, size_id, SizeState.COMING, with_html=with_html)
    return once.run(effect, Action.SIZE_COMING, _on(size_id))


@router.post("/api/v1/staff/rooms/{size_id}/brought", response_model=RoomsOut)
def brought(
    request: Request,
    size_id: SizeId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that it is at the door of the room."""
    effect = _stepping(request, wired, size_id, SizeState.BROUGHT, with_html=with_html)
    return once.run(effect, Action.SIZE_BROUGHT, _on(size_id))


@router.post("/api/v1/staff/rooms/{size_id}/not-here", response_model=RoomsOut)
def not_here(
    request: Request,
    size_id: SizeId,
    _: Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Have the glass say that the shop has none of it."""
    effect = _stepping(request, wired, size_id, SizeState.NOT_HERE, with_html=with_html)
    return once.run(effect, Action.SIZE_NOT_HERE, _on(size_id))


@router.post("/api/v1/staff/rooms/{size_id}/instead", response_model=RoomsOut)
def instead(
    request: Request,
    size_id: SizeId,
    body: Instead,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Offer another size or colour of it that is here; the glass shows it, and she may ask."""

    def effect(db: Session, me: Staff) -> RoomsOut:
        moved = answering.offer(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            staff=me,
            request_id=size_id,
            gtin=body.gtin,
        )
        return _done(request, wired, db, me, moved, with_html=with_html)

    return once.run(effect, Action.SIZE_INSTEAD, _on(size_id))


def _on(size_id: str) -> On:
    return On("size_request", size_id)


def _stepping(
    request: Request, wired: Parts, size_id: str, to: SizeState, *, with_html: bool
) -> Callable[[Session, Staff], RoomsOut]:
    def effect(db: Session, me: Staff) -> RoomsOut:
        moved = answering.step(db, wired.clock, wired.ids, staff=me, request_id=size_id, to=to)
        return _done(request, wired, db, me, moved, with_html=with_html)

    return effect


def _done(
    request: Request,
    wired: Parts,
    db: Session,
    me: Staff,
    moved: Moved | None,
    *,
    with_html: bool,
) -> RoomsOut:
    if moved is not None:
        wired.tell(db, RoomsChanged(moved.location_id, moved.device_id))
        on_commit(db, lambda: wired.metrics.rooms.moved(moved))
    return _out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)
