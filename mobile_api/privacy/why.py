"""A shopper's own "why": which messages came and which did not, and whom we told of her.

Signed in she sees all of it. The link in a mail opens the why of that mail and of nothing else:
a mail may be passed on. Plain words, nothing of anybody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlmodel import Session

from cart.db import reading
from cart.journeys import people, whys
from cart.journeys.guards import Reason
from cart.journeys.model import TriggerKind
from cart.journeys.segments.queries import Segment
from cart.journeys.tables import JourneyMessageRow
from cart.journeys.whys import Why
from cart.kernel.errors import UnknownWithdrawal
from cart.profile.consent import queries
from cart.profile.consent.model import Purpose
from inventory_api.catalogue.traits import traits
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.links import LINK_LENGTH_MAX, message_of_why, withdrawal_link
from mobile_api.edge.problems import N_
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.privacy.deciding import purposes, subject_of
from mobile_api.privacy.wordings import WORDINGS
from mobile_api.segments import telling
from mobile_api.timeline.shown import name_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(include_in_schema=False)
Link = Annotated[str, Path(max_length=LINK_LENGTH_MAX)]
UNLISTED: Final = {**NO_STORE, "X-Robots-Tag": "noindex"}
STOPS: Final = (Purpose.REMINDERS, Purpose.AD_AUDIENCES, Purpose.ANALYTICS)
BEGAN: Final[Mapping[TriggerKind, tuple[str, str, str]]] = {
    TriggerKind.CART_IDLE: (
        N_("A reminder of your cart"),
        N_("You put %(name)s in your cart on %(day)s and had not bought it."),
        N_("You put something in your cart on %(day)s and had not bought it."),
    ),
    TriggerKind.LIST_SENT_NOT_BOUGHT: (
        N_("A reminder of your list"),
        N_("You had a list with %(name)s sent to you on %(day)s and had not bought it."),
        N_("You had a list sent to you on %(day)s and had not bought what is on it."),
    ),
    TriggerKind.TRIED_NOT_BOUGHT: (
        N_("A reminder of what you tried on"),
        N_("You tried on %(name)s on %(day)s and had not bought it."),
        N_("You tried something on on %(day)s and had not bought it."),
    ),
    TriggerKind.BACK_IN_STOCK: (
        N_("News of something that was sold out"),
        N_("You had put %(name)s aside or looked at it. It was sold out, and back on %(day)s."),
        N_("Something that you had put aside or looked at was sold out, and back on %(day)s."),
    ),
    TriggerKind.PRICE_DROP: (
        N_("News of a lower price"),
        N_("You had put %(name)s aside. On %(day)s it cost less than it did then."),
        N_("Something that you had put aside cost less on %(day)s than it did then."),
    ),
    TriggerKind.READY_TO_COLLECT: (
        N_("A reminder of your order"),
        N_("Your order with %(name)s was ready for you on %(day)s."),
        N_("An order of yours was ready for you on %(day)s."),
    ),
    TriggerKind.ORDERED: (
        N_("About what you ordered"),
        N_("You ordered %(name)s on %(day)s."),
        N_("You ordered something on %(day)s."),
    ),
}
OTHER: Final = (
    N_("A message"),
    N_("Something that you did with %(name)s on %(day)s started it."),
    N_("Something that you did on %(day)s started it."),
)
STATES: Final[Mapping[str, str]] = {
    "sent": N_("Sent"),
    "requested": N_("On its way"),
    "failed": N_("Could not be delivered"),
    "unknown": N_("May have reached you: the mail server gave no answer"),
    "postponed": N_("Put off"),
    "refused": N_("Not sent"),
    "held_out": N_("Not sent"),
}
REASONS: Final[Mapping[str, str]] = {
    Reason.SWITCHED_OFF: N_("We had stopped reminders of this kind."),
    Reason.BOUGHT: N_("You had bought it meanwhile."),
    Reason.NO_CONSENT: N_("You had not allowed reminders."),
    Reason.NO_ADDRESS: N_("We had no address of yours."),
    Reason.NO_PHONE: N_("None of your phones was allowed to be rung for this."),
    Reason.NO_NUMBER: N_("We had no phone number of yours."),
    Reason.SUPPRESSED: N_("E-mail to your address came back, or was unwanted. So we send none."),
    Reason.NOTHING_LEFT: N_("You had taken it off again."),
    Reason.OUT_OF_STOCK: N_("None of it was left in your size and colour."),
    Reason.PRICE_ROSE: N_("It cost as much as before again."),
    Reason.ORDER_OVER: N_("You had collected the order, or it was over."),
    Reason.TOO_MANY: N_("You had enough messages from us that week."),
    Reason.QUIET_HOURS: N_("It was night where you shop. It waited for the morning."),
    Reason.HELD_OUT: N_(
        "Some people, drawn by chance, get no reminder of this kind. We compare what both groups"
        " buy, to see whether reminders help. You were drawn."
    ),
}
UNSAID: Final = N_("Something stood against it.")
ADVERTISERS: Final[Mapping[str, str]] = {"google": "Google", "meta": "Meta"}
TOLD: Final[Mapping[str, str]] = {
    "adding": N_("Your scrambled address is being passed on."),
    "there": N_("Your scrambled address is there."),
    "removing": N_("Your scrambled address is being taken out again."),
}
# What the marketer's page says of "her", said to her.
HERS: Final[Mapping[str, str]] = {
    "where she was last": N_("where you were last"),
    "In stock, of what she scanned or tried": N_("In stock, of what you scanned or tried"),
    "Has allowed": N_("You have allowed"),
    "Has proved an e-mail address": N_("You have proved an e-mail address"),
    "Was last at": N_("You were last at"),
}


@dataclass(frozen=True, slots=True)
class ToHer(Words):
    """The words of a language, said to whom they are about."""

    def gettext(self, text: str) -> str:
        """Return the text in this language, as it is said to her."""
        return self.texts.gettext(HERS.get(text, text))


@dataclass(frozen=True, slots=True)
class Shown:
    """A message in words. ``rules``: the groups on which it depended besides, each in lines."""

    title: str
    why: str
    state: str
    reason: str
    day: str
    sent: bool
    rules: tuple[Sequence[telling.Said], ...]


@router.get("/privacy/why", dependencies=[allow(Role.SHOPPER)])
def why_page(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Show what she got and did not get lately, why, and whom we told of her."""
    visitor.used(wired)
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        subject = subject_of(shopper)
        found: list[Shown] = []
        inside, told = [], []
        if shopper is not None:
            sessions = people.person_of(db, shopper.id).sessions
            messages = whys.messages_of(db, sessions, wired.clock.now())
            found = _shown(wired, db, messages, spoken)
            inside = [_rule(one, spoken) for one in whys.segments_of(db, sessions)]
            told = [
                (
                    ADVERTISERS.get(one.style, one.style),
                    spoken.gettext(TOLD[one.state]),
                    _rule(one.segment, spoken),
                )
                for one in whys.audiences_of(db, sessions)
            ]
        decided = purposes(db, subject, spoken, signal=visitor.signal)
    context = {
        "messages": found,
        "groups": inside,
        "told": told,
        "stops": [one for one in decided if one.purpose in STOPS and one.granted],
        "wordings": WORDINGS,
        "days": whys.LATELY.days,
        "key": wired.ids.token(),
        "signed_in": subject is not None and bool(subject.customer_id),
        "withdraw": "",
        "page_id": "privacy",
    }
    return page(request, "why.html", context, headers=NO_STORE)


