"""The marketer's page: topics with their readers, what was written, lists that come in.

She sees how many there are, and of an import the rows of her own file; nobody's address besides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Path, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.audit import service as audit
from cart.audit.model import DONE, Action, On
from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError, InvalidInput, NotFound
from cart.kernel.i18n import of_language
from cart.picking import staff
from cart.picking.model import Staff
from cart.profile.subscriptions import importing, queries, sending, service, suppression
from cart.profile.subscriptions.importing import Reported, Said
from cart.profile.subscriptions.model import (
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    TOPIC_ID_LENGTH_MAX,
    Reason,
)
from cart.profile.subscriptions.sending import Written
from mobile_api.edge import access
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.staff.looking import looking
from mobile_api.staff.schemas import Nothing
from mobile_api.staff.signed_in import CurrentDevice, Device
from mobile_api.staff.ways import home_of
from mobile_api.wiring import Parts, Wired

PATH: Final = "/staff/topics"
IMPORT_BYTES_MAX: Final = 1_000_000
IMPORT_ROWS_MAX: Final = 1_000  # one transaction of a few seconds; more takes the command line
REPORTED_MAX: Final = 200  # rows that are shown one by one
router = APIRouter(
    prefix=PATH,
    dependencies=[access.allow(access.Role.MARKETING)],
    include_in_schema=False,
)
TopicId = Annotated[str, Path(max_length=TOPIC_ID_LENGTH_MAX)]
SAID: Final = {
    Said.TAKEN: N_("taken"),
    Said.ALREADY: N_("was there already"),
    Said.MALFORMED: N_("refused: malformed"),
    Said.NO_TOPIC: N_("refused: no such topic"),
    Said.NO_PROOF: N_("refused: it does not say where consent came from"),
    Said.SUPPRESSED: N_("refused: nobody may write to this address"),
    Said.REFUSED: N_("refused: she has said no here"),
}
REASONS: Final = {
    Reason.HARD_BOUNCE: N_("no such mailbox"),
    Reason.SOFT_BOUNCES: N_("came back five times in a row"),
    Reason.COMPLAINT: N_("complained"),
    Reason.ASKED: N_("asked for it"),
    Reason.IMPORTED: N_("brought over"),
}
NOT_MADE: Final = N_("A short id of small letters and an English name are needed, and it is new.")
NOT_WRITTEN: Final = N_("An English subject and text are needed, and they are not too long.")
NOT_READ: Final = N_("A CSV file is needed, with the columns that are named, and not too large.")
Name = Annotated[str, Field(max_length=200)]
About = Annotated[str, Field(max_length=400)]
Subject = Annotated[str, Field(max_length=SUBJECT_LENGTH_MAX)]
Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]


class NewTopic(BaseModel):
    """The form of a topic."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=TOPIC_ID_LENGTH_MAX)]
    name_en: Name
    name_he: Name = ""
    name_pl: Name = ""
    about_en: About = ""
    about_he: About = ""
    about_pl: About = ""


class NewIssue(BaseModel):
    """The form of a letter to all who have a topic."""

    model_config = ConfigDict(extra="forbid")

    subject_en: Subject
    subject_he: Subject = ""
    subject_pl: Subject = ""
    text_en: Text
    text_he: Text = ""
    text_pl: Text = ""


@dataclass(frozen=True, slots=True)
class Came:
    """What a press came to: words, or why not; and the rows of a list that came in."""

    said: str = ""
    fault: str = ""
    rows: list[Reported] = field(default_factory=list)


@router.get("")
def topics_page(request: Request, wired: Wired, device: CurrentDevice) -> HTMLResponse:
    """Show topics, letters, and whom nobody may write to, by reason."""
    with device.reading(wired, by_hand=True) as (_, me):
        pass
    return _show(request, wired, me, Came())


@router.post("")
def make_topic(
    request: Request, wired: Wired, device: CurrentDevice, form: Annotated[NewTopic, Form()]
) -> Response:
    """Make a topic."""

    def effect(db: Session, _me: Staff) -> Came:
        names = {"en": form.name_en, "he": form.name_he, "pl": form.name_pl}
        abouts = {"en": form.about_en, "he": form.about_he, "pl": form.about_pl}
        service.make_topic(db, wired.clock, topic_id=form.id, names=names, abouts=abouts)
        return Came(said=words(locale_of(request)).gettext("The topic is there."))

    on = On("topic", form.id)
    return _do(request, wired, device, effect, action=Action.TOPIC_MAKE, on=on, fault=NOT_MADE)


