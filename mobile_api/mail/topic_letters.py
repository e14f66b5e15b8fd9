"""Writes letters about topics, and the mail that asks whether an address is hers."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from sqlmodel import Session

from cart.db import unit_of_work
from cart.kernel.errors import ConsentMissing
from cart.kernel.i18n import choose, of_language
from cart.profile.consent.model import Subject
from cart.profile.subscriptions import queries, sending
from cart.profile.subscriptions.model import LetterKind
from cart.profile.subscriptions.sending import Taken
from cart.profile.subscriptions.service import PURPOSE
from cart.profile.subscriptions.tables import IssueRow, TopicLetterRow, TopicRow
from mobile_api.edge.links import confirm_link
from mobile_api.look.words import Words, words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.mail.listed import ways
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.postage import heed, marked_postage
from mobile_api.mail.smtp import deliver
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class TopicLetter:
    """The content of one letter, in the reader's words. ``link``: of its button."""

    words: Words
    subject: str
    paragraphs: tuple[str, ...]
    link: str
    topics: tuple[str, ...] = ()
    leave: str = ""
    choose: str = ""
    place: str = ""


def letter_mail(parts: Parts, db: Session, letter_id: str) -> EmailMessage | None:
    """Return the message of a letter; None if it is settled, or may not be sent any more."""
    row = db.get(TopicLetterRow, letter_id)
    if row is None or row.state != "requested":
        return None
    return _asking(parts, db, row) if row.kind == LetterKind.CONFIRM else _issue(parts, db, row)


def _asking(parts: Parts, db: Session, row: TopicLetterRow) -> EmailMessage | None:
    spoken = words(choose(row.locale))
    topics = [topic for _, topic in queries.asked_by(db, row.id)]
    if not topics:
        return None
    letter = TopicLetter(
        words=spoken,
        subject=spoken.gettext("Do you want our letters?"),
        paragraphs=(),
        link=f"{parts.settings.base_url}/letters/confirm/{confirm_link(parts.secret, row.id)}",
        topics=tuple(of_language(one.name_i18n, one.name, spoken.locale) for one in topics),
    )
    envelope = _envelope(row, letter)
    return enclose(envelope, parts.settings, "letter_confirm_mail", {"letter": letter}, [])


def _issue(parts: Parts, db: Session, row: TopicLetterRow) -> EmailMessage | None:
    issue = db.get(IssueRow, row.issue_id or "")
    topic = db.get(TopicRow, issue.topic_id) if issue is not None else None
    if issue is None or topic is None:
        return None
    locale = row.locale if row.locale in issue.subject_i18n else "en"
    spoken = words(choose(locale))
    subject = Subject(customer_id=row.customer_id or "")
    name = of_language(topic.name_i18n, topic.name, locale)
    try:
        found = ways(db, parts.settings, subject, PURPOSE, list_id=topic.id, list_name=name)
    except ConsentMissing:
        return None
    letter = TopicLetter(
        words=spoken,
        subject=issue.subject_i18n[locale],
        paragraphs=tuple(filter(None, map(str.strip, issue.text_i18n[locale].split("\n\n")))),
        link=parts.settings.base_url,
        topics=(name,),
        leave=found.leave,
        choose=found.choose,
        place=name,
    )
    context = {"letter": letter}
    envelope = _envelope(row, letter, found.headers)
    return enclose(envelope, parts.settings, "letter_mail", context, [])


def _envelope(
    row: TopicLetterRow, letter: TopicLetter, headers: Mapping[str, str] | None = None
) -> Envelope:
    return Envelope(
        "letter",
        row.id,
        row.address,
        row.requested_at,
        letter.subject,
        letter.words.locale,
        headers or {},
    )


def hand_over(parts: Parts, letter_id: str, message: EmailMessage | None) -> Attempt:
    """Send a letter, if it may go at this moment.

    An issue's letter goes to a mail server that may have taken it once at most: without an
    answer it is settled as unknown. The mail that asks is sent again, under its Message-ID.
    """
    with unit_of_work(parts.engine) as db:
        taken = sending.take(db, parts.clock, parts.secret, letter_id)
        row = db.get(TopicLetterRow, letter_id)
        mark, once = (row.mark, row.kind == LetterKind.ISSUE) if row else ("", False)
        if taken is Taken.UNKNOWN:
            sending.lost_sight_of(db, letter_id, "handed over, and no answer was noted")
    if taken is not Taken.GO or message is None:
        return Attempt(Outcome.NOTHING)
    parts.marked("taken")
    attempt = deliver(parts.smtp_url, message, marked_postage(parts, mark))
    parts.marked("delivered")
    with unit_of_work(parts.engine) as db:
        if attempt.outcome is Outcome.UNKNOWN and once:
            sending.lost_sight_of(db, letter_id, attempt.reason)
            return Attempt(Outcome.NOTHING)
        if attempt.outcome in {Outcome.LATER, Outcome.UNKNOWN}:
            sending.put_back(db, letter_id)
            return Attempt(Outcome.LATER, attempt.reason)
        heed(parts, db, attempt, message)
    return attempt
