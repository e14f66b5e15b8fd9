"""The floor of the shop as staff see it: how many are in which zone, live, and nobody by name.

The drawing is the shop as it is: it does not mirror in a language that is read from the right.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field
from sqlmodel import select

from cart.kernel.clock import to_us
from gateway.floor import queries
from gateway.floor.model import GROUP_MIN
from gateway.floor.service import HOUR_US
from gateway.presence.plan import Area
from inventory_api.catalogue.tables import ZoneRow
from mobile_api.bells import bell_stream, floor_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.signed_in import CurrentDevice
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}})
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]

SCALE: Final = 100  # units of the drawing in a metre: whole numbers, and hairlines stay hairlines
MARGIN: Final = 20
LETTERS_MAX: Final = 64
LETTER_WIDTH: Final = 0.6  # of a half-bold letter, of its size; a little more than on average
SQUARE_METRES_EACH: Final = (30.0, 12.0, 6.0)  # room for each person from which it counts as busier


@dataclass(frozen=True, slots=True)
class ZoneShown:
    """A zone on the drawing. ``heat``: 0 for nobody to 4; ``people``: None for a few."""

    id: str
    name: str
    people: int | None
    entered: int
    heat: int
    rectangles: tuple[tuple[int, int, int, int], ...]  # left, top, width, height
    label: tuple[int, int]  # in the middle of its largest area
    letters: int  # how large its name may be to stay inside


@dataclass(frozen=True, slots=True)
class FloorShown:
    """The drawing, and how many receivers hear it."""

    zones: tuple[ZoneShown, ...]
    receivers: tuple[tuple[int, int], ...]
    width: int
    height: int

    @property
    def people(self) -> int | None:
        """Everybody with a band, None for a few."""
        numbers = [zone.people for zone in self.zones]
        known = sum(number or 0 for number in numbers)
        return None if known < GROUP_MIN and None in numbers else known


class ZoneOut(BaseModel):
    """How many people with bands are in a zone."""

    zone_id: str
    name: str
    people: Annotated[
        int | None, Field(description=f"None: some, fewer than {GROUP_MIN}; they are not counted.")
    ]
    entered: Annotated[int, Field(description="Who came in this hour, in full groups only.")]


class FloorOut(BaseModel):
    """The zones of the location at which she is signed in."""

    zones: list[ZoneOut]
    group_min: int = GROUP_MIN
    html: str | None = None


def shown(look: Looking) -> FloorShown:
    """Return the floor as it is at this moment."""
    here = look.me.location_id
    plan = queries.plan_of(look.db, here)
    hour_us = to_us(look.clock.now()) // HOUR_US * HOUR_US
    counts = queries.counts(look.db, here, hour_us)
    rows = look.db.exec(select(ZoneRow).where(ZoneRow.location_id == here)).all()
    named = {row.zone_id: look.spoken.of(row.name_i18n, row.name) for row in rows}
    zones = []
    for zone_id, areas in plan.zones.items():
        count = counts.get(zone_id)
        people, entered = (count.people, count.entered) if count else (0, 0)
        largest = max(areas, key=_square_metres)
        name = named.get(zone_id) or zone_id
        zones.append(
            ZoneShown(
                id=zone_id,
                name=name,
                people=people,
                entered=entered,
                heat=heat(people, sum(map(_square_metres, areas))),
                rectangles=tuple(_rectangle(one) for one in areas),
                label=(
                    round((largest.left + largest.right) * SCALE / 2),
                    round((largest.top + largest.bottom) * SCALE / 2),
                ),
                letters=letters(name, (largest.right - largest.left) * SCALE),
            )
        )
    every = [area for areas in plan.zones.values() for area in areas]
    return FloorShown(
        tuple(zones),
        tuple((round(x * SCALE), round(y * SCALE)) for x, y in plan.receivers.values()),
        width=round(max((one.right for one in every), default=0) * SCALE) + 2 * MARGIN,
        height=round(max((one.bottom for one in every), default=0) * SCALE) + 2 * MARGIN,
    )


def heat(people: int | None, square_metres: float) -> int:
    """Return 0 for nobody, 1 for a few, up to 4 for a crowd."""
    if people == 0:
        return 0
    each = square_metres / (people or GROUP_MIN)
    return 1 + sum(each <= limit for limit in SQUARE_METRES_EACH) if people else 1


def letters(name: str, room: float) -> int:
    """Return the size in which a name fits into so much room."""
    return round(min(LETTERS_MAX, room / (LETTER_WIDTH * (len(name) + 1))))


def _square_metres(area: Area) -> float:
    return (area.right - area.left) * (area.bottom - area.top)


def _rectangle(area: Area) -> tuple[int, int, int, int]:
    return (
        round(area.left * SCALE),
        round(area.top * SCALE),
        round((area.right - area.left) * SCALE),
        round((area.bottom - area.top) * SCALE),
    )


def _context(look: Looking, found: FloorShown) -> dict[str, object]:
    return {
        "floor": found,
        "margin": MARGIN,
        "group_min": look.spoken.number(GROUP_MIN),
    }


@router.get("/staff/floor", include_in_schema=False)
def floor_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show the floor."""
    with device.reading(wired, by_hand=True) as (db, me):
        look = looking(wired, db, me, words(locale_of(request)))
        context = {"me": me, "place": look.place, "page_id": "floor", "here_path": "/staff/floor"}
        return page(request, "staff_floor.html", context | _context(look, shown(look)))


@router.get("/api/v1/staff/floor")
def get_floor(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> FloorOut:
    """Return how many people with bands are in each zone. No identities, by design."""
    with device.reading(wired) as (db, me):
        look = looking(wired, db, me, words(locale_of(request)))
        found = shown(look)
        html = None
        if with_html:
            html = render(look.spoken.locale, "_staff_floor.html", _context(look, found))
    return FloorOut(
        zones=[
            ZoneOut(zone_id=one.id, name=one.name, people=one.people, entered=one.entered)
            for one in found.zones
        ],
        html=html,
    )


@router.get("/api/v1/staff/floor/events", response_class=StreamingResponse)
def floor_events(wired: Wired, device: CurrentDevice) -> StreamingResponse:
    """Stream `changed` whenever somebody came to a zone of this location, or left one."""
    with device.reading(wired) as (_, me):
        topic = floor_topic(me.location_id)
    return bell_stream(wired.bells, [topic])
