"""The serving places of a shop as they are shown: how many, how long, where else, and her turn.

Of people who were only seen no number below the minimum group leaves this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from gateway.floor import turns
from gateway.floor.model import Serves, TurnState
from gateway.floor.queries import told
from gateway.floor.serving import Queue, queues
from gateway.floor.tables import TurnRow
from gateway.floor.waiting import TOLD_MAX_MINUTES, better
from inventory_api.catalogue.tables import ZoneRow
from mobile_api.look.words import Words
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """Her turn at a place. ``before``: turns that are called sooner; ``again``: she may wait on."""

    number: int
    state: TurnState
    before: int
    minutes: int
    come_by: datetime | None
    again: bool


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A place that serves. ``people`` with a band are there, None: a few; ``waiting``: turns."""

    zone_id: str
    name: str
    serves: Serves
    people: int | None
    waiting: int
    minutes: int
    measured: bool
    elsewhere: str  # the name of a place of the same kind with less waiting, "" for none
    elsewhere_minutes: int
    turn: ShownTurn | None

    @property
    def order(self) -> int:
        """Where it stands on her page: what calls her first, then what she waits for."""
        states = (TurnState.CALLED, TurnState.WAITING, TurnState.MISSED)
        state = self.turn.state if self.turn else None
        return states.index(state) if state in states else len(states)


@dataclass(frozen=True, slots=True)
class ShownQueues:
    """All of a shop. ``now``: by the server's clock, for what counts down."""

    location_id: str
    place: str
    now: datetime
    places: tuple[ShownPlace, ...]

    @property
    def called(self) -> bool:
        """Whether she is called anywhere."""
        return any(one.turn and one.turn.state is TurnState.CALLED for one in self.places)


def zone_names(db: Session, spoken: Words, location_id: str) -> dict[str, str]:
    """Return what the zones of a location are called, in a language."""
    rows = db.exec(select(ZoneRow).where(ZoneRow.location_id == location_id))
    return {row.zone_id: spoken.of(row.name_i18n, row.name) for row in rows}


def shown(
    wired: Parts, db: Session, spoken: Words, location_id: str, session_id: str | None
) -> ShownQueues:
    """Return the serving places as this shopper sees them, hers first.

    Raises:
        UnknownLocation: there is none of this id.
    """
    facts = wired.shop.locations.facts(db, location_id)
    every = queues(db, wired.clock, location_id)
    hers = turns.latest(db, wired.clock, location_id, session_id) if session_id else {}
    before = _before(turns.open_turns(db, location_id)) if hers else {}
    names = zone_names(db, spoken, location_id)
    places = []
    for one in every:
        wait = one.wait()
        others = [
            (other.zone_id, other.wait())
            for other in every
            if other.serves is one.serves and other is not one
        ]
        found = better(wait, others)
        places.append(
            ShownPlace(
                zone_id=one.zone_id,
                name=names.get(one.zone_id) or one.zone_id,
                serves=one.serves,
                people=told(one.present),
                waiting=one.waiting + one.called,
                minutes=wait.minutes,
                measured=wait.measured,
                elsewhere=names.get(found) or found if found else "",
                elsewhere_minutes=dict(others)[found].minutes if found else 0,
                turn=_turn(wired, one, hers.get(one.zone_id), before),
            )
        )
    return ShownQueues(
        location_id,
        spoken.of(facts.name_i18n, facts.name),
        wired.clock.now(),
        tuple(sorted(places, key=lambda place: (place.order, place.name))),
    )


def _before(rows: Sequence[TurnRow]) -> dict[str, int]:
    """Return how many turns wait before each, by its id."""
    counts: dict[str, int] = {}
    found = {}
    for row in rows:
        if row.state == TurnState.WAITING:
            found[row.id] = counts.get(row.zone_id, 0)
            counts[row.zone_id] = found[row.id] + 1
    return found


def _turn(
    wired: Parts, queue: Queue, row: TurnRow | None, before: dict[str, int]
) -> ShownTurn | None:
    if row is None or row.state in (TurnState.GAVE_UP, TurnState.CAME):
        return None
    ahead = before.get(row.id, 0)
    called_at = row.called_at if row.state == TurnState.CALLED else None
    return ShownTurn(
        number=row.number,
        state=TurnState(row.state),
        before=ahead,
        minutes=min(queue.wait(ahead).minutes, TOLD_MAX_MINUTES),
        come_by=called_at + turns.CALL_LASTS if called_at else None,
        again=turns.may_come_again(row, wired.clock),
    )