@router.post("/import")
def import_list(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Take a list in, and show what became of each row."""
    raw = file.file.read(IMPORT_BYTES_MAX + 1) if file is not None else b""

    def effect(db: Session, _me: Staff) -> Came:
        rows = list(importing.rows(raw.decode("utf-8-sig", errors="replace")))
        known = bool(rows) and set(importing.COLUMNS) <= set(rows[0][1])
        if len(raw) > IMPORT_BYTES_MAX or len(rows) > IMPORT_ROWS_MAX or not known:
            msg = f"a CSV of {IMPORT_ROWS_MAX} rows at most, with {', '.join(importing.COLUMNS)}"
            raise InvalidInput(msg)
        said = [
            importing.take(db, wired.clock, wired.ids, wired.secret, line=line, given=row)
            for line, row in rows
        ]
        return Came(rows=said)

    on = On("list", "page")
    return _do(request, wired, device, effect, action=Action.LETTERS_IMPORT, on=on, fault=NOT_READ)


@router.post("/{topic_id}/close")
def close_topic(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    topic_id: TopicId,
    _: Annotated[Nothing, Form()],
) -> Response:
    """Close a topic: nobody can ask for it, and nothing is written about it any more."""

    def effect(db: Session, _me: Staff) -> Came:
        row = service.topic(db, topic_id)
        row.closed_at = wired.clock.now()
        db.add(row)
        db.flush()
        return Came(said=words(locale_of(request)).gettext("The topic is closed."))

    on = On("topic", topic_id)
    return _do(request, wired, device, effect, action=Action.TOPIC_CLOSE, on=on, fault=NOT_MADE)


@router.post("/{topic_id}/write")
def write(
    request: Request,
    wired: Wired,
    device: CurrentDevice,
    topic_id: TopicId,
    form: Annotated[NewIssue, Form()],
) -> Response:
    """Write to all who have a topic. It begins to go at once, and is not called back."""

    def effect(db: Session, me: Staff) -> Came:
        texts = {
            "en": Written(form.subject_en, form.text_en),
            "he": Written(form.subject_he, form.text_he),
            "pl": Written(form.subject_pl, form.text_pl),
        }
        sending.write_issue(
            db, wired.clock, wired.ids, topic_id=topic_id, texts=texts, staff_id=me.id
        )
        return Came(said=words(locale_of(request)).gettext("The letters are on their way."))

    on = On("topic", topic_id)
    answer = _do(
        request, wired, device, effect, action=Action.ISSUE_WRITE, on=on, fault=NOT_WRITTEN
    )
    wired.mail_bell()
    return answer


def _do(
    request: Request,
    wired: Parts,
    device: Device,
    effect: Callable[[Session, Staff], Came],
    *,
    action: Action,
    on: On,
    fault: str,
) -> Response:
    """Do it and note it, a refusal too; then show the page with what came of it."""
    refusal: CarryoverError | None = None
    came = Came()
    with unit_of_work(wired.engine) as db:
        me = device.signed_in(db, wired.clock)
        try:
            with db.begin_nested():
                device.check(db, me)
                came = effect(db, me)
        except CarryoverError as error:
            refusal = error
        outcome = refusal.code if refusal else DONE
        audit.note(db, wired.clock, staff.as_who(me, ""), action, on, outcome=outcome)
    if refusal is not None:
        if not isinstance(refusal, InvalidInput | NotFound):
            raise refusal
        came = Came(fault=words(locale_of(request)).gettext(fault))
    return _show(request, wired, me, came)


def _show(request: Request, wired: Parts, me: Staff, came: Came) -> HTMLResponse:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        counts = queries.counted(db)
        topics = [
            (one, of_language(one.name_i18n, one.name, spoken.locale), counts.get(one.id, {}))
            for one in queries.topics(db, closed=True)
        ]
        names = {one.id: name for one, name, _ in topics}
        context = {
            "me": me,
            "place": looking(wired, db, me, spoken).place,
            "page_id": "topics",
            "here_path": PATH,
            "home": home_of(db, me),
            "topics": topics,
            "names": names,
            "issues": queries.issues(db),
            "suppressed": [
                (spoken.gettext(REASONS[reason]), number)
                for reason, number in suppression.counted(db)
            ],
            "came": came,
            "sums": [
                (spoken.gettext(text), sum(row.said is said for row in came.rows))
                for said, text in SAID.items()
            ],
            "shown": [
                (one.line, one.address, spoken.gettext(SAID[one.said]))
                for one in came.rows
                if one.said not in {Said.TAKEN, Said.ALREADY}
            ][:REPORTED_MAX],
            "columns": ", ".join(importing.COLUMNS),
        }
    status = 409 if came.fault else 200
    return page(request, "staff_topics.html", context, status=status, headers=NO_STORE)
