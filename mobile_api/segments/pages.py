"""The marketer's pages: segments with how many are in them, a rule by form or JSON, its count.

Nobody's name stands on them. A number under the smallest group is told as such; whoever asks why
somebody is in a segment names her by her number, and is noted.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.datastructures import QueryParams

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import reading, unit_of_work
from cart.journeys.membership import users_of
from cart.journeys.segments import explaining, filling, queries, service
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import BYTES_MAX, LEAVES_MAX, Group, Leaf, read, written
from cart.kernel.errors import CarryoverError, InvalidInput
from cart.kernel.errors.segments import SegmentInUse
from cart.picking import staff
from cart.picking.model import Staff
from inventory_api.kinds import Kinds
from mobile_api.edge import access
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.segments import form, telling
from mobile_api.staff.looking import looking
from mobile_api.staff.schemas import ID_LENGTH_MAX
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.staff.ways import home_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/staff/segments",
    dependencies=[access.allow(access.Role.MARKETING)],
    include_in_schema=False,
)
SegmentId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
# Fewer people than this are not told by their number: who knows a few would know whom it means.
GROUP_MIN: Final = 10
NAME_LENGTH_MAX: Final = 200
_CATALOGUE: Final = Kinds()


class RuleSent(BaseModel):
    """A rule as JSON, or as rows; ``name``: of a new segment."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=NAME_LENGTH_MAX)] = ""
    joint: Annotated[str, Field(max_length=8)] = "all"
    rule: Annotated[str, Field(max_length=BYTES_MAX)] = ""
    what: list[Annotated[str, Field(max_length=40)]] = []
    by: list[Annotated[str, Field(max_length=20)]] = []
    value: list[Annotated[str, Field(max_length=NAME_LENGTH_MAX)]] = []
    times: list[Annotated[str, Field(max_length=10)]] = []
    days: list[Annotated[str, Field(max_length=10)]] = []
    km: list[Annotated[str, Field(max_length=10)]] = []

    def read(self) -> Leaf | Group:
        """Return the rule.

        Raises:
            InvalidInput: it is none; the message says where.
        """
        if self.rule.strip():
            return read(self.rule)
        columns = ("what", "by", "value", "times", "days", "km")
        pairs = [(one, value) for one in columns for value in getattr(self, one)]
        return read(json.dumps(form.as_rule(form.rows(QueryParams(pairs)), self.joint)))


class End(BaseModel):
    """That a segment ends; ``anyway``: she was told which journeys ask for it."""

    model_config = ConfigDict(extra="forbid")

    anyway: Annotated[bool, Field()] = False


class Nothing(BaseModel):
    """A form without a field."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Composed:
    """What stands in the form, and what came of it."""

    name: str = ""
    joint: str = "all"
    rows: Sequence[form.Row] = ()
    rule: str = ""
    lines: tuple[telling.Said, ...] = ()
    count: str = ""
    fault: str = ""


def group(number: int, spoken: Words) -> str:
    """Return how many people, or that they are too few to say."""
    if number < GROUP_MIN:
        return spoken.gettext("fewer than %(count)s") % {"count": spoken.number(GROUP_MIN)}
    return spoken.ngettext("%(num)s person", "%(num)s people", number)


@router.get("")
def segments_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show the segments and the form; with a rule in the query also by how many it is met."""
    with device.reading(wired, by_hand=True) as (_, me):
        pass
    sent, spoken = request.query_params, words(locale_of(request))
    composed = Composed(
        name=sent.get("name", "")[:NAME_LENGTH_MAX],
        joint=sent.get("joint", "all"),
        rows=form.rows(sent),
        rule=sent.get("rule", "")[:BYTES_MAX],
    )
    if sent.get("do") == "more":
        composed = replace(composed, rows=[*composed.rows, form.Row()][:LEAVES_MAX])
    if sent.get("do") == "count":
        composed = _counted(wired, composed, spoken)
    return _list(request, wired, me, composed)


def _counted(wired: Parts, composed: Composed, spoken: Words) -> Composed:
    try:
        if composed.rule.strip():
            rule = read(composed.rule)
        else:
            rule = read(json.dumps(form.as_rule(composed.rows, composed.joint)))
        with unit_of_work(wired.engine) as db:
            number = filling.count(db, wired.clock, _CATALOGUE, rule)
    except InvalidInput as fault:
        return replace(composed, fault=fault.message)
    lines = tuple(telling.rule_lines(rule, spoken))
    return replace(composed, lines=lines, count=group(number, spoken))


def _list(request: Request, wired: Parts, me: Staff, composed: Composed) -> HTMLResponse:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        sizes = queries.sizes(db)
        shown = [_shown(one, sizes, spoken) for one in queries.every(db)]
        context = _around(wired, db, me, spoken) | {
            "segments": shown,
            "composed": composed,
            "conditions": form.CONDITIONS,
            "by": form.BY,
        }
    status = 400 if composed.fault else 200
    return page(request, "staff_segments.html", context, status=status, headers=NO_STORE)


def _around(wired: Parts, db: Session, me: Staff, spoken: Words) -> dict[str, Any]:
    return {
        "me": me,
        "place": looking(wired, db, me, spoken).place,
        "page_id": "segments",
        "here_path": "/staff/segments",
        "home": home_of(db, me),
    }


def _shown(one: Segment, sizes: dict[str, int], spoken: Words) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "version": one.version,
        "unfilled": one.unfilled,
        "size": group(sizes.get(one.id, 0), spoken),
    }


