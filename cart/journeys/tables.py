"""Rows of journeys: their versions, who is on the way, and what was to be sent.

A run that waits is one row with a time. Only ``cart.journeys`` writes them; whoever sends a
message settles its row.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX, JSON_COLUMN
from cart.journeys.model import NAME_LENGTH_MAX, SOURCE_LENGTH_MAX
from cart.profile.subscriptions.model import MARK_LENGTH
from cart.profile.subscriptions.tables import HASH_LENGTH
from cart.profile.timeline.model import ID_LENGTH_MAX as INTERACTION_ID_LENGTH_MAX
from cart.profile.timeline.model import REF_LENGTH_MAX

STATE_LENGTH_MAX: Final = 16
MESSAGE_ID_LENGTH_MAX: Final = 96  # a run's id, a step, a number
FAILURE_LENGTH_MAX: Final = 500
_LIVE: Final = text("state IN ('pending', 'running')")


def _words(length_max: int) -> Any:  # noqa: ANN401 - what SQLModel's Field is, of any column
    """Return a column that came later: rows from before have nothing in it."""
    return Field(default="", max_length=length_max, sa_column_kwargs={"server_default": ""})


class JourneyRow(SQLModel, table=True):
    """A journey by its name. ``version``: with which new runs begin; ``active``: it is on."""

    __tablename__ = "journey"

    name: str = Field(primary_key=True, max_length=NAME_LENGTH_MAX)
    version: int
    active: bool = False
    changed_at: datetime


class JourneyVersionRow(SQLModel, table=True):
    """One version as it was loaded: never changed, never deleted."""

    __tablename__ = "journey_version"

    journey: str = Field(primary_key=True, foreign_key="journey.name", max_length=NAME_LENGTH_MAX)
    version: int = Field(primary_key=True)
    source: str = Field(max_length=SOURCE_LENGTH_MAX)
    loaded_at: datetime


class JourneyRunRow(SQLModel, table=True):
    """One person on one journey. ``session_id``: where it began. ``trigger_id``: the interaction.

    ``pending``: it was triggered, and she enters at ``due_at`` unless she buys; ``running``:
    ``step`` is next. ``about``: the list or the article, empty for her cart. ``held_out``: None
    until she entered. ``moves`` grows with every change: of two rivals one changes the row.
    """

    __tablename__ = "journey_run"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'running', 'done', 'left')", name="state"),
        CheckConstraint("step >= 0", name="step"),
        Index(
            "uq_journey_run_live",
            "journey",
            "session_id",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index("ix_journey_run_due", "due_at", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_journey_run_journey", "journey", "entered_at"),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    journey: str = Field(foreign_key="journey.name", max_length=NAME_LENGTH_MAX)
    version: int
    session_id: str = Field(foreign_key="shopper_session.id", index=True, max_length=ID_LENGTH_MAX)
    trigger_id: str = Field(max_length=INTERACTION_ID_LENGTH_MAX)
    about: str = Field(default="", max_length=REF_LENGTH_MAX)
    location_id: str = Field(default="", max_length=ID_LENGTH_MAX)
    state: str = Field(default="pending", max_length=STATE_LENGTH_MAX)
    reason: str = Field(default="", max_length=STATE_LENGTH_MAX)
    step: int = 0
    held_out: bool | None = None
    message_id: str = Field(default="", max_length=MESSAGE_ID_LENGTH_MAX)
    messages: int = 0
    moves: int = 0
    started_at: datetime
    due_at: datetime
    entered_at: datetime | None = None
    ended_at: datetime | None = Field(default=None, index=True)


class JourneyMessageRow(SQLModel, table=True):
    """A message that is to be sent: the fact whose id is its workflow's id.

    ``taken_at``: when nothing stood against it; from then on it counts. ``lines``: what it shows,
    and what its link brings back. ``not_before``: until when it was put off; the run asks for
    another one then. ``mark``: by what a mail is known outside; None of those that are older
    than marks. ``handed_at``: given to the mail server, its answer not known yet; ``unknown``:
    the answer never came. ``to_hash``: of the address that it went to, as suppression has it.
    ``opened_at``: when somebody first moved on a mail's page; ``pressed_at``: when the button
    of a message's page was first pressed.
    """

    __tablename__ = "journey_message"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested', 'sent', 'failed', 'refused', 'postponed', 'held_out',"
            " 'unknown')",
            name="state",
        ),
        CheckConstraint("bounce IN ('', 'soft', 'hard', 'complaint')", name="bounce"),
        UniqueConstraint("mark"),
        Index("ix_journey_message_state", "state", "requested_at"),
        Index("ix_journey_message_session_id_taken_at", "session_id", "taken_at"),
        Index("ix_journey_message_journey", "journey", "state", "reason"),
        Index("ix_journey_message_to_hash", "to_hash", "sent_at"),
    )

    id: str = Field(primary_key=True, max_length=MESSAGE_ID_LENGTH_MAX)
    run_id: str = Field(foreign_key="journey_run.id", index=True, max_length=ID_LENGTH_MAX)
    journey: str = Field(foreign_key="journey.name", max_length=NAME_LENGTH_MAX)
    version: int
    session_id: str = Field(foreign_key="shopper_session.id", max_length=ID_LENGTH_MAX)
    step: str = Field(max_length=NAME_LENGTH_MAX)
    channel: str = Field(
        default="mail", max_length=STATE_LENGTH_MAX, sa_column_kwargs={"server_default": "mail"}
    )
    state: str = Field(default="requested", max_length=STATE_LENGTH_MAX)
    reason: str = Field(default="", max_length=STATE_LENGTH_MAX)
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON_COLUMN)
    requested_at: datetime
    taken_at: datetime | None = None
    not_before: datetime | None = None
    sent_at: datetime | None = Field(default=None, index=True)
    failure: str = Field(default="", max_length=FAILURE_LENGTH_MAX)
    mark: str | None = Field(default=None, max_length=MARK_LENGTH)
    handed_at: datetime | None = None
    to_hash: str = _words(HASH_LENGTH)
    bounce: str = _words(12)
    bounced_at: datetime | None = None
    opened_at: datetime | None = Field(default=None, index=True)
    pressed_at: datetime | None = Field(default=None, index=True)
