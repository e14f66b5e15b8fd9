"""Pages of a shopper's looks: all by visit, one to play, some side by side; share and delete.

Plain forms, each of which may be pressed twice: what is over is over. Nothing here may be kept
by a browser's cache.
"""

from collections.abc import Collection
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import RedirectResponse, Response
from pydantic import StringConstraints
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.errors import UnknownLook
from cart.looks import queries, service
from cart.looks.keys import Opened
from cart.looks.model import KEEP_DAYS, SHARE_DAYS, UNDO_FOR, Part, State
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.looks import shown, streaming, thumbnails
from mobile_api.looks.caller import Caller, CurrentCaller
from mobile_api.looks.shown import Teller
from mobile_api.wiring import Wired

router = APIRouter(prefix="/looks", dependencies=[allow(Role.SHOPPER)], include_in_schema=False)
LookId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
LookName = Annotated[str, Query(max_length=ID_LENGTH_MAX)]
COMPARED_MAX: Final = 4  # films that a phone plays at a time, two in a row
Compared = Annotated[
    list[Annotated[str, StringConstraints(max_length=ID_LENGTH_MAX)]],
    Query(alias="look", min_length=1, max_length=COMPARED_MAX),
]
SAID: Final = frozenset(
    {"let_in", "refused", "pin_set", "pin_removed", "kept", "back", "withdrawn"}
)


@router.get("")
def my_looks(
    caller: CurrentCaller, deleted: LookName = "", said: Annotated[str, Query(max_length=16)] = ""
) -> Response:
    """Show her looks by visit, or how this phone comes to open them."""
    wired = caller.wired
    caller.visitor.used(wired)
    with reading(wired.engine) as db:
        shopper = caller.visitor.find(db, wired.clock)
        mine = shown.standing_of(wired, db, shopper, caller.phone)
        teller = Teller(wired, db, words(locale_of(caller.request)))
        is_open = shopper is not None and mine.standing == "open"
        context = {
            "mine": mine,
            "known": shopper is not None,
            "visits": teller.visits(shopper.id, mine.held) if shopper and is_open else [],
            "asks": shown.asks_of(wired, db, shopper.id) if shopper and is_open else [],
            "days": queries.keep_days(db, shopper.id) if shopper else 0,
            "deleted": _undoable(db, shopper, deleted),
        }
    context |= {
        "keep_days": KEEP_DAYS,
        "undo_s": int(UNDO_FOR.total_seconds()),
        "said": said if said in SAID else "",
        "page_id": "looks",
        "here_path": "/looks",
    }
    return page(caller.request, "looks.html", context, headers=NO_STORE)


def _undoable(db: Session, shopper: ShopperSessionRow | None, look_id: str) -> str:
    if shopper is None or not look_id:
        return ""
    try:
        return queries.own(db, shopper.id, look_id, State.DELETED).id
    except UnknownLook:
        return ""


@router.get("/compare")
def compare(caller: CurrentCaller, names: Compared) -> Response:
    """Show two looks side by side, or up to COMPARED_MAX; they turn in step."""
    names = list(dict.fromkeys(names))
    with reading(caller.wired.engine) as db:
        shopper, held = caller.opened(db)
        teller = Teller(caller.wired, db, words(locale_of(caller.request)))
        looks = [teller.look(queries.own(db, shopper.id, name), held, shopper) for name in names]
        others = _others(db, shopper.id, teller, held, names)
    context = {
        "looks": looks,
        "others": others if len(names) < COMPARED_MAX else [],
        "compared": "/looks/compare?" + urlencode([("look", name) for name in names]),
        "page_id": "looks",
        "here_path": "/looks",
    }
    return page(caller.request, "looks_compare.html", context, headers=NO_STORE)


@router.get("/{look_id}")
def one_look(look_id: LookId, caller: CurrentCaller) -> Response:
    """Show one look: play it, turn it, and what was tried on."""
    return _page(caller, look_id)


