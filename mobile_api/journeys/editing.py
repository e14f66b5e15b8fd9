"""The page on which a marketer writes a journey: by form or as text, checked, saved as a version.

Without scripts: each button posts all that was typed, and the page comes back with it. What is
saved is a new version, always; looking and checking change nothing.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import reading, unit_of_work
from cart.journeys import history, loading, numbers
from cart.journeys.faults import Fault
from cart.journeys.membership import missing
from cart.journeys.model import (
    HOURS_MAX,
    NAME_LENGTH_MAX,
    SOURCE_LENGTH_MAX,
    STEPS_MAX,
    Channel,
    Condition,
    Definition,
    Fact,
    Template,
    TriggerKind,
    looked,
)
from cart.journeys.segments import queries
from cart.journeys.writing import numbered
from cart.kernel.errors import CarryoverError
from cart.kernel.errors.segments import JourneyNameTaken, JourneySaved
from cart.picking.model import Staff
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.journeys import faults, form, telling
from mobile_api.journeys.pages import about, coarse_text, reasons_text, who_of
from mobile_api.journeys.world import world_of
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/staff/journeys", dependencies=[allow(Role.MARKETING)], include_in_schema=False
)
Name = Annotated[str, Path(max_length=NAME_LENGTH_MAX)]
Number = Annotated[int, Query(ge=0, le=1_000_000)]
TRIED_DAYS: Final = 30
VERSIONS_SHOWN_MAX: Final = 20  # the newest; older ones are kept, and are on the command line


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows. ``name``: of the journey, empty for a new one.

    ``lead``: the step to which the reader is led, None where she is not. ``saved``: the version
    that was saved just now. ``meanwhile``: the version that somebody else saved.
    """

    name: str
    after: int
    way: str
    draft: form.Draft
    source: str = ""
    faults: tuple[Fault, ...] = ()
    checked: Definition | None = None
    lead: int | None = None
    verb: str = ""
    saved: int = 0
    meanwhile: int = 0
    taken: bool = False
    text_only: bool = False


