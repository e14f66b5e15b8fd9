"""The board: codes that are picked and codes that are ready, for a screen at the desk.

Public, so it knows no names. The page keeps itself up to date by the desk's bell.
"""

import io
from dataclasses import dataclass
from typing import Annotated, Final

import segno
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel
from sqlmodel import Session

from cart.db import reading
from cart.picking import desk
from mobile_api.bells import bell_stream, desk_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], tags=["board"])
LocationId = Annotated[str, Path(max_length=64)]
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]
# What fits on a screen in letters that are read at six metres; the rest is counted.
PICKING_SHOWN_MAX: Final = 24
READY_SHOWN_MAX: Final = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """Codes that fit on the screen, and how many more there are."""

    picking: tuple[str, ...]
    ready: tuple[str, ...]
    more_picking: int
    more_ready: int


class BoardOut(BaseModel):
    """The codes of one desk, each list in the order of the promise."""

    picking: list[str]
    ready: list[str]
    html: str | None = None


def shown(db: Session, location_id: str) -> Shown:
    """Return what the board shows: the newest ready codes, and those that are picked next."""
    found = desk.board(db, location_id)
    return Shown(
        picking=tuple(found.picking[:PICKING_SHOWN_MAX]),
        ready=tuple(found.ready[-READY_SHOWN_MAX:]),
        more_picking=max(0, len(found.picking) - PICKING_SHOWN_MAX),
        more_ready=max(0, len(found.ready) - READY_SHOWN_MAX),
    )


def desk_code(wired: Parts, location_id: str) -> str:
    """Return the desk's QR code as SVG: where a shopper says that she is here."""
    out = io.BytesIO()
    link = f"{wired.settings.base_url}/here/{location_id}"
    segno.make(link, error="m", micro=False).save(
        out,
        kind="svg",
        border=3,
        dark="#000",
        light="#fff",
        omitsize=True,
        xmldecl=False,
        svgns=False,
        nl=False,
    )
    return out.getvalue().decode()


@router.get("/board/{location_id}", include_in_schema=False)
def board_page(request: Request, location_id: LocationId, wired: Wired) -> HTMLResponse:
    """Show the board of a location."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        facts = wired.shop.locations.facts(db, location_id)
        board = shown(db, location_id)
    context = {
        "board": board,
        "location_id": facts.id,
        "place": spoken.of(facts.name_i18n, facts.name),
        "zone": facts.timezone,
        "now": spoken.clock_time(wired.clock.now(), facts.timezone),
        "qr": desk_code(wired, facts.id),
    }
    return page(request, "board.html", context)


@router.get("/api/v1/board/{location_id}")
def get_board(
    request: Request, location_id: LocationId, wired: Wired, *, with_html: WithHtml = False
) -> BoardOut:
    """Return the codes that are being picked and those that are ready. No names, by design."""
    with reading(wired.engine) as db:
        wired.shop.locations.facts(db, location_id)
        board = shown(db, location_id)
    answer = BoardOut(picking=list(board.picking), ready=list(board.ready))
    if with_html:
        answer.html = render(locale_of(request), "_board.html", {"board": board})
    return answer


@router.get("/api/v1/board/{location_id}/events", response_class=StreamingResponse)
def board_events(location_id: LocationId, wired: Wired) -> StreamingResponse:
    """Stream `changed` whenever the codes of this desk may have changed."""
    with reading(wired.engine) as db:
        wired.shop.locations.facts(db, location_id)
    return bell_stream(wired.bells, [desk_topic(location_id)])