@router.get("/{segment_id}")
def segment_page(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    segment_id: SegmentId,
    home: Annotated[str, Query(max_length=ID_LENGTH_MAX)] = "",
) -> HTMLResponse:
    """Show a segment: its rule, how many are in, the rules it had; why somebody is in it."""
    with device.reading(wired, by_hand=True) as (db, me):
        service.need(db, segment_id)
    if home:
        with unit_of_work(wired.engine) as db:
            audit.note(
                db, wired.clock, staff.as_who(me), Action.SEGMENT_ASK, On("segment", segment_id)
            )
    return _one(request, wired, me, segment_id, home=home)


def _one(
    request: Request,
    wired: Parts,
    me: Staff,
    segment_id: str,
    *,
    home: str = "",
    fault: str = "",
    in_use: bool = False,
) -> HTMLResponse:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        segment = service.need(db, segment_id)
        why = None
        if home:
            why = explaining.explain(db, wired.clock, _CATALOGUE, segment, home)
        context = _around(wired, db, me, spoken) | {
            "segment": _shown(segment, queries.sizes(db), spoken),
            "lines": list(telling.rule_lines(segment.rule, spoken)),
            "rule": written(segment.rule),
            "versions": [
                (one.number, spoken.moment(one.created_at), one.rule)
                for one in queries.versions(db, segment_id)
            ],
            "asked": home,
            "why": why,
            "why_lines": list(telling.verdict_lines(why.verdict, spoken)) if why else [],
            "fault": fault,
            "in_use": in_use,
            "journeys": users_of(db, segment),
            "here_path": f"/staff/segments/{segment_id}",
        }
    status = 409 if in_use else 400 if fault else 200
    return page(request, "staff_segment.html", context, status=status, headers=NO_STORE)


@router.post("")
def make(
    request: Request, wired: Wired, device: CurrentDevice, sent: Annotated[RuleSent, Form()]
) -> Response:
    """Make a draft of the rule that was composed."""

    def effect(db: Session, me: Staff) -> str:
        made = service.make(db, wired.clock, wired.ids, name=sent.name, rule=sent.read(), by=me.id)
        return made.id

    me, segment_id, refusal = _do(wired, device, Action.SEGMENT_MAKE, "", effect)
    if refusal is None:
        return RedirectResponse(f"/staff/segments/{segment_id}", 303, NO_STORE)
    pairs = [
        (one, value)
        for one in ("what", "by", "value", "times", "days", "km")
        for value in getattr(sent, one)
    ]
    composed = Composed(
        sent.name, sent.joint, form.rows(QueryParams(pairs)), sent.rule, fault=refusal.message
    )
    return _list(request, wired, me, composed)


@router.post("/{segment_id}/rule")
def change(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    segment_id: SegmentId,
    sent: Annotated[RuleSent, Form()],
) -> Response:
    """Give a segment another rule, as its next version."""

    def effect(db: Session, me: Staff) -> str:
        return service.change(db, wired.clock, segment_id, rule=sent.read(), by=me.id).id

    return _done(
        request, wired, device, Action.SEGMENT_CHANGE, segment_id=segment_id, effect=effect
    )


@router.post("/{segment_id}/begin")
def begin(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    segment_id: SegmentId,
    _: Annotated[Nothing, Form()],
) -> Response:
    """Begin a draft."""

    def effect(db: Session, _: Staff) -> str:
        return service.begin(db, segment_id).id

    return _done(request, wired, device, Action.SEGMENT_BEGIN, segment_id=segment_id, effect=effect)


@router.post("/{segment_id}/end")
def end(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    segment_id: SegmentId,
    sent: Annotated[End, Form()],
) -> Response:
    """End a segment for good; if journeys that are on ask for it, she is told first."""

    def effect(db: Session, _: Staff) -> str:
        used_by = () if sent.anyway else users_of(db, service.need(db, segment_id))
        return service.end(db, segment_id, used_by).id

    return _done(request, wired, device, Action.SEGMENT_END, segment_id=segment_id, effect=effect)


def _done(
    request: Request,
    wired: Parts,
    device: Device,
    action: Action,
    *,
    segment_id: str,
    effect: Callable[[Session, Staff], str],
) -> Response:
    me, _, refusal = _do(wired, device, action, segment_id, effect)
    if refusal is None:
        return RedirectResponse(f"/staff/segments/{segment_id}", 303, NO_STORE)
    if isinstance(refusal, SegmentInUse):
        return _one(request, wired, me, segment_id, in_use=True)
    return _one(request, wired, me, segment_id, fault=refusal.message)


def _do(
    wired: Parts,
    device: Device,
    action: Action,
    segment_id: str,
    effect: Callable[[Session, Staff], str],
) -> tuple[Staff, str, InvalidInput | SegmentInUse | None]:
    """Do it and note it, a refusal too.

    Raises:
        CarryoverError: refused for something that the form cannot mend.
    """
    refusal: CarryoverError | None = None
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        try:
            with db.begin_nested():
                device.check(db, me)
                segment_id = effect(db, me)
        except CarryoverError as error:
            refusal = error
        outcome = refusal.code if refusal else DONE
        on = On("segment", segment_id)
        audit.note(db, wired.clock, staff.as_who(me), action, on, outcome=outcome)
    if refusal is not None and not isinstance(refusal, InvalidInput | SegmentInUse):
        raise refusal
    return me, segment_id, refusal