@router.get("/new")
def new_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show the empty form."""
    with device.reading(wired, by_hand=True) as (_, me):
        pass
    return _page(request, wired, me, Shown("", 0, "form", form.empty()))


@router.get("/{name}/edit")
def edit_page(
    request: Request,
    name: Name,
    wired: Wired,
    device: CurrentDevice,
    *,
    version: Number = 0,
    saved: Number = 0,
) -> HTMLResponse:
    """Show the newest version in the form, or ``version``; ``saved``: it was saved just now."""
    with device.reading(wired, by_hand=True) as (db, me):
        newest = loading.find(db, name).version
        source = loading.source_of(db, name, version or newest)
        one = loading.version_of(db, name, version or newest)
    draft = form.of_definition(one)
    shown = Shown(
        name,
        newest,
        "form" if draft else "toml",
        draft or form.Draft(),
        numbered(source, newest + 1),
        saved=saved if saved == newest else 0,
        text_only=draft is None,
    )
    return _page(request, wired, me, shown)


@router.post("/new")
def write_new(
    request: Request, wired: Wired, device: CurrentDevice, sent: Annotated[form.Sent, Form()]
) -> Response:
    """Do what the button says with a new journey."""
    return _answer(request, wired, device, "", sent)


@router.post("/{name}/edit")
def write(
    request: Request,
    name: Name,
    wired: Wired,
    device: CurrentDevice,
    sent: Annotated[form.Sent, Form()],
) -> Response:
    """Do what the button says with the next version of a journey."""
    return _answer(request, wired, device, name, sent)


def _answer(request: Request, wired: Parts, device: Device, name: str, sent: form.Sent) -> Response:
    try:
        with device.reading(wired, by_hand=True) as (db, me):
            if name:
                loading.find(db, name)
    except CarryoverError as error:
        if sent.do == "save":
            with unit_of_work(wired.engine) as db:
                me = device.signed_in(db, wired.clock)
                _note(db, wired, me, Action.JOURNEY_LOAD, name or sent.name, outcome=error.code)
        raise
    after = sent.after if name else 0
    sent = sent.model_copy(update={"after": after, "name": name or sent.name})
    shown = Shown(name, after, sent.way, form.typed(sent), form.source_of(sent))
    if sent.do in {"check", "save"}:
        shown = _asked(wired, _read(shown))
        if sent.do == "save":
            return _save(request, wired, device, shown)
        if shown.checked is not None:
            with unit_of_work(wired.engine) as db:
                _note(db, wired, me, Action.JOURNEY_TRY, shown.checked.name)
    elif sent.do == "toml":
        shown = replace(shown, way="toml")
    elif sent.do == "form":
        shown = _as_form(_read(shown))
    elif sent.way == "form":
        draft, lead = form.acted(shown.draft, sent.do)
        shown = replace(shown, draft=draft, lead=lead, verb=sent.do.partition("-")[0])
    return _page(request, wired, me, shown)


def _read(shown: Shown) -> Shown:
    """Read what was typed; a journey keeps its name, and gets the next number."""
    found, wrong = looked(shown.source)
    if found is not None and shown.name and found.name != shown.name:
        wrong = (Fault("another_name", "another name", None, "name", {"name": shown.name}),)
    elif found is not None and found.version != shown.after + 1:
        wrong = (Fault("another_version", "", None, "version", {"version": shown.after + 1}),)
    return replace(shown, checked=None if wrong else found, faults=wrong)


def _asked(wired: Parts, shown: Shown) -> Shown:
    """Look whether the segments are there that a journey asks for."""
    one = shown.checked
    if one is None:
        return shown
    with reading(wired.engine) as db:
        gone = missing(db, one)
    wrong = tuple(
        Fault("no_segment", "", place, "segment", {"name": step.segment or ""})
        for place, step in enumerate(one.steps)
        if isinstance(step, Condition) and step.segment in gone
    )
    return replace(shown, checked=None, faults=wrong) if wrong else shown


def _as_form(shown: Shown) -> Shown:
    if shown.checked is None:
        return shown
    draft = form.of_definition(shown.checked)
    if draft is None:
        return replace(shown, checked=None, text_only=True)
    return replace(shown, checked=None, way="form", draft=draft)


def _save(request: Request, wired: Parts, device: Device, shown: Shown) -> Response:
    refusal: CarryoverError | None = None
    one = shown.checked
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        outcome = "invalid_input"
        if one is not None:
            try:
                with db.begin_nested():
                    device.check(db, me)
                    loading.save(db, wired.clock, shown.source, after=shown.after)
                outcome = DONE
            except CarryoverError as error:
                refusal, outcome = error, error.code
        _note(db, wired, me, Action.JOURNEY_LOAD, one.name if one else shown.name, outcome=outcome)
    if isinstance(refusal, JourneySaved):
        # What she typed stays, and would be the version after the one that she has not seen.
        with reading(wired.engine) as db:
            newest = loading.find(db, shown.name).version
        source = numbered(shown.source, newest + 1)
        shown = replace(shown, after=newest, meanwhile=newest, source=source)
        return _page(request, wired, me, shown)
    if isinstance(refusal, JourneyNameTaken):
        return _page(request, wired, me, replace(shown, taken=True, checked=None))
    if refusal is not None:
        raise refusal
    if one is None:
        return _page(request, wired, me, shown)
    way = f"/staff/journeys/{one.name}/edit?saved={one.version}"
    return RedirectResponse(way, 303, NO_STORE)


def _note(
    db: Session, wired: Parts, me: Staff, action: Action, name: str, *, outcome: str = DONE
) -> None:
    audit.note(db, wired.clock, who_of(me), action, On("journey", name), outcome=outcome)


def _page(request: Request, wired: Parts, me: Staff, shown: Shown) -> HTMLResponse:
    spoken = words(locale_of(request))
    wrong = faults.told(shown.faults, spoken)
    if shown.taken:
        title = spoken.gettext(TITLES[JourneyNameTaken.code])
        called = faults.FIELDS["name"]
        place = spoken.gettext(called)
        wrong = [faults.Told(None, "name", title, place, "name")]
    with reading(wired.engine) as db:
        context = {
            **about(db, me, spoken),
            "here_path": f"/staff/journeys/{shown.name}/edit"
            if shown.name
            else "/staff/journeys/new",
            "shown": shown,
            "wrong": wrong,
            "versions": _versions(db, shown.name, spoken) if shown.name else [],
            "triggers": [(one.value, _word(telling.TRIGGERS, one, spoken)) for one in TriggerKind],
            "channels": [(one.value, _word(telling.CHANNELS, one, spoken)) for one in Channel],
            "templates": [(one.value, _word(telling.TEMPLATES, one, spoken)) for one in Template],
            "facts": [(one.value, _word(telling.FACTS, one, spoken)) for one in Fact],
            "segments": [one.name for one in queries.every(db) if one.state == "active"],
            "kinds": [(one, spoken.gettext(telling.KINDS[one])) for one in form.KINDS],
            "limits": {
                "steps": STEPS_MAX,
                "hours": HOURS_MAX,
                "name": NAME_LENGTH_MAX,
                "title": form.TITLE_LENGTH_MAX,
                "number": form.NUMBER_LENGTH_MAX,
                "source": SOURCE_LENGTH_MAX,
            },
            **_result(db, wired, shown, spoken),
        }
    status = 409 if shown.meanwhile or shown.taken else 400 if wrong else 200
    return page(request, "staff_journey_edit.html", context, status=status, headers=NO_STORE)


def _word(found: Any, one: Any, spoken: Words) -> str:  # noqa: ANN401 - of either of two enums
    return spoken.gettext(found[one]) if one in found else one.value


def _result(db: Session, wired: Parts, shown: Shown, spoken: Words) -> dict[str, Any]:
    """Return what a check found: the path, what differs from the newest version, a dry run."""
    one = shown.checked
    if one is None:
        return {"path": [], "trigger": "", "changed": [], "tried": None}
    said = history.dry_run(db, world_of(wired), one, TRIED_DAYS)
    changed = []
    if shown.after:
        changed = telling.changes(loading.version_of(db, one.name, shown.after), one, spoken)
    return {
        "path": telling.path(one, spoken),
        "trigger": telling.trigger_text(one.trigger, spoken),
        "changed": changed,
        "tried": {
            "days": TRIED_DAYS,
            "triggered": coarse_text(said.triggered, spoken),
            "entered": coarse_text(said.entered, spoken),
            "would": reasons_text(said.would, spoken),
            "ended": reasons_text(said.ended, spoken),
            "cut": said.cut,
            "unknown": said.unknown,
            "smallest": history.SMALLEST_GROUP,
        },
    }


def _versions(db: Session, name: str, spoken: Words) -> list[dict[str, Any]]:
    """Return the newest versions with what each changed."""
    rows = numbers.versions(db, name)[: VERSIONS_SHOWN_MAX + 1]
    found = []
    for place, row in enumerate(rows[:VERSIONS_SHOWN_MAX]):
        after = loading.version_of(db, name, row.version)
        changed: list[telling.Change] = []
        if place + 1 < len(rows):
            before = loading.version_of(db, name, rows[place + 1].version)
            changed = [one for one in telling.changes(before, after, spoken) if one.sign]
        at = spoken.moment(row.loaded_at)
        found.append({"number": row.version, "at": at, "changed": changed})
    return found
