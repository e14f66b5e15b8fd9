"""The API of the desk: find an order, hand it over, tell the shopper again, take things back."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.kernel.errors import CodeRefused, UnknownTask
from cart.picking import handover, returns
from cart.picking import refunds as refunding
from cart.picking.codes import TOKEN_PREFIX
from cart.picking.model import Changed, Staff
from cart.picking.staff import as_who
from gateway.fanout import DeskChanged
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import render
from mobile_api.look.words import words
from mobile_api.staff import at_desk, orders, put_off, refunds, schemas
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.router import WithHtml, ring
from mobile_api.staff.signed_in import CurrentDevice, StaffOnly, note_seen
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/staff", dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}}
)
OrderId = Annotated[str, Path(max_length=schemas.ID_LENGTH_MAX)]
RefundId = Annotated[str, Path(max_length=schemas.ID_LENGTH_MAX)]
PartName = Literal["handover", "return", "order"]
Part = Annotated[
    PartName,
    Query(description="Which page asks; `return` also opens orders of other locations."),
]


def desk_out(look: Looking, *, with_html: bool) -> schemas.DeskOut:
    """Return what waits at the desk now."""
    shown, failed = orders.shelves(look), refunds.failed(look)
    answer = schemas.DeskOut(
        ready=[schemas.ShelfOut.model_validate(one) for one in shown],
        failed_refunds=[schemas.FailedRefundOut.model_validate(one) for one in failed],
    )
    if with_html:
        bands = at_desk.at_desks(look)
        context = {"shown": shown, "failed": failed, "bands": bands, "me": look.me}
        answer.html = render(look.spoken.locale, "_staff_desk.html", context)
    return answer


def order_out(look: Looking, order_id: str, *, part: PartName, with_html: bool) -> schemas.OrderOut:
    """Return an order as it is now."""
    shown = orders.order(look, order_id, anywhere=part == "return")
    answer = schemas.OrderOut.model_validate(shown)
    if with_html:
        context = {"shown": shown, "me": look.me}
        answer.html = render(look.spoken.locale, f"_staff_{part}.html", context)
    return answer


def _with_it(
    wired: Parts, look: Looking, changed: Changed, *, part: PartName, with_html: bool
) -> schemas.OrderOut:
    """Tell of a change of an order, and return the order as it is with it."""
    ring(wired, look.db, [changed])
    return order_out(look, changed.order_id, part=part, with_html=with_html)


@router.get("/desk")
def get_desk(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> schemas.DeskOut:
    """Return what waits at the desk, who is here first."""
    with device.reading(wired) as (db, me):
        return desk_out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)


@router.post("/find")
def find(wanted: schemas.FindOrder, wired: Wired, device: CurrentDevice) -> schemas.FoundOut:
    """Find an order by a scanned code, a ticket or its number. Changes nothing: needs no key.

    Not by GET: a shopper's code belongs in no log of addresses.
    """
    text = wanted.text.strip()
    with device.reading(wired) as (db, me):
        order_id = handover.find(
            db, wired.secret, location_id=me.location_id, text=text, anywhere=wanted.anywhere
        )
    return schemas.FoundOut(order_id=order_id, by_code=text.startswith(TOKEN_PREFIX))


@router.get("/orders/{order_id}")
def get_order(
    request: Request,
    order_id: OrderId,
    wired: Wired,
    device: CurrentDevice,
    *,
    part: Part = "handover",
    with_html: WithHtml = False,
) -> schemas.OrderOut:
    """Return an order of this location: lines, money, history."""
    with device.reading(wired) as (db, me):
        spoken = words(locale_of(request))
        look = looking(wired, db, me, spoken)
        answer = order_out(look, order_id, part=part, with_html=with_html)
    note_seen(wired, as_who(me), Action.ORDER_SEE, On("order", order_id))
    return answer


@router.post("/orders/{order_id}/handover", response_model=schemas.OrderOut)
def hand_over(
    request: Request,
    order_id: OrderId,
    wanted: schemas.HandOver,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Give an order out, once. A wrong code counts."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut | CodeRefused:
        given = handover.hand_over(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            secret=wired.secret,
            staff=me,
            order_id=order_id,
            proof=wanted.proof,
            reason=wanted.reason,
        )
        if isinstance(given, CodeRefused):
            return given
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, given, part="handover", with_html=with_html)

    return once.run(effect, Action.ORDER_HAND_OVER, On("order", order_id))


@router.post("/orders/{order_id}/ship", response_model=schemas.OrderOut)
def ship(
    request: Request,
    order_id: OrderId,
    wanted: schemas.Ship,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that the carrier has a packed order, once; the shopper is told."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut:
        sent = handover.mark_shipped(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            staff=me,
            order_id=order_id,
            carrier=wanted.carrier,
            tracking=wanted.tracking,
        )
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, sent, part="handover", with_html=with_html)

    return once.run(effect, Action.ORDER_SHIP, On("order", order_id))


@router.post("/orders/{order_id}/resend", response_model=schemas.OrderOut)
def resend(
    request: Request,
    order_id: OrderId,
    _: schemas.Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Tell the shopper again that it is ready."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut:
        changed = handover.resend_ready(db, wired.clock, staff=me, order_id=order_id)
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, changed, part="handover", with_html=with_html)

    return once.run(effect, Action.ORDER_RESEND, On("order", order_id))


@router.post("/orders/{order_id}/later", response_model=schemas.OrderOut)
def collect_later(
    request: Request,
    order_id: OrderId,
    wanted: schemas.CollectLater,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note when the shopper comes instead, and why: reminder and end of waiting move with it."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut:
        changed = handover.collected_later(
            db,
            wired.clock,
            staff=me,
            order_id=order_id,
            reason=wanted.reason,
            promise_at=put_off.meant(looking(wired, db, me, spoken), wanted.promise_at),
        )
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, changed, part="handover", with_html=with_html)

    return once.run(effect, Action.ORDER_LATER, On("order", order_id))


@router.post("/orders/{order_id}/returns", response_model=schemas.OrderOut)
def take_back(
    request: Request,
    order_id: OrderId,
    wanted: schemas.TakeBack,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
    part: Part = "return",
) -> Response:
    """Take pieces back and refund them: on the shelf again, or written off."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut:
        look = looking(wired, db, me, spoken)
        own = orders.order(look, order_id, anywhere=True)
        if wanted.line_id not in {line.line_id for line in own.lines}:
            msg = "the order has no such line"
            raise UnknownTask(msg, task_id=wanted.line_id)
        changed = returns.take(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            staff=me,
            order_line_id=wanted.line_id,
            quantity=wanted.quantity,
            reason=wanted.reason,
            restocked=wanted.restocked,
        )
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, changed, part=part, with_html=with_html)

    return once.run(effect, Action.ORDER_RETURN, On("order", order_id))


@router.post("/orders/{order_id}/refunds/{refund_id}/retry", response_model=schemas.OrderOut)
def retry_refund(
    request: Request,
    order_id: OrderId,
    refund_id: RefundId,
    _: schemas.Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
    part: Part = "order",
) -> Response:
    """Have a refund that failed tried again, for leads; one that has not failed stays as it is."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.OrderOut:
        changed = refunding.try_again(
            db, wired.clock, staff=me, order_id=order_id, refund_id=refund_id
        )
        look = looking(wired, db, me, spoken)
        return _with_it(wired, look, changed, part=part, with_html=with_html)

    return once.run(effect, Action.REFUND_RETRY, On("order", order_id), On("refund", refund_id))


@router.post("/refunds/{refund_id}/retry", response_model=schemas.DeskOut)
def retry_unbought(
    request: Request,
    refund_id: RefundId,
    _: schemas.Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Have a failed refund of money that bought nothing tried again, for leads; else as it is."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.DeskOut:
        refunding.try_unbought_again(db, wired.clock, staff=me, refund_id=refund_id)
        wired.tell(db, DeskChanged(me.location_id))
        return desk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.REFUND_RETRY, On("refund", refund_id))
