"""What somebody may ask about herself: which messages came, which did not, and by what they began.

Selects only; of one person, and of nobody besides.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from cart.journeys.audiences.tables import AudienceEntryRow, AudienceRow
from cart.journeys.loading import version_of
from cart.journeys.membership import active_by_name, asked_by
from cart.journeys.model import OF_GOODS, TriggerKind
from cart.journeys.segments import queries
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.tables import SegmentMemberRow, SegmentRow
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.clock import from_us
from cart.profile.timeline.tables import InteractionRow

LATELY: Final = timedelta(days=90)
MESSAGES_MAX: Final = 50  # two a week are the most that is sent; the rest was not


@dataclass(frozen=True, slots=True)
class Why:
    """A message and what started it. ``gtin``: what it was about then, empty if no article.

    ``state``, ``reason``: of the message. ``at``: when it was sent, or was not. ``segments``:
    those that its journey asks for.
    """

    message_id: str
    kind: TriggerKind
    began_at: datetime
    gtin: str
    location_id: str
    state: str
    reason: str
    at: datetime
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An advertiser that has a hash of her address; ``state``: as of its entry."""

    style: str
    state: str
    segment: Segment


def messages_of(db: Session, sessions: Collection[str], now: datetime) -> list[Why]:
    """Return what was to be sent to somebody lately, the newest first, bounded."""
    asked = (
        select(JourneyMessageRow.id)
        .where(
            col(JourneyMessageRow.session_id).in_(sessions),
            JourneyMessageRow.requested_at > now - LATELY,
        )
        .order_by(col(JourneyMessageRow.requested_at).desc(), col(JourneyMessageRow.id).desc())
        .limit(MESSAGES_MAX)
    )
    return whys(db, db.exec(asked).all())


def whys(db: Session, message_ids: Sequence[str]) -> list[Why]:
    """Return these messages with what started them, the newest first; erased ones are absent."""
    rows = db.exec(
        select(JourneyMessageRow, JourneyRunRow, InteractionRow)
        .join(JourneyRunRow, col(JourneyRunRow.id) == JourneyMessageRow.run_id)
        .outerjoin(InteractionRow, col(InteractionRow.id) == JourneyRunRow.trigger_id)
        .where(col(JourneyMessageRow.id).in_(message_ids))
        .order_by(col(JourneyMessageRow.requested_at).desc(), col(JourneyMessageRow.id).desc())
    ).all()
    found = []
    for message, run, began in rows:
        one = version_of(db, message.journey, message.version)
        by_name = active_by_name(db, asked_by(one))
        gtin = run.about if one.trigger.kind in OF_GOODS else ""
        found.append(
            Why(
                message.id,
                one.trigger.kind,
                from_us(began.at_us) if began is not None else run.started_at,
                began.gtin if began is not None else gtin,
                run.location_id,
                message.state,
                message.reason,
                message.sent_at or message.taken_at or message.requested_at,
                tuple({segment.id: segment for segment in by_name.values()}.values()),
            )
        )
    return found


def segments_of(db: Session, sessions: Collection[str]) -> list[Segment]:
    """Return the segments that somebody is in."""
    inside = select(SegmentMemberRow.segment_id).where(col(SegmentMemberRow.home).in_(sessions))
    return queries.where(db, col(SegmentRow.id).in_(inside))


def audiences_of(db: Session, sessions: Collection[str]) -> list[Told]:
    """Return which advertisers have her address as a hash, or are being told of it."""
    rows = db.exec(
        select(AudienceRow.style, AudienceEntryRow.state, AudienceRow.segment_id)
        .join(AudienceRow, col(AudienceRow.id) == AudienceEntryRow.audience_id)
        .where(col(AudienceEntryRow.home).in_(sessions))
        .order_by(AudienceRow.segment_id, AudienceRow.style, AudienceEntryRow.state)
        .distinct()
    ).all()
    by_id = {
        one.id: one
        for one in queries.where(
            db, col(SegmentRow.id).in_({segment_id for *_, segment_id in rows})
        )
    }
    return [Told(style, state, by_id[segment_id]) for style, state, segment_id in rows]
