"""Looks as JSON, for apps. What opens them is the phone's cookie, as for the pages."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.looks import keys, queries, service
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.once import OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.looks import shown
from mobile_api.looks.caller import CurrentCaller
from mobile_api.looks.phone import CurrentPhone, with_key
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/api/v1/looks", dependencies=[allow(Role.SHOPPER)], tags=["looks"], responses={401: {}}
)
LookId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


class LookOut(BaseModel):
    """A look. ``opens``: this phone has its key; its parts are sealed to another's otherwise."""

    id: str
    location_id: str
    taken_at: datetime
    expires_at: datetime
    duration_ms: int
    gtins: list[str]
    opens: bool
    video: Annotated[str, Field(description="Where it plays; takes ranges.")]
    sheet: str
    thumbnail: Annotated[str, Field(description="Her front, small; of an older look its sheet.")]


class LooksOut(BaseModel):
    """Her looks, the newest first; none are told while ``standing`` is not ``open``."""

    standing: Annotated[
        Literal["none", "closed", "pin", "open"],
        Field(
            description="none: begin first. closed: another phone opens them. pin: behind a PIN."
        ),
    ]
    keep_days: int
    looks: list[LookOut]


class DoneOut(BaseModel):
    """It is so now."""

    done: bool = True


class KeepForIn(Taken):
    """For how many days looks are kept."""

    days: Literal[7, 30, 90, 365]


class ShareIn(Taken):
    """For how many days a link is good."""

    days: Literal[1, 7, 30]


class ShareOut(BaseModel):
    """A link; it is said this once only."""

    url: str
    expires_at: datetime


def _looks(db: Session, shopper: ShopperSessionRow, mine: shown.Standing) -> LooksOut:
    rows = queries.kept(db, shopper.id) if mine.standing == "open" else []
    items = queries.items(db, [row.id for row in rows])
    looks = [
        LookOut(
            id=row.id,
            location_id=row.location_id,
            taken_at=row.taken_at,
            expires_at=row.expires_at,
            duration_ms=row.duration_ms,
            gtins=items.get(row.id, []),
            opens=row.key_id in mine.held,
            video=f"/looks/{row.id}/video",
            sheet=f"/looks/{row.id}/sheet",
            thumbnail=f"/looks/{row.id}/thumbnail",
        )
        for row in rows
    ]
    days = queries.keep_days(db, shopper.id)
    return LooksOut.model_validate({"standing": mine.standing, "keep_days": days, "looks": looks})


@router.get("", response_model=LooksOut)
def my_looks(wired: Wired, visitor: CurrentVisitor, phone: CurrentPhone) -> Response:
    """Return the caller's looks."""
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        mine = shown.standing_of(wired, db, shopper, phone)
        answer = _looks(db, shopper, mine)
    return JSONResponse(answer.model_dump(mode="json"), headers=NO_STORE)


@router.post("/begin", response_model=DoneOut)
def begin(request: Request, wired: Wired, visitor: CurrentVisitor, known: CurrentPhone) -> Response:
    """Say yes to looks: the answer brings the cookie that opens them, so it is not kept."""
    phone = with_key(request, wired.ids, known)
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        keys.begin(db, wired.clock, wired.ids, shopper.id, phone.key)
    response = JSONResponse(DoneOut().model_dump(), headers=NO_STORE)
    phone.give(response, secure=wired.settings.secure)
    return response


@router.post("/keep", response_model=DoneOut)
def keep(wanted: KeepForIn, once: OnceOnly) -> Response:
    """Keep looks for so many days, also those that are there."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        service.keep_for(db, shopper.id, wanted.days)
        return DoneOut()

    return once.run(effect, needs_session=True)


@router.post("/{look_id}/share", responses={403: {}, 404: {}}, response_model=ShareOut)
def share(look_id: LookId, wanted: ShareIn, caller: CurrentCaller) -> Response:
    """Make a link. Without Idempotency-Key: an answer that is kept would hold what opens it."""
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
            days=wanted.days,
        )
    url = f"{wired.settings.base_url}/looks/shared/{link.secret}"
    answer = ShareOut(url=url, expires_at=link.expires_at)
    return JSONResponse(answer.model_dump(mode="json"), headers=NO_STORE)


@router.post("/{look_id}/{verb}", responses={404: {}}, response_model=DoneOut)
def do(
    look_id: LookId, verb: Literal["withdraw", "delete", "undo"], wired: Wired, once: OnceOnly
) -> Response:
    """Withdraw all links to a look; delete it; have it back within ten seconds."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        if verb == "withdraw":
            service.withdraw(db, session_id=shopper.id, look_id=look_id)
        elif verb == "delete":
            service.remove(db, wired.clock, session_id=shopper.id, look_id=look_id)
        else:
            service.undo(db, wired.clock, session_id=shopper.id, look_id=look_id)
        return DoneOut()

    return once.run(effect, needs_session=True)
