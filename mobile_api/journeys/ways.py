"""Sends a journey's message by another way than mail: to her phones, or as a text.

Called by the workflow of the message, after every guard was asked. What may come twice after a
crash is one notification by its tag, and one text by its id.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cart.db import reading, unit_of_work
from cart.journeys import people, reach
from cart.journeys.guards import day_left
from cart.journeys.loading import version_of
from cart.journeys.model import Channel
from cart.journeys.people import Person
from cart.journeys.ports import Text, TextNotTaken, Texts
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.errors import AddressRefused, ConsentMissing, Unavailable
from cart.kernel.i18n import choose
from cart.profile.consent.model import Purpose
from cart.profile.push import service as phones
from cart.profile.push.tables import PushPhoneRow
from mobile_api.journeys.reminder import LIST, lead_of, path_of, reminder, wanted_of
from mobile_api.journeys.texts import FOLDER, FileTexts, WebhookTexts
from mobile_api.journeys.world import world_of
from mobile_api.look.words import Words, words
from mobile_api.mail.listed import ways
from mobile_api.mail.model import FAILURE_LENGTH_MAX, Attempt, Outcome
from mobile_api.outgoing.sending import Sender
from mobile_api.push import sealing
from mobile_api.push.ringing import read_answer
from mobile_api.wiring import Parts

# A phone that is off hears of it later the same day, or not at all: never at night.
RING_LASTS: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class _Told:
    """A message that goes to phones or as a text. ``names``: of what it is about."""

    row: JourneyMessageRow
    person: Person
    channel: Channel
    lead: str
    names: str
    link: str
    zone: ZoneInfo


def texts_of(parts: Parts) -> Texts:
    """Return by whom texts go, as the settings say."""
    settings = parts.settings
    if not settings.text_url:
        return FileTexts(settings.data_dir / FOLDER, parts.clock)
    sender = Sender(parts.clock, parts.outgoing)
    return WebhookTexts(sender, settings.text_url, settings.text_signing_secret)


def other_way(parts: Parts, message_id: str) -> Attempt | None:
    """Send a message that is no mail, and say how that went; None: it is one."""
    with reading(parts.engine) as db:
        row = db.get(JourneyMessageRow, message_id)
        if row is None or row.channel == Channel.MAIL:
            return None
        if row.state != "requested" or row.taken_at is None:
            return Attempt(Outcome.NOTHING)
        told = _told(parts, db, row)
    if told.channel is Channel.PUSH:
        return _ring(parts, told)
    return _text(parts, told)


def _told(parts: Parts, db: Session, row: JourneyMessageRow) -> _Told:
    person = people.person_of(db, row.session_id)
    spoken = words(choose(person.locale))
    one = version_of(db, row.journey, row.version)
    kind, lead = one.trigger.kind, lead_of(spoken, one.trigger.kind, one.template_of(row.step))
    link = path_of(parts, db, row, kind)
    wanted = wanted_of(row.lines)
    letter = reminder(parts, db, spoken, wanted, kind=kind, link=link, withdraw="", why="")
    names = ", ".join(line.name for line in letter.lines)
    run = db.get_one(JourneyRunRow, row.run_id)
    zone = ZoneInfo(people.zone_of(db, parts.shop, people.place_of(db, run, person)))
    return _Told(row, person, Channel(row.channel), lead, names, link, zone)


def _ring(parts: Parts, told: _Told) -> Attempt:
    """Ring each of her phones that she let remind her; one that takes it is enough."""
    now = parts.clock.now()
    ttl = min(RING_LASTS, day_left(now, told.zone))
    with reading(parts.engine) as db:
        hers = phones.reminded(db, told.person.home)
        rows = db.exec(select(PushPhoneRow).where(col(PushPhoneRow.id).in_(hers))).all()
    parts.marked("composed")
    outcomes = {one.id: _ring_one(parts, told, one, int(ttl.total_seconds())) for one in rows}
    parts.marked("delivered")
    gone = [name for name, (outcome, _) in outcomes.items() if outcome == "gone"]
    if gone:
        with unit_of_work(parts.engine) as db:
            for name in gone:
                phones.gone(db, name)
    ended = {outcome for outcome, _ in outcomes.values()}
    reasons = "; ".join(why for _, why in outcomes.values() if why)[:FAILURE_LENGTH_MAX]
    if "sent" in ended:
        return Attempt(Outcome.SENT)
    if "later" in ended:
        return Attempt(Outcome.LATER, reasons)
    return Attempt(Outcome.FAILED, reasons or "no phone to ring any more")


def _ring_one(parts: Parts, told: _Told, phone: PushPhoneRow, ttl_s: int) -> tuple[str, str]:
    spoken = words(phone.locale)
    message = {
        "title": told.lead,
        "body": told.names,
        "tag": f"journey-{told.row.id}",
        "url": told.link,
        "lang": spoken.locale,
        "dir": spoken.direction,
        "quiet": "yes",
    }
    contact, now = parts.settings.push_contact, parts.clock.now()
    try:
        body = sealing.sealed(message, phone.point, phone.auth)
        who = sealing.headers(parts.secret, phone.endpoint, contact, now, ttl_s)
        answer = parts.outgoing.post(phone.endpoint, body, who | {"urgency": "normal"})
    except (AddressRefused, ValueError) as error:
        return "gone", str(error)
    except Unavailable as error:
        return "later", error.message
    said = read_answer(answer, phone.id)
    return said.outcome, said.reason


def _text(parts: Parts, told: _Told) -> Attempt:
    person, spoken = told.person, words(choose(told.person.locale))
    with reading(parts.engine) as db:
        to = reach.address_for(db, world_of(parts), person, told.channel)
        leave = _leave(parts, db, person, spoken)
    if not to or not leave:
        return Attempt(Outcome.FAILED, "nothing to send any more")
    said = spoken.gettext("%(lead)s %(link)s No more reminders: %(leave)s") % {
        "lead": told.lead,
        "link": f"{parts.settings.base_url}{told.link}",
        "leave": leave,
    }
    row = told.row
    text = Text(row.id, told.channel, to, spoken.locale, said, row.requested_at)
    parts.marked("composed")
    try:
        texts_of(parts).send(text)
    except TextNotTaken as error:
        return Attempt(Outcome.LATER, str(error)[:FAILURE_LENGTH_MAX])
    except AddressRefused as error:
        return Attempt(Outcome.FAILED, error.message[:FAILURE_LENGTH_MAX])
    parts.marked("delivered")
    return Attempt(Outcome.SENT)


def _leave(parts: Parts, db: Session, person: Person, spoken: Words) -> str:
    """Return the page on which one press ends reminders; empty: she has ended them already."""
    purpose, name = Purpose.REMINDERS, spoken.gettext("Reminders by e-mail")
    try:
        return ways(db, parts.settings, person.subject, purpose, list_id=LIST, list_name=name).leave
    except ConsentMissing:
        return ""
