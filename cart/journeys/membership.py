"""In which segments people are when their runs come to a condition on one: asked for all at once.

Weighed by the segment's rule at that moment, not read from who was in it last: a run that is due
waits for no round of segments. What a rule looks at has to be allowed by her, or she is not in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlmodel import Session, col, or_, select

from cart.db.rows import TEXT, run
from cart.journeys.loading import version_of
from cart.journeys.model import Condition, Definition
from cart.journeys.ports import World
from cart.journeys.segments import queries
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import Consented, Group, InCart, Known, Leaf, Speaks, leaves
from cart.journeys.segments.tables import SegmentRow
from cart.journeys.segments.weighing import weigh
from cart.journeys.tables import JourneyRow, JourneyRunRow
from cart.kernel.clock import to_us
from cart.kernel.errors import Unavailable
from cart.profile.consent.model import Purpose

WEIGHED_MAX: Final = 500  # people in one round trip, as segments are kept
LIVE: Final = ("pending", "running")
# What is asked of these stands in her session or was said by her; all else is what she did.
_SAID: Final = (Consented, InCart, Known, Speaks)


@dataclass(frozen=True, slots=True)
class Membership:
    """What was found of somebody. ``inside``, ``gone``: as conditions name segments.

    ``gone``: no active segment has this name: it was ended, is a draft, or never was.
    """

    inside: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


NONE: Final = Membership()


def asked_by(one: Definition, step: int = 0) -> frozenset[str]:
    """Return the segments that the steps from this one on ask for, as they name them."""
    later = one.steps[step:]
    return frozenset(s.segment for s in later if isinstance(s, Condition) and s.segment)


def purposes_of(rule: Leaf | Group) -> frozenset[Purpose]:
    """Return what somebody has to have allowed before this rule may decide what she gets.

    Reminders are what she would get. A rule on what she did over her visits puts them together,
    which is what ``analytics`` says in words.
    """
    did = any(not isinstance(one, _SAID) for one in leaves(rule))
    return frozenset({Purpose.REMINDERS, Purpose.ANALYTICS} if did else {Purpose.REMINDERS})


def active_by_name(db: Session, names: Collection[str]) -> dict[str, Segment]:
    """Return the active segments that conditions name, by id or else by name; others are absent."""
    if not names:
        return {}
    fits = or_(col(SegmentRow.id).in_(names), col(SegmentRow.name).in_(names))
    found = queries.where(db, fits & (col(SegmentRow.state) == "active"))
    return {one.name: one for one in found} | {one.id: one for one in found}


def memberships(
    db: Session, world: World, asked: Mapping[str, frozenset[str]]
) -> dict[str, Membership]:
    """Return by home in which of the segments it is asked for somebody is, WEIGHED_MAX at a time.

    Raises:
        Unavailable: this process has no catalogue to weigh by.
    """
    names = frozenset[str]().union(*asked.values())
    if not names:
        return {}
    if world.catalogue is None:
        msg = "segments are asked for, and there is no catalogue"
        raise Unavailable(msg)
    segments = active_by_name(db, names)
    gone = names - segments.keys()
    needs = replace(queries.needs_of_all(segments.values()), consents=True)
    now_us = to_us(world.clock.now())
    homes = sorted(asked)
    said: dict[str, Membership] = {}
    for start in range(0, len(homes), WEIGHED_MAX):
        some = homes[start : start + WEIGHED_MAX]
        found = queries.find(db, world.catalogue, some, needs, now_us)
        for home in some:
            person = found.people.get(home)
            inside = frozenset(
                name
                for name in asked[home] & segments.keys()
                if person is not None
                and purposes_of(segments[name].rule) <= person.consents
                and weigh(segments[name].rule, person, found.places, now_us).met
            )
            said[home] = Membership(inside, asked[home] & gone)
    return said


def of_runs(db: Session, world: World, run_ids: Sequence[str]) -> dict[str, Membership]:
    """Return by home what the conditions ahead of these runs ask; of most journeys that is nothing.

    Two selects for a batch without segments; with them those of :func:`memberships`.
    """
    rows = run(
        db,
        "SELECT r.journey, r.version, r.step, COALESCE(j.to_session_id, r.session_id) FROM {rows}"
        " JOIN journey_run AS r ON r.id = d.id"
        " LEFT JOIN joining AS j ON j.from_session_id = r.session_id AND j.undone_at IS NULL",
        (("id", TEXT),),
        [(one,) for one in run_ids],
    )
    asked: dict[str, frozenset[str]] = {}
    walked = {pair: version_of(db, *pair) for pair in {(row[0], row[1]) for row in rows}}
    for journey, version, step, home in rows:
        names = asked_by(walked[journey, version], step)
        if names:
            asked[home] = asked.get(home, frozenset()) | names
    return memberships(db, world, asked)


def missing(db: Session, one: Definition) -> list[str]:
    """Return the segments that a journey asks for and no active segment is, in order."""
    names = asked_by(one)
    return sorted(names - active_by_name(db, names).keys())


def users_of(db: Session, segment: Segment) -> list[str]:
    """Return the journeys that are on and ask for a segment, in the versions that people walk."""
    walked = (
        select(JourneyRunRow.journey, JourneyRunRow.version)
        .join(JourneyRow, col(JourneyRow.name) == JourneyRunRow.journey)
        .where(col(JourneyRow.active), col(JourneyRunRow.state).in_(LIVE))
        .distinct()
    )
    newest = select(JourneyRow.name, JourneyRow.version).where(col(JourneyRow.active))
    versions = {*db.exec(newest).all(), *db.exec(walked).all()}
    named = {segment.id, segment.name}
    return sorted(
        {
            name
            for name, version in versions
            if not named.isdisjoint(asked_by(version_of(db, name, version)))
        }
    )
