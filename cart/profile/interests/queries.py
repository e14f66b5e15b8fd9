"""Reads a person's interests: derived at the moment of asking, and kept nowhere.

Her own page may always show her own. Anybody else asks :func:`for_marketers`, which asks her
consent first, in the same transaction.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, Protocol

from sqlmodel import Session, col, select

from cart.db.rows import TEXT, run
from cart.profile.consent.gate import need
from cart.profile.consent.model import Purpose, Subject
from cart.profile.interests.model import Facet, Interest, Said, Traits, Word, derive
from cart.profile.interests.tables import InterestWordRow
from cart.profile.timeline import queries as timeline

TOUCHES_MAX: Final = 2_000  # the newest; older ones of so busy a person say nothing more
WORDS_MAX: Final = 500  # as many as she may have said; the service refuses more


class TraitsLookup(Protocol):
    """Finds what the catalogue says of articles; unknown ones are absent."""

    def __call__(self, db: Session, gtins: Collection[str]) -> Mapping[str, Traits]:
        """Return traits by GTIN."""
        ...


def words_of(db: Session, home: str) -> list[Word]:
    """Return what a person said about her interests, the newest first."""
    found = db.exec(
        select(InterestWordRow)
        .where(InterestWordRow.session_id == home)
        .order_by(col(InterestWordRow.at).desc(), col(InterestWordRow.facet))
        .limit(WORDS_MAX)
    )
    return [
        Word(Facet(row.facet), row.value, Said(row.said), row.at, size=row.size) for row in found
    ]


def interests_of(
    db: Session, home: str, traits: TraitsLookup, now: datetime
) -> tuple[list[Interest], Mapping[str, Traits]]:
    """Return a person's interests, and the traits of the articles that they come from."""
    touches = [one.interaction for one in timeline.story(db, home, TOUCHES_MAX)]
    known = traits(db, {one.gtin for one in touches if one.gtin})
    return derive(touches, known, words_of(db, home), now), known


def for_marketers(
    db: Session, home: str, traits: TraitsLookup, now: datetime
) -> tuple[list[Interest], Mapping[str, Traits]]:
    """Return a person's interests for somebody else's eyes.

    Raises:
        ConsentMissing: she has not allowed analytics.
    """
    need(db, subject_of(db, home), Purpose.ANALYTICS, signal=False)
    return interests_of(db, home, traits, now)


def subject_of(db: Session, home: str) -> Subject | None:
    """Return who decides for a home: its customer, or the anonymous session itself."""
    asked = "SELECT s.customer_id FROM {rows} JOIN shopper_session AS s ON s.id = d.id"
    found = run(db, asked, (("id", TEXT),), [(home,)])
    if not found:
        return None
    customer_id = found[0][0]
    return Subject(customer_id=customer_id) if customer_id else Subject(session_id=home)
