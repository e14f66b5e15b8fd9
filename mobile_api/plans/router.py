"""Plans of visits for a shopper's phone: choose, make, book, follow in the shop, give up."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading
from cart.db.columns import ID_LENGTH_MAX
from gateway.bands.queries import loan_of_session
from gateway.plans import bookings, queries, service
from gateway.plans.model import CALLED_LENGTH_MAX
from gateway.plans.route import Kind
from gateway.plans.tables import PlanRow
from mobile_api.bells import bell_stream, cart_topic, plan_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import Once, OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page, render
from mobile_api.look.words import words
from mobile_api.plans import choosing
from mobile_api.plans.schemas import (
    Book,
    CancelBooking,
    Ended,
    MakePlan,
    PlanOut,
    TickStop,
    TryOn,
)
from mobile_api.plans.shown import ShownPlan, shown
from mobile_api.wiring import Parts, Wired

router = APIRouter(tags=["plans"])
LOOKING = [allow(Role.ANYONE)]
PLANNING = [allow(Role.SHOPPER)]
API = "/api/v1/plan"
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's part along.")]
ListId = Annotated[str | None, Query(alias="list", max_length=ID_LENGTH_MAX)]
ShopId = Annotated[str, Query(alias="shop", max_length=ID_LENGTH_MAX)]


def _out(request: Request, found: ShownPlan, *, with_html: bool) -> PlanOut:
    answer = PlanOut.model_validate(found)
    if with_html:
        answer.html = render(locale_of(request), "_plan.html", {"plan": found})
    return answer


@router.get("/plan", dependencies=LOOKING, include_in_schema=False)
def plan_page(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    list_id: ListId = None,
    shop_id: ShopId = "",
    *,
    change: bool = False,
) -> HTMLResponse:
    """Show her plan; or without one, or to ``change`` it, what it is made from.

    Raises:
        UnknownList, UnknownLocation: what is chosen is not there.
    """
    visitor.used(wired)
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        plan = queries.plan_for(db, shopper.id) if shopper else None
        context: dict[str, object] = {"page_id": "plan", "here_path": "/plan", "plan": None}
        if shopper is not None and plan is not None and not change:
            context["plan"] = shown(wired, db, spoken, shopper.id)
        else:
            context["choice"] = choosing.choice(
                wired,
                db,
                spoken,
                shopper,
                list_id=list_id,
                shop_id=shop_id,
                called=_called(db, shopper, plan),
            )
            context["change"] = plan is not None
    return page(request, "plan.html", context, headers=NO_STORE)


def _called(db: Session, shopper: ShopperSessionRow | None, plan: PlanRow | None) -> str:
    """Return what she said last that she is called: in the plan, or with her wristband."""
    if plan is not None:
        return plan.called
    loan = loan_of_session(db, shopper.id) if shopper else None
    return loan.greeting[:CALLED_LENGTH_MAX] if loan else ""


@router.get(API, dependencies=PLANNING, responses={401: {}, 404: {}})
def get_plan(
    request: Request, wired: Wired, visitor: CurrentVisitor, *, with_html: WithHtml = False
) -> PlanOut:
    """Return the plan of this phone with the way that is left."""
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        found = shown(wired, db, words(locale_of(request)), shopper.id)
    return _out(request, found, with_html=with_html)


@router.get(
    f"{API}/events",
    dependencies=PLANNING,
    response_class=StreamingResponse,
    responses={401: {}},
)
def plan_events(wired: Wired, visitor: CurrentVisitor) -> StreamingResponse:
    """Stream `changed` whenever the plan changes, or she comes to another part of the shop."""
    with reading(wired.engine) as db:
        shopper = visitor.need(db, wired.clock)
        topics = [plan_topic(shopper.id), cart_topic(shopper.cart_id)]
    return bell_stream(wired.bells, topics, partial(wired.streams.while_good, visitor.token))


@router.post(API, dependencies=PLANNING, response_model=PlanOut)
def make_plan(
    request: Request,
    wanted: MakePlan,
    wired: Wired,
    once: OnceOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Plan a visit, or plan it anew; bookings of another day or shop are given back."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        before = queries.plan_for(db, shopper.id)
        if before is not None and before.location_id != wanted.location_id:
            wired.tell(db, service.changed(db, before))
        return service.make(
            db,
            wired.clock,
            wired.shop.locations.facts(db, wanted.location_id),
            session_id=shopper.id,
            comes_at=wanted.comes_at,
            lines=choosing.wanted(db, shopper, wanted.list_id),
            called=wanted.called,
        )

    return _done(request, wired, once, act, with_html=with_html, needs_session=False)


@router.post(f"{API}/end", dependencies=PLANNING, response_model=Ended, responses={401: {}})
def end_plan(wired: Wired, once: OnceOnly) -> Response:
    """Give the plan up, and all that is booked for it; nothing of it is kept."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        gone = service.end(db, shopper.id)
        if gone is not None:
            wired.tell(db, service.changed(db, gone))
        return Ended(ended=gone is not None)

    return once.run(effect, needs_session=True)


