"""Selects on topics, subscriptions and letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from cart.profile.subscriptions.model import (
    LETTERS_LOOKED_AT_MAX,
    TOPICS_MAX,
    SentLetter,
    State,
)
from cart.profile.subscriptions.tables import (
    IssueRow,
    SubscriptionRow,
    TopicLetterRow,
    TopicRow,
)

ISSUES_SHOWN_MAX = 20  # the newest; a marketer looks at the last ones


@dataclass(frozen=True, slots=True)
class IssueCount:
    """An issue and how many of its letters are in which state, or came back how."""

    issue: IssueRow
    letters: dict[str, int]


def topics(db: Session, *, closed: bool = False) -> Sequence[TopicRow]:
    """Return the topics that are written about, by name; ``closed``: the closed ones too."""
    found = select(TopicRow).order_by(col(TopicRow.name), col(TopicRow.id)).limit(TOPICS_MAX)
    if not closed:
        found = found.where(col(TopicRow.closed_at).is_(None))
    return db.exec(found).all()


def mine(db: Session, customer_id: str) -> Sequence[SubscriptionRow]:
    """Return a customer's subscriptions, those that she left too."""
    return db.exec(
        select(SubscriptionRow)
        .where(SubscriptionRow.customer_id == customer_id)
        .order_by(col(SubscriptionRow.topic_id), col(SubscriptionRow.address))
    ).all()


def asked_by(db: Session, letter_id: str) -> Sequence[tuple[SubscriptionRow, TopicRow]]:
    """Return what a letter asks about, of topics that are open."""
    return db.exec(
        select(SubscriptionRow, TopicRow)
        .join(TopicRow)
        .where(SubscriptionRow.ask_id == letter_id, col(TopicRow.closed_at).is_(None))
        .order_by(col(TopicRow.name))
    ).all()


def of_address(db: Session, topic_id: str, address: str) -> SubscriptionRow | None:
    """Return an address's subscription to a topic, in whatever state."""
    return db.exec(
        select(SubscriptionRow).where(
            SubscriptionRow.topic_id == topic_id, SubscriptionRow.address == address
        )
    ).first()


def counted(db: Session) -> dict[str, dict[State, int]]:
    """Return how many subscriptions are in which state, by topic."""
    found: dict[str, dict[State, int]] = {}
    rows = db.exec(
        select(SubscriptionRow.topic_id, SubscriptionRow.state, func.count()).group_by(
            col(SubscriptionRow.topic_id), col(SubscriptionRow.state)
        )
    )
    for topic_id, state, number in rows:
        found.setdefault(topic_id, {})[State(state)] = number
    return found


def issues(db: Session) -> list[IssueCount]:
    """Return the newest issues with what became of their letters."""
    newest = db.exec(
        select(IssueRow)
        .order_by(col(IssueRow.made_at).desc(), col(IssueRow.id).desc())
        .limit(ISSUES_SHOWN_MAX)
    ).all()
    rows = db.exec(
        select(TopicLetterRow.issue_id, TopicLetterRow.state, TopicLetterRow.bounce, func.count())
        .where(col(TopicLetterRow.issue_id).in_([one.id for one in newest]))
        .group_by(
            col(TopicLetterRow.issue_id), col(TopicLetterRow.state), col(TopicLetterRow.bounce)
        )
    ).all()
    by_issue: dict[str, dict[str, int]] = {one.id: {} for one in newest}
    for issue_id, state, bounce, number in rows:
        letters = by_issue[str(issue_id)]
        letters[state] = letters.get(state, 0) + number
        if bounce:
            letters["back"] = letters.get("back", 0) + number
    return [IssueCount(one, by_issue[one.id]) for one in newest]


def waiting(db: Session, before: datetime, limit: int) -> Sequence[str]:
    """Return letters that are due by ``before`` and not settled, the longest due first."""
    return db.exec(
        select(TopicLetterRow.id)
        .where(TopicLetterRow.state == "requested", TopicLetterRow.due_at <= before)
        .order_by(col(TopicLetterRow.due_at), col(TopicLetterRow.id))
        .limit(limit)
    ).all()


def by_mark(db: Session, mark: str) -> TopicLetterRow | None:
    """Return the letter that is known outside by this mark."""
    return db.exec(select(TopicLetterRow).where(TopicLetterRow.mark == mark)).first()


def sent_to(db: Session, address: str) -> list[SentLetter]:
    """Return the letters that a mail server took for an address, the newest first."""
    rows = db.exec(
        select(TopicLetterRow.sent_at, TopicLetterRow.bounce)
        .where(TopicLetterRow.address == address, col(TopicLetterRow.sent_at).is_not(None))
        .order_by(col(TopicLetterRow.sent_at).desc(), col(TopicLetterRow.id).desc())
        .limit(LETTERS_LOOKED_AT_MAX)
    ).all()
    return [SentLetter(at, bool(bounce)) for at, bounce in rows if at is not None]