@router.get("/privacy/why/{link}", dependencies=[allow(Role.ANYONE)])
def why_mail_page(request: Request, link: Link, wired: Wired) -> Response:
    """Show why this one mail came. Mail programs open links to look at them: nothing happens."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        row = db.get(JourneyMessageRow, message_of_why(wired.secret, link))
        if row is None:
            msg = "what this link is about was erased"
            raise UnknownWithdrawal(msg)
        subject = people.person_of(db, row.session_id).subject
        subject_id = queries.subject_id_of(db, subject) or ""
        found = _shown(wired, db, whys.whys(db, [row.id]), spoken)
    leave = withdrawal_link(wired.secret, subject_id, Purpose.REMINDERS) if subject_id else ""
    context = {
        "messages": found,
        "groups": [],
        "told": [],
        "stops": [],
        "wordings": WORDINGS,
        "days": whys.LATELY.days,
        "key": "",
        "signed_in": False,
        "withdraw": leave,
        "page_id": "why",
    }
    return page(request, "why.html", context, headers=UNLISTED)


def _shown(wired: Parts, db: Session, found: Sequence[Why], spoken: Words) -> list[Shown]:
    known = traits(db, {one.gtin for one in found if one.gtin})
    shown = []
    for one in found:
        zone = people.zone_of(db, wired.shop, one.location_id)
        title, named, unnamed = BEGAN.get(one.kind, OTHER)
        said = {"day": spoken.day(one.began_at.astimezone(ZoneInfo(zone)).date())}
        if one.gtin:
            said["name"] = name_of(one.gtin, known, spoken)
        reason = REASONS.get(one.reason, UNSAID) if one.reason else ""
        shown.append(
            Shown(
                spoken.gettext(title),
                spoken.gettext(named if one.gtin else unnamed) % said,
                spoken.gettext(STATES[one.state]),
                spoken.gettext(reason) if reason else "",
                spoken.minute(one.at, zone),
                one.state == "sent",
                tuple(_rule(segment, spoken) for segment in one.segments),
            )
        )
    return shown


def _rule(segment: Segment, spoken: Words) -> list[telling.Said]:
    return list(telling.rule_lines(segment.rule, ToHer(spoken.locale, spoken.texts)))
