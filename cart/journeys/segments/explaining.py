"""Why somebody is in a segment, or is not: the verdict on each condition, with its evidence."""

from dataclasses import dataclass

from sqlmodel import Session

from cart.journeys.segments import queries
from cart.journeys.segments.person import Catalogue, Person
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.weighing import Verdict, weigh
from cart.kernel.clock import Clock, to_us


@dataclass(frozen=True, slots=True)
class Why:
    """``inside``: she is a member now. ``verdict``: what her touches of this moment say."""

    segment: Segment
    person: Person
    inside: bool
    verdict: Verdict


def explain(
    db: Session, clock: Clock, catalogue: Catalogue, segment: Segment, home: str
) -> Why | None:
    """Return why somebody is in a segment, None if this is nobody's home."""
    now_us = to_us(clock.now())
    found = queries.find(db, catalogue, [home], segment.needs, now_us)
    person = found.people.get(home)
    if person is None:
        return None
    verdict = weigh(segment.rule, person, found.places, now_us)
    return Why(segment, person, (segment.id, home) in found.memberships, verdict)
