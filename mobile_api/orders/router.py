"""The orders' API: read, listen, say that one is here, answer an offer, cancel."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading
from cart.db.columns import ID_LENGTH_MAX
from cart.orders.goods import cancel_order
from cart.orders.history import SHOPPER
from cart.orders.queries import orders_of_session
from cart.picking import desk, substitution, tasks
from cart.picking.model import Changed
from mobile_api.bells import bell_stream, desk_topic, order_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.words import words
from mobile_api.orders import queries
from mobile_api.orders.schemas import AnswerOffer, OrderOut, OrdersOut, order_out
from mobile_api.orders.shown import shown
from mobile_api.orders.telling import tell
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/orders",
    dependencies=[allow(Role.SHOPPER)],
    tags=["orders"],
    responses={401: {}},
)
OrderId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
OfferId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
LISTED_MAX = 20  # whole orders in one answer; older ones are read by their id


def _whole(request: Request, wired: Parts, db: Session, order_id: str) -> OrderOut:
    spoken = words(locale_of(request))
    return order_out(shown(wired, db, spoken, order_id, own=True), spoken)


@router.get("")
def get_orders(request: Request, wired: Wired, visitor: CurrentVisitor) -> OrdersOut:
    """Return this phone's orders, the newest first."""
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        found = orders_of_session(db, shopper.id, LISTED_MAX)
        return OrdersOut(orders=[_whole(request, wired, db, one.id) for one in found])


@router.get("/{order_id}")
def get_order(
    request: Request, order_id: OrderId, wired: Wired, visitor: CurrentVisitor
) -> OrderOut:
    """Return an order of this phone as it stands."""
    with reading(wired.engine) as db:
        queries.own(db, order_id, visitor.need(db, wired.clock).id)
        return _whole(request, wired, db, order_id)


@router.get("/{order_id}/events", response_class=StreamingResponse)
def order_events(order_id: OrderId, wired: Wired, visitor: CurrentVisitor) -> StreamingResponse:
    """Stream `changed` whenever the order, or the queue it stands in, is another: look again."""
    with reading(wired.engine) as db:
        order = queries.own(db, order_id, visitor.need(db, wired.clock).id)
        topics = [order_topic(order_id), desk_topic(order.location_id)]
    return bell_stream(wired.bells, topics, partial(wired.streams.while_good, visitor.token))


@router.post("/{order_id}/here", response_model=OrderOut)
def post_here(request: Request, order_id: OrderId, wired: Wired, once: OnceOnly) -> Response:
    """Tell the desk that the shopper has come."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        queries.own(db, order_id, shopper.id)
        tell(wired, db, *desk.here(db, wired.clock, session_id=shopper.id, order_id=order_id))
        return _whole(request, wired, db, order_id)

    return once.run(effect, needs_session=True)


@router.post("/{order_id}/substitutions/{offer_id}", response_model=OrderOut)
def post_answer(
    request: Request,
    order_id: OrderId,
    offer_id: OfferId,
    wanted: AnswerOffer,
    *,
    wired: Wired,
    once: OnceOnly,
) -> Response:
    """Take another article instead of one that was not found, or have the money back."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        queries.own(db, order_id, shopper.id)
        changed = substitution.answer(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            order_id=order_id,
            offer_id=offer_id,
            accepted=wanted.accept,
        )
        tell(wired, db, changed)
        return _whole(request, wired, db, order_id)

    return once.run(effect, needs_session=True)


@router.post("/{order_id}/cancel", response_model=OrderOut)
def post_cancel(request: Request, order_id: OrderId, wired: Wired, once: OnceOnly) -> Response:
    """Give the order up before anybody has begun with it; the money goes back."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        queries.own(db, order_id, shopper.id)
        gone = cancel_order(
            db, wired.clock, wired.ids, wired.shop, order_id=order_id, actor=SHOPPER
        )
        tasks.close_if_empty(db, wired.clock, order_id)
        tell(wired, db, Changed(order_id, gone.version, gone.location_id))
        return _whole(request, wired, db, order_id)

    return once.run(effect, needs_session=True)