@router.post(f"{API}/arrive", dependencies=PLANNING, response_model=PlanOut, responses={401: {}})
def arrive(
    request: Request, wired: Wired, once: OnceOnly, *, with_html: WithHtml = False
) -> Response:
    """Say that she is here: staff see it of who has booked something."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        return service.arrive(db, wired.clock, wired.shop.locations, shopper.id)

    return _done(request, wired, once, act, with_html=with_html)


@router.post(f"{API}/tick", dependencies=PLANNING, response_model=PlanOut, responses={401: {}})
def tick(
    request: Request,
    wanted: TickStop,
    wired: Wired,
    once: OnceOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Tick a stop off, or take the tick back."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        return service.tick(
            db, wired.clock, session_id=shopper.id, key=wanted.key, done=wanted.done
        )

    return _done(request, wired, once, act, with_html=with_html)


@router.post(f"{API}/try", dependencies=PLANNING, response_model=PlanOut, responses={401: {}})
def try_on(
    request: Request, wanted: TryOn, wired: Wired, once: OnceOnly, *, with_html: WithHtml = False
) -> Response:
    """Note whether an article is to be tried on."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        return service.let_try(db, session_id=shopper.id, gtin=wanted.gtin, to_try=wanted.to_try)

    return _done(request, wired, once, act, with_html=with_html)


@router.post(f"{API}/bookings", dependencies=PLANNING, response_model=PlanOut, responses={401: {}})
def book(
    request: Request, wanted: Book, wired: Wired, once: OnceOnly, *, with_html: WithHtml = False
) -> Response:
    """Book a fitting room or an adviser for a quarter hour of the visit, or change that."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        plan = bookings.held(db, shopper.id)
        bookings.book(
            db,
            wired.clock,
            wired.ids,
            wired.shop.locations.facts(db, plan.location_id),
            session_id=shopper.id,
            kind=Kind(wanted.serves),
            starts_at=wanted.starts_at,
            change=wanted.change,
        )
        return plan

    return _done(request, wired, once, act, with_html=with_html)


@router.post(
    f"{API}/bookings/cancel", dependencies=PLANNING, response_model=PlanOut, responses={401: {}}
)
def cancel(
    request: Request,
    wanted: CancelBooking,
    wired: Wired,
    once: OnceOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Give a booking back."""

    def act(db: Session, shopper: ShopperSessionRow) -> PlanRow:
        plan = bookings.held(db, shopper.id)
        bookings.cancel(db, wired.clock, session_id=shopper.id, kind=Kind(wanted.serves))
        return plan

    return _done(request, wired, once, act, with_html=with_html)


def _done(
    request: Request,
    wired: Parts,
    once: Once,
    act: Callable[[Session, ShopperSessionRow], PlanRow],
    *,
    with_html: bool,
    needs_session: bool = True,
) -> Response:
    """Do it, tell whoever shows the plan, and answer with it."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        wired.tell(db, service.changed(db, act(db, shopper)))
        found = shown(wired, db, words(locale_of(request)), shopper.id)
        return _out(request, found, with_html=with_html)

    return once.run(effect, needs_session=needs_session)
