"""Rows of mailing lists. Whom nobody may write to is kept under a keyed hash."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, JSON_COLUMN, NAME_LENGTH_MAX
from cart.kernel.email import EMAIL_LENGTH_MAX
from cart.profile.subscriptions.model import MARK_LENGTH, TOPIC_ID_LENGTH_MAX, Reason

HASH_LENGTH = 64  # hex SHA-256
ABOUT_LENGTH_MAX = 400
FAILURE_LENGTH_MAX = 500


class TopicRow(SQLModel, table=True):
    """Something that letters are written about. ``id``: a short word, part of its List-Id."""

    __tablename__ = "topic"

    id: str = Field(primary_key=True, max_length=TOPIC_ID_LENGTH_MAX)
    name: str = Field(max_length=NAME_LENGTH_MAX)
    name_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    about: str = Field(default="", max_length=ABOUT_LENGTH_MAX)
    about_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    made_at: datetime
    closed_at: datetime | None = None


class SubscriptionRow(SQLModel, table=True):
    """That an address is to have the letters of a topic.

    ``ask_id``: the letter that asks whether it is hers. ``customer_id``: who has proved the
    address; there from the confirmation on. ``wording_hash``: of the words in the consent ledger
    that she confirmed on.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'confirmed', 'left')", name="state"),
        CheckConstraint("source IN ('page', 'account', 'mail', 'import')", name="source"),
        CheckConstraint("state <> 'confirmed' OR customer_id IS NOT NULL", name="whose"),
        UniqueConstraint("topic_id", "address"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    topic_id: str = Field(foreign_key="topic.id", max_length=TOPIC_ID_LENGTH_MAX)
    address: str = Field(index=True, max_length=EMAIL_LENGTH_MAX)
    customer_id: str | None = Field(
        default=None, index=True, foreign_key="customer.id", max_length=ID_LENGTH_MAX
    )
    state: str = Field(max_length=12)
    source: str = Field(max_length=12)
    locale: str = Field(max_length=2)
    wording_hash: str | None = Field(default=None, max_length=HASH_LENGTH)
    proof: str = Field(default="", max_length=NAME_LENGTH_MAX)
    ask_id: str | None = Field(default=None, index=True, max_length=ID_LENGTH_MAX)
    asked_at: datetime = Field(index=True)
    confirmed_at: datetime | None = None
    left_at: datetime | None = None


class IssueRow(SQLModel, table=True):
    """What a marketer wrote to all who have a topic. ``reached``: the last whose letter is made."""

    __tablename__ = "issue"
    __table_args__ = (CheckConstraint("state IN ('sending', 'sent')", name="state"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    topic_id: str = Field(foreign_key="topic.id", index=True, max_length=TOPIC_ID_LENGTH_MAX)
    subject_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    text_i18n: dict[str, str] = Field(default_factory=dict, sa_type=JSON_COLUMN)
    staff_id: str = Field(max_length=ID_LENGTH_MAX)
    state: str = Field(default="sending", index=True, max_length=12)
    reached: str = Field(default="", max_length=ID_LENGTH_MAX)
    made_at: datetime


class TopicLetterRow(SQLModel, table=True):
    """A letter to one address: a wish that the mail's workflow carries out.

    ``mark``: by what it is known outside. ``due_at``: not before, so that a mail service is not
    flooded. ``handed_at``: given to the mail server, its answer not known yet. ``unknown``: the
    answer never came; ``dropped``: by then it might not be sent any more.
    """

    __tablename__ = "topic_letter"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested', 'sent', 'failed', 'unknown', 'dropped')", name="state"
        ),
        CheckConstraint("kind IN ('confirm', 'issue')", name="kind"),
        CheckConstraint("bounce IN ('', 'soft', 'hard', 'complaint')", name="bounce"),
        UniqueConstraint("issue_id", "address"),
        Index("ix_topic_letter_state", "state", "due_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    kind: str = Field(max_length=12)
    issue_id: str | None = Field(default=None, foreign_key="issue.id", max_length=ID_LENGTH_MAX)
    subscription_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    customer_id: str | None = Field(
        default=None, index=True, foreign_key="customer.id", max_length=ID_LENGTH_MAX
    )
    address: str = Field(index=True, max_length=EMAIL_LENGTH_MAX)
    domain: str = Field(max_length=EMAIL_LENGTH_MAX)
    locale: str = Field(max_length=2)
    mark: str = Field(unique=True, max_length=MARK_LENGTH)
    state: str = Field(default="requested", max_length=12)
    requested_at: datetime = Field(index=True)
    due_at: datetime
    handed_at: datetime | None = None
    sent_at: datetime | None = Field(default=None, index=True)
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    bounce: str = Field(default="", max_length=12)
    bounced_at: datetime | None = None


class SuppressionRow(SQLModel, table=True):
    """That nobody may write to an address, and why. ``status``: as a mail server put it."""

    __tablename__ = "mail_suppression"
    __table_args__ = (
        CheckConstraint(
            f"reason IN ({', '.join(repr(one.value) for one in Reason)})", name="reason"
        ),
    )

    address_hash: str = Field(primary_key=True, max_length=HASH_LENGTH)
    reason: str = Field(max_length=16)
    status: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    since_at: datetime = Field(index=True)
