"""A look that somebody was sent a link to: the link is the key, and is in no row.

Looking changes nothing. What is not there, over, or withdrawn looks the same.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from cart.db import reading
from cart.looks import queries, service
from cart.looks.model import Part
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.looks import streaming, thumbnails
from mobile_api.looks.shown import Teller
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/looks/shared", dependencies=[allow(Role.ANYONE)], include_in_schema=False
)
Secret = Annotated[str, Path(max_length=128)]
UNLISTED = {**NO_STORE, "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


@router.get("/{secret}")
def shared_look(request: Request, secret: Secret, wired: Wired) -> Response:
    """Show a look to whoever has its link: no names, no other looks."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        found = queries.shared(db, secret, wired.clock.now())
        look = Teller(wired, db, spoken).look(found.look, {}, None)
    context = {
        "look": look,
        "media": f"/looks/shared/{secret}",
        "until": spoken.minute(found.share.expires_at),
        "page_id": "look-shared",
        "here_path": "/",
    }
    return page(request, "look_shared.html", context, headers=UNLISTED)


@router.get("/{secret}/video")
def video(request: Request, secret: Secret, wired: Wired) -> Response:
    """Send its video, or a range of it."""
    return streaming.part_of(request, _sealed(wired, secret, Part.VIDEO))


@router.get("/{secret}/sheet")
def sheet(request: Request, secret: Secret, wired: Wired) -> Response:
    """Send its contact sheet."""
    return streaming.part_of(request, _sealed(wired, secret, Part.SHEET))


@router.get("/{secret}/thumbnail")
def thumbnail(request: Request, secret: Secret, wired: Wired) -> Response:
    """Send its small picture; of an older look its sheet."""
    return thumbnails.thumbnail_of(request, _sealed(wired, secret, Part.SHEET))


def _sealed(wired: Parts, secret: str, part: Part) -> streaming.Sealed:
    with reading(wired.engine) as db:
        found = queries.shared(db, secret, wired.clock.now())
        return streaming.Sealed(wired, found.look, part, service.shared_key(found, secret))
