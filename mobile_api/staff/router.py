"""The API of the queue and the walk: claim, give, pick, miss, offer, stage.

A command answers with the whole state, read after it in the same transaction,
and rings for whoever shows the order or the desk.
"""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from sqlmodel import Session

from cart.audit.model import Action, On
from cart.kernel.errors import InvalidInput, WrongItem
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from cart.picking import picking, queries, shorts, substitution, tasks, walks
from cart.picking.model import Changed, Staff
from gateway.fanout import DeskChanged, OrderChanged
from mobile_api.bells import bell_stream, desk_topic
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import render
from mobile_api.look.words import Words, words
from mobile_api.staff import cards, schemas
from mobile_api.staff import walk as walking
from mobile_api.staff.holding import line_here
from mobile_api.staff.looking import Looking, looking
from mobile_api.staff.signed_in import CurrentDevice, StaffOnly
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/api/v1/staff", dependencies=[allow(Role.FLOOR)], tags=["staff"], responses={401: {}}
)
WithHtml = Annotated[bool, Query(alias="html", description="Bring the page's parts along.")]
TaskId = Annotated[str, Path(max_length=schemas.ID_LENGTH_MAX)]
LineId = Annotated[str, Path(max_length=schemas.ID_LENGTH_MAX)]


def ring(wired: Parts, db: Session, changed: Iterable[Changed | picking.Picked]) -> None:
    """Tell whoever shows these orders or their desks, once this has been committed."""
    for one in changed:
        wired.tell(db, OrderChanged(one.order_id, one.version))
        wired.tell(db, DeskChanged(one.location_id))


def queue_out(look: Looking, *, with_html: bool) -> schemas.QueueOut:
    """Return the queue as it is now."""
    shown = cards.queue(look)
    answer = schemas.QueueOut.model_validate(shown)
    if with_html:
        context = {"shown": shown, "me": look.me}
        answer.html = render(look.spoken.locale, "_staff_queue.html", context)
    return answer


def walk_out(look: Looking, *, with_html: bool) -> schemas.WalkOut:
    """Return her walk as it is now."""
    shown = walking.walk(look)
    answer = schemas.WalkOut.model_validate(shown)
    if with_html:
        context = {"shown": shown, "me": look.me}
        answer.html = render(look.spoken.locale, "_staff_walk.html", context)
    return answer


@router.get("/queue")
def get_queue(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> schemas.QueueOut:
    """Return what is to be picked at this location, by promise."""
    with device.reading(wired) as (db, me):
        return queue_out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)


@router.get("/events", response_class=StreamingResponse)
def events(wired: Wired, device: CurrentDevice) -> StreamingResponse:
    """Stream `changed` whenever the queue, the desk or an order of this location has changed."""
    with device.reading(wired) as (_, me):
        topic = desk_topic(me.location_id)
    return bell_stream(wired.bells, [topic])


