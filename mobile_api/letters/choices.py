"""Her letters by purpose and topic: signed in (``me``), or by the link in a mail.

The link names nobody and shows no address: a mail that was passed on lets its reader switch
topics, as one-click unsubscribing does, and see which there are; no more. To allow a purpose
anew she signs in, or takes back what was left within the last hour.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import ConsentChanged, UnknownWithdrawal
from cart.kernel.i18n import of_language
from cart.profile.consent import queries as ledger
from cart.profile.consent import service as consents
from cart.profile.consent.model import (
    Decision,
    How,
    Purpose,
    Shown,
    Source,
    Subject,
    holds,
)
from cart.profile.subscriptions import queries, service
from cart.profile.subscriptions.model import TOPIC_ID_LENGTH_MAX, UNDO_FOR, State
from cart.profile.subscriptions.model import Source as CameBy
from cart.profile.subscriptions.service import PURPOSE
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, subject_of_link
from mobile_api.edge.problems import TITLES
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.letters.pages import PRIVATE
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.privacy.schemas import NUMBER_MAX
from mobile_api.privacy.wordings import WORDINGS, scope_of, shown_by_hash, shown_in
from mobile_api.push.sealing import public_key
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix="/letters/by", dependencies=[allow(Role.ANYONE)], include_in_schema=False)
ME: Final = "me"
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]
PURPOSES: Final = (Purpose.MARKETING_EMAIL, Purpose.REMINDERS)


class PurposeForm(BaseModel):
    """A press on the switch of a purpose. ``wording``, ``seen``: as the page showed it."""

    model_config = ConfigDict(extra="forbid")

    purpose: Literal["marketing_email", "reminders"]
    on: bool
    wording: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    seen: Annotated[int, Field(ge=0, le=NUMBER_MAX)]


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose letters these are. ``signed_in``: she herself, on this phone."""

    customer_id: str
    signed_in: bool

    @property
    def subject(self) -> Subject:
        """As the ledger knows her."""
        return Subject(customer_id=self.customer_id)

    @property
    def source(self) -> Source:
        """Where what she decides here is decided."""
        return Source.PAGE if self.signed_in else Source.MAIL_LINK


@dataclass(frozen=True, slots=True)
class PurposeShown:
    """A purpose with its switch. ``may_allow``: she could switch it on here."""

    id: str
    title: str
    parts: tuple[str, ...]
    on: bool
    may_allow: bool
    wording: str
    seen: int


@dataclass(frozen=True, slots=True)
class TopicShown:
    """A topic with its switch."""

    id: str
    name: str
    about: str
    on: bool


@router.get("/{link}")
def choices_page(
    request: Request,
    link: Link,
    wired: Wired,
    visitor: CurrentVisitor,
    *,
    saved: str = "",
    fault: str = "",
) -> Response:
    """Show every purpose and topic as it is; change nothing."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        whose = _whose(db, wired, visitor, link)
        standing = ledger.all_standing(db, whose.subject, PURPOSES)
        numbers = ledger.own_numbers(db, whose.subject)
        mine = {one.topic_id for one in queries.mine(db, whose.customer_id) if _has(one.state)}
        news = holds(standing[PURPOSE])
        topics = [
            TopicShown(
                one.id,
                of_language(one.name_i18n, one.name, spoken.locale),
                of_language(one.about_i18n, one.about, spoken.locale),
                one.id in mine and news,
            )
            for one in queries.topics(db)
        ]
        undo = bool(_left_lately(db, wired.clock, whose)) or _topics_left(db, wired.clock, whose)
    purposes = []
    for one in PURPOSES:
        wording, on = WORDINGS[one], holds(standing[one])
        told = (wording.meaning, wording.who, wording.end, scope_of(one, whose.subject))
        purposes.append(
            PurposeShown(
                one.value,
                spoken.gettext(wording.title),
                tuple(spoken.gettext(part) for part in told),
                on,
                whose.signed_in,
                shown_in(spoken, one, whose.subject).hash_for(one),
                numbers.get(one, 0),
            )
        )
    context = {
        "link": link,
        "signed_in": whose.signed_in,
        "purposes": purposes,
        "topics": topics,
        "news": news,
        "push_key": public_key(wired.secret) if whose.signed_in else "",
        "any_on": any(one.on for one in purposes),
        "undo": undo,
        "saved": saved,
        "fault": spoken.gettext(TITLES[fault]) if fault in TITLES else "",
        "page_id": "letters",
    }
    return page(request, "letters_choices.html", context, headers=PRIVATE)


@router.post("/{link}/topic")
def set_topic(
    request: Request,
    link: Link,
    wired: Wired,
    visitor: CurrentVisitor,
    topic: Annotated[str, Form(max_length=TOPIC_ID_LENGTH_MAX)],
    *,
    on: Annotated[bool, Form()],
) -> Response:
    """Have a topic, or leave it. With the last one left the purpose stays as it is."""
    with unit_of_work(wired.engine) as db:
        whose = _whose(db, wired, visitor, link)
        if on and not holds(ledger.all_standing(db, whose.subject, [PURPOSE])[PURPOSE]):
            return _back(link, fault="consent_missing")
        if on and whose.signed_in:
            service.welcome(db, wired.secret, whose.customer_id)
        service.choose(
            db,
            wired.clock,
            wired.ids,
            customer_id=whose.customer_id,
            topic_id=topic,
            wanted=on,
            source=CameBy.ACCOUNT if whose.signed_in else CameBy.MAIL,
            locale=locale_of(request),
        )
    return _back(link, saved="topic")


@router.post("/{link}/purpose")
def set_purpose(
    link: Link,
    wired: Wired,
    visitor: CurrentVisitor,
    form: Annotated[PurposeForm, Form()],
) -> Response:
    """Switch a purpose. Off by whoever has the link; on by herself only, who is signed in."""
    purpose = Purpose(form.purpose)
    try:
        with unit_of_work(wired.engine) as db:
            whose = _whose(db, wired, visitor, link)
            if not form.on:
                _refuse(db, wired, whose, purpose)
            elif not whose.signed_in:
                return _back(link, fault="sign_in_needed")
            else:
                shown = shown_by_hash(purpose, whose.subject, form.wording)
                _allow(db, wired, whose, purpose, shown, seen=form.seen)
                service.welcome(db, wired.secret, whose.customer_id)
    except ConsentChanged as refused:
        return _back(link, fault=refused.code)
    return _back(link, saved=purpose.value)


@router.post("/{link}/leave")
def leave(link: Link, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Leave everything: every topic and both purposes; once more changes nothing."""
    with unit_of_work(wired.engine) as db:
        whose = _whose(db, wired, visitor, link)
        for purpose in PURPOSES:
            _refuse(db, wired, whose, purpose)
    return _back(link, saved="left")


