"""The pages of operators. Each is made of one part, which the live stream sends again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.operator.looking import operator_looking
from mobile_api.operator.views import VIEWS, View, note_view, shown
from mobile_api.operator.wanted import WORDS_LENGTH_MAX, Wanted
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/operator", dependencies=[allow(Role.OPERATOR)], include_in_schema=False)
Key = Annotated[str, Path(max_length=64)]
Filter = Annotated[str, Query(max_length=64)]


@router.get("")
def overview_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show how much comes in, how fast, what waits."""
    return _page(request, wired, device, "overview")


@router.get("/devices")
def devices_page(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    *,
    status: Literal["", "online", "offline", "never", "revoked"] = "",
    location: Filter = "",
    q: Annotated[str, Query(max_length=WORDS_LENGTH_MAX)] = "",
) -> HTMLResponse:
    """Show the devices: all, or those in a state, of a location, with words in name or id."""
    return _page(request, wired, device, "devices", Wanted(status, location, q.strip()).key)


@router.get("/devices/{device_id}")
def device_page(
    request: Request, device_id: Key, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show one device and what it says."""
    return _page(request, wired, device, "device", device_id)


@router.get("/letters")
def letters_page(
    request: Request, wired: Wired, device: CurrentDevice, reason: Filter = ""
) -> HTMLResponse:
    """Show what could not be done."""
    return _page(request, wired, device, "letters", reason)


@router.get("/letters/{letter_id}")
def letter_page(
    request: Request, letter_id: Key, wired: Wired, device: CurrentDevice
) -> HTMLResponse:
    """Show one dead letter whole."""
    return _page(request, wired, device, "letter", letter_id)


@router.get("/audit")
def audit_page(
    request: Request, wired: Wired, device: CurrentDevice, staff: Filter = ""
) -> HTMLResponse:
    """Show who saw and did what, of late."""
    return _page(request, wired, device, "audit", staff)


def _page(
    request: Request, parts: Parts, device: Device, view: View, key: str = ""
) -> HTMLResponse:
    spoken = words(locale_of(request))
    with operator_looking(parts, device, spoken, by_hand=True) as look:
        context = {
            "me": look.me,
            "place": spoken.gettext("Operator"),
            "page_id": VIEWS[view].tab,
            "view": view,
            "key": key,
            "script": "operator.js",
            "part": f"_operator_{view}.html",
            "shown": shown(look, view, key),
        }
        answer = page(request, "operator.html", context, headers=NO_STORE)
    note_view(parts, look.me, view, key)
    return answer