@router.get("/{look_id}/video")
def video(look_id: LookId, caller: CurrentCaller, *, save: bool = False) -> Response:
    """Send a look's video, or a range of it. ``save``: as a file of hers."""
    found = _sealed(caller, look_id, Part.VIDEO)
    kind = found.look.media_type.split("/")[-1]
    name = f"look-{found.look.taken_at:%Y-%m-%d-%H%M}.{kind}" if save else ""
    return streaming.part_of(caller.request, found, name)


@router.get("/{look_id}/sheet")
def sheet(look_id: LookId, caller: CurrentCaller) -> Response:
    """Send a look's contact sheet."""
    return streaming.part_of(caller.request, _sealed(caller, look_id, Part.SHEET))


@router.get("/{look_id}/thumbnail")
def thumbnail(look_id: LookId, caller: CurrentCaller) -> Response:
    """Send a look's small picture; of an older look its sheet."""
    return thumbnails.thumbnail_of(caller.request, _sealed(caller, look_id, Part.SHEET))


@router.post("/{look_id}/share")
def share(look_id: LookId, caller: CurrentCaller, days: Annotated[int, Form()]) -> Response:
    """Make a link and show it: it is said this once only.

    Not kept under a key: an answer that is kept would hold what opens the look.
    """
    wired = caller.wired
    with unit_of_work(wired.engine) as db:
        shopper, held = caller.opened(db)
        link = service.share(
            db,
            wired.clock,
            wired.ids,
            session_id=shopper.id,
            look_id=look_id,
            held=held,
            days=days,
        )
    url = f"{wired.settings.base_url}/looks/shared/{link.secret}"
    return _page(caller, look_id, url)


@router.post("/{look_id}/withdraw")
def withdraw(look_id: LookId, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Let no link lead to it any more."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        service.withdraw(db, session_id=shopper.id, look_id=look_id)
    return RedirectResponse(f"/looks/{look_id}", 303, NO_STORE)


@router.post("/{look_id}/delete")
def delete(look_id: LookId, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Delete it; for some seconds it can be had back. Any phone of hers may, also a closed one."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        service.remove(db, wired.clock, session_id=shopper.id, look_id=look_id)
    return RedirectResponse(f"/looks?deleted={look_id}", 303, NO_STORE)


@router.post("/{look_id}/undo")
def undo(look_id: LookId, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Have it back."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        service.undo(db, wired.clock, session_id=shopper.id, look_id=look_id)
    return RedirectResponse("/looks?said=back", 303, NO_STORE)


def _others(
    db: Session, session_id: str, teller: Teller, held: Opened, but: Collection[str]
) -> list[tuple[str, str]]:
    """Return further looks that this phone opens, and when they were taken."""
    return [
        (one.id, teller.moment(one))
        for one in queries.kept(db, session_id)
        if one.id not in but and one.key_id in held
    ]


def _sealed(caller: Caller, look_id: str, part: Part) -> streaming.Sealed:
    with reading(caller.wired.engine) as db:
        shopper, held = caller.opened(db)
        look = queries.own(db, shopper.id, look_id)
        return streaming.Sealed(caller.wired, look, part, service.content_key(look, held))


def _page(caller: Caller, look_id: str, link: str = "") -> Response:
    wired, spoken = caller.wired, words(locale_of(caller.request))
    with reading(wired.engine) as db:
        shopper, held = caller.opened(db)
        row = queries.own(db, shopper.id, look_id)
        teller = Teller(wired, db, spoken)
        look = teller.look(row, held, shopper)
        others = _others(db, shopper.id, teller, held, [look_id])
        links = queries.shares(db, look_id, wired.clock.now())
    context = {
        "look": look,
        "media": f"/looks/{look_id}",
        "others": others,
        "links": len(links),
        "link": link,
        "share_days": SHARE_DAYS,
        "page_id": "looks",
        "here_path": f"/looks/{look_id}",
    }
    return page(caller.request, "look.html", context, headers=NO_STORE)