@router.post("/{link}/undo")
def undo(request: Request, link: Link, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Take back what was left within the last hour: purposes by a fresh grant, then topics."""
    spoken = words(locale_of(request))
    with unit_of_work(wired.engine) as db:
        whose = _whose(db, wired, visitor, link)
        for one in _left_lately(db, wired.clock, whose):
            shown = shown_in(spoken, one.purpose, whose.subject)
            _allow(db, wired, whose, one.purpose, shown, seen=one.number)
        service.take_back(db, wired.clock, whose.customer_id)
    return _back(link, saved="undone")


def _whose(db: Session, wired: Parts, visitor: Visitor, link: str) -> Whose:
    """Return whose letters these are.

    Raises:
        SignInNeeded: ``me``, and nobody is signed in.
        UnknownWithdrawal: the link is not ours, or leads to nobody any more.
    """
    if link == ME:
        return Whose(str(visitor.customer(db, wired.clock).customer_id), signed_in=True)
    customer_id = ledger.customer_of_subject(db, subject_of_link(wired.secret, link))
    if customer_id is None:
        msg = "this link leads to nobody any more"
        raise UnknownWithdrawal(msg)
    return Whose(customer_id, signed_in=False)


def _has(state: str) -> bool:
    return state == State.CONFIRMED


def _refuse(db: Session, wired: Parts, whose: Whose, purpose: Purpose) -> None:
    if purpose is PURPOSE:
        service.leave_all(db, wired.clock, whose.customer_id)
    how = How(whose.source)
    consents.withdraw(db, wired.clock, wired.ids, whose.subject, purpose, how=how)


def _allow(
    db: Session, wired: Parts, whose: Whose, purpose: Purpose, shown: Shown | None, *, seen: int
) -> None:
    if shown is None:
        msg = "the wording is another by now"
        raise ConsentChanged(msg)
    how = How(whose.source, shown)
    consents.grant(db, wired.clock, wired.ids, whose.subject, purpose, how=how, seen=seen)


def _left_lately(db: Session, clock: Clock, whose: Whose) -> list[Decision]:
    """Return what she refused within the last hour that she had granted before."""
    subject_id = ledger.subject_id_of(db, whose.subject)
    if subject_id is None:
        return []
    found = [ledger.own_newest(db, subject_id, one) for one in PURPOSES]
    since = clock.now() - UNDO_FOR
    return [one for one in found if one and not one.granted and one.number > 1 and one.at >= since]


def _topics_left(db: Session, clock: Clock, whose: Whose) -> bool:
    since = clock.now() - UNDO_FOR
    return any(
        one.state == State.LEFT and one.left_at is not None and one.left_at >= since
        for one in queries.mine(db, whose.customer_id)
    )


def _back(link: str, *, saved: str = "", fault: str = "") -> Response:
    said = f"fault={fault}" if fault else f"saved={saved}"
    return RedirectResponse(f"/letters/by/{link}?{said}", 303, NO_STORE)
