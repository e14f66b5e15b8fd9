"""The API of saved lists: keep, rename, take away, put back, and by e-mail."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts import service as carts
from cart.carts.tables import ListRequestRow, SavedListRow, ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.errors import UnknownList
from gateway.fanout import ListAsked
from mobile_api.carts.router import ring, shopping, shown
from mobile_api.carts.schemas import CartOut
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, list_link, list_of_link
from mobile_api.edge.once import OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.lists import service
from mobile_api.lists.queries import open_list
from mobile_api.lists.schemas import ListOut, MailList, MailOut, RenameList, SaveList, mail_out
from mobile_api.look.words import words
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/lists", dependencies=[allow(Role.SHOPPER)], tags=["lists"], responses={401: {}}
)
ListId = Annotated[str, Path(max_length=64)]
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX, description="List id and signature.")]


def list_out(wired: Parts, row: SavedListRow) -> ListOut:
    """Return a list for the API, with the link that opens it."""
    link = f"{wired.settings.base_url}/l/{list_link(wired.secret, row.id)}"
    return ListOut(id=row.id, name=row.name, link=link, deleted=row.deleted_at is not None)


@router.post("", status_code=201, response_model=ListOut)
def save_list(wanted: SaveList, wired: Wired, once: OnceOnly) -> Response:
    """Keep the cart, or one line of it, as a list."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        saved = carts.save_list(
            db,
            wired.clock,
            list_id=wired.ids.new("list"),
            cart_id=shopper.cart_id,
            session_id=shopper.id,
            name=wanted.name,
            only=wanted.gtin,
        )
        if wanted.move and wanted.gtin is not None:
            applied = carts.remove_line(
                db,
                shopping(wired, db, shopper),
                operation_id=wired.ids.new("op"),
                gtin=wanted.gtin,
            )
            ring(wired, db, applied)
        return list_out(wired, saved)

    return once.run(effect, status=201, needs_session=True)


@router.patch("/{list_id}")
def rename_list(
    list_id: ListId, wanted: RenameList, wired: Wired, visitor: CurrentVisitor
) -> ListOut:
    """Give a list another name."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        named = service.rename(db, list_id=list_id, session_id=shopper.id, name=wanted.name)
        return list_out(wired, named)


@router.delete("/{list_id}")
def delete_list(list_id: ListId, wired: Wired, visitor: CurrentVisitor) -> ListOut:
    """Take a list away; its links close. Can be undone."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        gone = service.take_away(db, wired.clock, list_id=list_id, session_id=shopper.id)
        return list_out(wired, gone)


@router.post("/{list_id}/restore", response_model=ListOut)
def restore_list(list_id: ListId, wired: Wired, once: OnceOnly) -> Response:
    """Undo a deletion."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        return list_out(wired, service.bring_back(db, list_id=list_id, session_id=shopper.id))

    return once.run(effect, needs_session=True)


@router.post("/{list_id}/cart", response_model=CartOut)
def put_back(request: Request, list_id: ListId, wired: Wired, once: OnceOnly) -> Response:
    """Put an own list's lines into the cart."""
    return _put(request, wired, once, list_id, own=True)


@router.post("/shared/{link}/cart", response_model=CartOut)
def put_shared(request: Request, link: Link, wired: Wired, once: OnceOnly) -> Response:
    """Put the lines of a list that came by its link into this phone's cart."""
    return _put(request, wired, once, list_of_link(wired.secret, link), own=False)


def _put(request: Request, wired: Parts, once: OnceOnly, list_id: str, *, own: bool) -> Response:
    spoken = words(locale_of(request))

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        if own:
            carts.own_list(db, list_id=list_id, session_id=shopper.id)
        open_list(db, list_id)
        applied = service.put_into(
            db, wired.clock, wired.ids, list_id=list_id, cart_id=shopper.cart_id
        )
        ring(wired, db, applied)
        return shown(wired, db, spoken, shopper.cart_id, with_html=False)

    return once.run(effect, needs_session=own)


@router.post("/{list_id}/mail", status_code=202, response_model=MailOut)
def mail_list(
    request: Request, list_id: ListId, wanted: MailList, wired: Wired, once: OnceOnly
) -> Response:
    """Ask for the list by e-mail: one mail, no account, no consent to anything else."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        carts.own_list(db, list_id=list_id, session_id=shopper.id)
        open_list(db, list_id)
        asked = carts.request_list(
            db,
            wired.clock,
            request_id=wired.ids.new("mail"),
            list_id=list_id,
            email=wanted.email,
            locale=wanted.locale or locale_of(request),
            location_id=shopping(wired, db, shopper).location_id,
        )
        wired.tell(db, ListAsked(asked.id))
        return mail_out(asked)

    return once.run(effect, status=202, needs_session=True)


@router.get("/{list_id}/mail/{request_id}")
def mail_state(
    list_id: ListId,
    request_id: Annotated[str, Path(max_length=160)],
    wired: Wired,
    visitor: CurrentVisitor,
) -> MailOut:
    """Say what became of a mail."""
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        carts.own_list(db, list_id=list_id, session_id=shopper.id)
        row = db.get(ListRequestRow, request_id)
        if row is None or row.list_id != list_id:
            msg = f"no mail {request_id} was asked for"
            raise UnknownList(msg)
        return mail_out(row)
