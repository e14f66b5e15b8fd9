"""Letters on their way: made from an issue, looked at once more, handed over at most once.

Whether a letter may go is decided in the transaction that marks it as handed over. What was
handed over and whose answer is not known (a process or a connection died) is not sent again: it
is settled as unknown, and the marketer sees how many there are.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, select, update

from cart.db.guarded import write
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput
from cart.kernel.i18n import LOCALES
from cart.kernel.ids import Ids
from cart.profile import limits
from cart.profile.consent import gate
from cart.profile.consent.model import Subject
from cart.profile.model import Limit
from cart.profile.subscriptions import service, suppression
from cart.profile.subscriptions.model import (
    CONFIRM_FOR,
    FAN_OUT_MAX,
    MINUTE_S,
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    LetterKind,
    State,
)
from cart.profile.subscriptions.tables import (
    FAILURE_LENGTH_MAX,
    IssueRow,
    SubscriptionRow,
    TopicLetterRow,
)


class Taken(StrEnum):
    """Whether a letter may be handed over now."""

    GO = "go"
    UNKNOWN = "unknown"  # it was handed over before, and nobody knows what came of it
    NOTHING = "nothing"  # settled, or gone


@dataclass(frozen=True, slots=True)
class Written:
    """An issue in a language."""

    subject: str
    text: str


def write_issue(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    topic_id: str,
    texts: Mapping[str, Written],
    staff_id: str,
) -> IssueRow:
    """Write to all who have a topic; :func:`fan_out` makes the letters. English has to be there.

    Raises:
        NotFound: there is none.
        InvalidInput: no English subject and text, or too long ones.
    """
    service.topic(db, topic_id)
    said = {
        locale: Written(texts[locale].subject.strip(), texts[locale].text.strip())
        for locale in LOCALES
        if locale in texts and texts[locale].subject.strip() and texts[locale].text.strip()
    }
    fits = all(
        len(one.subject) <= SUBJECT_LENGTH_MAX
        and one.subject.isprintable()
        and len(one.text) <= TEXT_LENGTH_MAX
        for one in said.values()
    )
    if "en" not in said or not fits:
        msg = f"an English subject and text; {SUBJECT_LENGTH_MAX}, {TEXT_LENGTH_MAX} at most"
        raise InvalidInput(msg)
    row = IssueRow(
        id=ids.new("issue"),
        topic_id=topic_id,
        subject_i18n={locale: one.subject for locale, one in said.items()},
        text_i18n={locale: one.text for locale, one in said.items()},
        staff_id=staff_id,
        made_at=clock.now(),
    )
    db.add(row)
    db.flush()
    return row


def fan_out(db: Session, clock: Clock, ids: Ids) -> int:
    """Make the next letters of the oldest issue that has not got all; return how many.

    Who came to the topic after the issue was written does not get it. -1: nothing is left.
    """
    issue = db.exec(
        select(IssueRow)
        .where(IssueRow.state == "sending")
        .order_by(col(IssueRow.made_at), col(IssueRow.id))
        .limit(1)
        .with_for_update()
    ).first()
    if issue is None:
        return -1
    readers = db.exec(
        select(SubscriptionRow)
        .where(
            SubscriptionRow.topic_id == issue.topic_id,
            SubscriptionRow.state == State.CONFIRMED,
            col(SubscriptionRow.id) > issue.reached,
            col(SubscriptionRow.confirmed_at) <= issue.made_at,
        )
        .order_by(col(SubscriptionRow.id))
        .limit(FAN_OUT_MAX)
    ).all()
    for one in readers:
        letter = service.new_letter(ids, clock, LetterKind.ISSUE, one.address, one.locale)
        letter.issue_id, letter.subscription_id = issue.id, one.id
        letter.customer_id = one.customer_id
        db.add(letter)
    if readers:
        issue.reached = readers[-1].id
    if len(readers) < FAN_OUT_MAX:
        issue.state = "sent"
    db.add(issue)
    db.flush()
    return len(readers)


def paced(
    db: Session, clock: Clock, secret: bytes, letter_ids: Collection[str], per_minute: int
) -> list[str]:
    """Return those letters that may start now; the others of their domains wait their turn."""
    rows = db.exec(
        select(TopicLetterRow)
        .where(col(TopicLetterRow.id).in_(list(letter_ids)))
        .order_by(col(TopicLetterRow.due_at), col(TopicLetterRow.id))
    ).all()
    limit, full, let = Limit("letters:domain", per_minute, MINUTE_S), set[str](), list[str]()
    for row in rows:
        if row.domain in full:
            continue
        wait_s = limits.wait_s(db, clock, secret, limit, row.domain)
        if wait_s is None:
            let.append(row.id)
            continue
        full.add(row.domain)
        later = limits.after(clock, wait_s)
        held = (
            update(TopicLetterRow)
            .where(
                col(TopicLetterRow.domain) == row.domain,
                col(TopicLetterRow.state) == "requested",
                col(TopicLetterRow.due_at) < later,
                col(TopicLetterRow.handed_at).is_(None),
                col(TopicLetterRow.id).not_in(let),
            )
            .values(due_at=later)
        )
        write(db, held)
    return let


def take(db: Session, clock: Clock, secret: bytes, letter_id: str) -> Taken:
    """Mark a letter as handed over, if it may go at this moment.

    Consent, suppression and subscription are asked here, right before the mail server is.
    """
    row = db.get(TopicLetterRow, letter_id)
    if row is None or row.state != "requested":
        return Taken.NOTHING
    if row.kind == LetterKind.ISSUE and row.handed_at is not None:
        return Taken.UNKNOWN
    reason = _against(db, clock, secret, row)
    if reason:
        _settle(db, letter_id, "dropped", reason)
        return Taken.NOTHING
    once = [col(TopicLetterRow.handed_at).is_(None)] if row.kind == LetterKind.ISSUE else []
    marked = write(
        db,
        update(TopicLetterRow)
        .where(col(TopicLetterRow.id) == letter_id, *once)
        .values(handed_at=clock.now()),
    )
    return Taken.GO if marked else Taken.UNKNOWN


def put_back(db: Session, letter_id: str) -> None:
    """Note that the mail server did not take it, so it may be handed over again."""
    write(
        db,
        update(TopicLetterRow)
        .where(col(TopicLetterRow.id) == letter_id, col(TopicLetterRow.state) == "requested")
        .values(handed_at=None),
    )


def lost_sight_of(db: Session, letter_id: str, reason: str) -> None:
    """Settle a letter of which nobody knows whether it was taken."""
    _settle(db, letter_id, "unknown", reason)


def _against(db: Session, clock: Clock, secret: bytes, row: TopicLetterRow) -> str:
    """Return why a letter may not go, "" if it may."""
    suppressed = suppression.reason_of(db, secret, row.address)
    if suppressed is not None:
        return f"suppressed: {suppressed.value}"
    if row.kind == LetterKind.CONFIRM:
        return "too old" if row.requested_at < clock.now() - CONFIRM_FOR else ""
    hers = db.get(SubscriptionRow, row.subscription_id or "")
    if hers is None or hers.state != State.CONFIRMED:
        return "left"
    subject = Subject(customer_id=hers.customer_id or "")
    if not gate.granted(db, subject, service.PURPOSE, signal=False):
        return "no consent"
    return ""


def _settle(db: Session, letter_id: str, state: str, reason: str) -> None:
    write(
        db,
        update(TopicLetterRow)
        .where(col(TopicLetterRow.id) == letter_id, col(TopicLetterRow.state) == "requested")
        .values(state=state, failure=reason[:FAILURE_LENGTH_MAX]),
    )