@router.post("/walk", response_model=schemas.WalkOut)
def claim(
    request: Request,
    wanted: schemas.ClaimTasks,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Take tasks into one's walk, all or none of them."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.WalkOut:
        if wanted.take_over and me.is_lead:
            changed = [
                walks.reassign(
                    db, wired.clock, wired.ids, staff=me, task_id=task_id, to_staff_id=me.id
                )
                for task_id in sorted(set(wanted.tasks))
            ]
        else:
            changed = walks.claim(db, wired.clock, wired.ids, staff=me, task_ids=wanted.tasks)
        ring(wired, db, changed)
        return walk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(
        effect,
        Action.TASK_TAKE_OVER if wanted.take_over else Action.TASK_CLAIM,
        *[On("task", one) for one in sorted(set(wanted.tasks))],
    )


@router.post("/tasks/{task_id}/release", response_model=schemas.QueueOut)
def release(
    request: Request,
    task_id: TaskId,
    _: schemas.Nothing,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Put a task back into the queue, with what was picked of it."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.QueueOut:
        ring(wired, db, [walks.release(db, wired.clock, staff=me, task_id=task_id)])
        return queue_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.TASK_RELEASE, On("task", task_id))


@router.post("/tasks/{task_id}/give", response_model=schemas.QueueOut)
def give(
    request: Request,
    task_id: TaskId,
    wanted: schemas.GiveTask,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Give a task to a colleague, whoever holds it; for leads."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.QueueOut:
        changed = walks.reassign(
            db, wired.clock, wired.ids, staff=me, task_id=task_id, to_staff_id=wanted.staff_id
        )
        ring(wired, db, [changed])
        return queue_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.TASK_GIVE, On("task", task_id), On("staff", wanted.staff_id))


@router.get("/walk")
def get_walk(
    request: Request, wired: Wired, device: CurrentDevice, *, with_html: WithHtml = False
) -> schemas.WalkOut:
    """Return one's own walk, in walking order."""
    with device.reading(wired) as (db, me):
        return walk_out(looking(wired, db, me, words(locale_of(request))), with_html=with_html)


@router.post("/walk/picks", response_model=schemas.WalkOut)
def pick(
    request: Request,
    wanted: schemas.Pick,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Count pieces whose code was scanned; further pieces of the line need no scan of their own."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.WalkOut:
        code = wanted.code
        if code is None:
            line = queries.line(db, wanted.line_id)
            if not line.picked:
                msg = "the first piece of a line is proved by its code"
                raise InvalidInput(msg)
            code = line.gtin
        try:
            picked = picking.pick(
                db,
                wired.clock,
                wired.shop,
                staff=me,
                line_id=wanted.line_id,
                code=code,
                quantity=wanted.quantity,
                operation_id=once.key,
            )
        except WrongItem as wrong:
            raise in_words(wired, db, spoken, wrong) from wrong
        ring(wired, db, [picked])
        return walk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.LINE_PICK, On("line", wanted.line_id))


def in_words(wired: Parts, db: Session, spoken: Words, wrong: WrongItem) -> WrongItem:
    """Return the refusal with what was scanned, by name and picture, in the reader's language."""
    gtin = str(wrong.data.get("scanned_gtin", ""))
    found = wired.lookup(db, [Gtin(gtin)], currency="") if gtin else {}
    facts = {
        "name": spoken.of(one.name_i18n, one.name) if (one := found.get(Gtin(gtin))) else "",
        "variant": walking.variant_of(spoken, one) if one else "",
        "picture": (one.picture if one else None) or "",
    }
    return WrongItem(wrong.message, **wrong.data, **facts)


@router.post("/walk/picks/undo", response_model=schemas.WalkOut)
def undo_pick(
    request: Request,
    wanted: schemas.UndoPick,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Put pieces back on the shelf."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.WalkOut:
        undone = picking.undo_pick(
            db,
            wired.clock,
            wired.shop,
            staff=me,
            line_id=wanted.line_id,
            operation_id=once.key,
            quantity=wanted.quantity,
        )
        ring(wired, db, [undone])
        return walk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.LINE_UNPICK, On("line", wanted.line_id))


@router.get("/walk/lines/{line_id}/candidates")
def candidates(
    request: Request, line_id: LineId, wired: Wired, device: CurrentDevice
) -> schemas.CandidatesOut:
    """Return what the shopper could be offered instead."""
    spoken = words(locale_of(request))
    with device.reading(wired) as (db, me):
        line_here(db, me, line_id)
        found = substitution.candidates(db, wired.shop, line_id)
    return schemas.CandidatesOut(
        candidates=[_candidate(one, spoken) for one in found],
        nothing=spoken.gettext("Nothing: it is refunded"),
    )


def _candidate(one: substitution.Candidate, spoken: Words) -> schemas.CandidateOut:
    sellable = one.sellable
    return schemas.CandidateOut(
        gtin=sellable.gtin,
        name=spoken.of(sellable.name_i18n, sellable.name),
        variant=walking.variant_of(spoken, sellable),
        picture=sellable.picture,
        left=one.left,
        left_words=spoken.ngettext("%(num)s left", "%(num)s left", one.left),
        price_minor=one.price_minor,
        price=spoken.money(Money(one.price_minor, sellable.currency)),
    )


@router.post("/walk/shorts", response_model=schemas.WalkOut)
def short(
    request: Request,
    wanted: schemas.ShortPick,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Note that pieces are missing; they are refunded, or something else is offered for them."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.WalkOut:
        changed = shorts.short(
            db,
            wired.clock,
            wired.ids,
            wired.shop,
            staff=me,
            line_id=wanted.line_id,
            quantity=wanted.quantity,
            reason=wanted.reason,
            offer=Gtin.parse(wanted.offer) if wanted.offer else None,
        )
        ring(wired, db, [changed])
        return walk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.LINE_SHORT, On("line", wanted.line_id))


@router.post("/walk/stages", response_model=schemas.WalkOut)
def stage(
    request: Request,
    wanted: schemas.StageTask,
    wired: Wired,
    once: StaffOnly,
    *,
    with_html: WithHtml = False,
) -> Response:
    """Put an order on its shelf at the desk: the shopper is told that it is ready."""
    spoken = words(locale_of(request))

    def effect(db: Session, me: Staff) -> schemas.WalkOut:
        changed = tasks.stage(db, wired.clock, staff=me, task_id=wanted.task_id, shelf=wanted.shelf)
        ring(wired, db, [changed])
        return walk_out(looking(wired, db, me, spoken), with_html=with_html)

    return once.run(effect, Action.TASK_STAGE, On("task", wanted.task_id))
