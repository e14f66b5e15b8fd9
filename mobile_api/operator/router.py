"""What an operator's page asks for beside itself: its part, live, and a letter once more."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.kernel.errors import CarryoverError, Unavailable
from cart.picking.model import Staff
from cart.picking.permissions import Permission, need
from gateway.findings.service import looked_at
from gateway.findings.tables import FindingKind
from mobile_api.carts.events import BEAT, RETRY
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.look.words import Words, words
from mobile_api.operator.letters import send_again
from mobile_api.operator.looking import OPERATOR, operator_looking
from mobile_api.operator.views import View, note_view, part
from mobile_api.operator.wanted import KEY_LENGTH_MAX
from mobile_api.staff.signed_in import CurrentDevice, Device, StaffOnly
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/operator", dependencies=[allow(Role.OPERATOR)], tags=["operator"]
)
LOOK_EVERY_S: Final = 2.0  # a chart moves every ten seconds, a device's events as they come
BEAT_EVERY: Final = 7  # looks that found nothing new: proxies drop a silent line after 30 s
WATCHERS_MAX: Final = 20  # each looks by itself; an operation has a handful of operators


class Replayed(BaseModel):
    """How it went. ``code`` and ``title``: what is still wrong, empty when it is done."""

    letter_id: str
    done: bool
    code: str = ""
    title: str = ""


@router.post("/letters/{letter_id}/replay", response_model=Replayed)
def replay_letter(
    request: Request,
    letter_id: Annotated[str, Path(max_length=64)],
    wired: Wired,
    once: StaffOnly,
) -> Response:
    """Try a dead letter again; an event that was stored meanwhile changes nothing."""
    gettext = words(locale_of(request)).gettext

    def effect(db: Session, me: Staff) -> Replayed:
        need(db, me.id, Permission.OPERATOR)
        error = send_again(wired, db, letter_id)
        if error is None:
            return Replayed(letter_id=letter_id, done=True)
        title = gettext(TITLES.get(error.code, TITLES["error"]))
        return Replayed(letter_id=letter_id, done=False, code=error.code, title=title)

    return once.run(effect, Action.LETTER_REPLAY, On("letter", letter_id), role=OPERATOR)


class LookedAt(BaseModel):
    """Which finding somebody has looked at; it is open again once it is seen later."""

    device_id: str
    kind: FindingKind


@router.post("/devices/{device_id}/findings/{kind}/looked-at", response_model=LookedAt)
def look_at_finding(
    device_id: Annotated[str, Path(max_length=64)],
    kind: FindingKind,
    wired: Wired,
    once: StaffOnly,
) -> Response:
    """Say that somebody has looked at what was found odd about a device."""

    def effect(db: Session, me: Staff) -> LookedAt:
        need(db, me.id, Permission.OPERATOR)
        looked_at(db, wired.clock, device_id=device_id, kind=kind, by=me.id)
        return LookedAt(device_id=device_id, kind=kind)

    return once.run(effect, Action.FINDING_LOOKED_AT, On("device", device_id), role=OPERATOR)


@router.get("/live", response_class=StreamingResponse)
def live(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    view: View,
    key: Annotated[str, Query(max_length=KEY_LENGTH_MAX)] = "",
) -> StreamingResponse:
    """Stream ``part``, a page's HTML, whenever it has changed; ``over`` when she may no longer."""
    spoken = words(locale_of(request))
    with operator_looking(wired, device, spoken) as look:
        me = look.me
    if wired.watchers >= WATCHERS_MAX:
        msg = f"{WATCHERS_MAX} operators watch already"
        raise Unavailable(msg)
    note_view(wired, me, view, key)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _parts(wired, device, spoken, view, key), media_type="text/event-stream", headers=headers
    )


async def _parts(
    wired: Parts, device: Device, spoken: Words, view: View, key: str
) -> AsyncIterator[bytes]:
    before, silent = "", 0
    wired.watchers += 1
    try:
        yield RETRY
        while not wired.bells.closing:
            try:
                html = await asyncio.to_thread(_look, wired, device, spoken, view, key)
            except CarryoverError:
                yield b"event: over\ndata: {}\n\n"
                return
            except SQLAlchemyError:
                html = before  # the page says that it is old: its times stand still
            silent += 1
            if html != before:
                before, silent = html, 0
                yield f"event: part\ndata: {json.dumps({'html': html})}\n\n".encode()
            elif silent % BEAT_EVERY == 0:
                yield BEAT
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        wired.watchers -= 1


def _look(wired: Parts, device: Device, spoken: Words, view: View, key: str) -> str:
    with operator_looking(wired, device, spoken) as look:
        return part(look, view, key)
