"""Words and arithmetic of picking and the desk. Pure: no database, no time of its own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

from cart.orders.model import OrderState
from cart.picking.roles import May, Role, may

# One person with one trolley: more orders at once, and pieces end in the wrong bag.
WALK_TASKS_MAX: Final = 6
PLACE_UNKNOWN: Final = 2_000_000_000  # last in every walk: ask a colleague where it lies
QUARTER: Final = timedelta(minutes=15)  # promises are made by the quarter hour

# Until a shop has figures of its own: to a bay, find, scan, go on is about three quarters
# of a minute a piece on a shop floor. The phone says "about" while this stands in.
SECONDS_PER_PIECE_ASSUMED: Final = 45.0
# A median of fewer is one person's bad day; of more than 30, last month's staff.
WALKS_MEASURED_MIN, WALKS_MEASURED_MAX = 5, 30
MEASURED_SINCE: Final = timedelta(days=14)  # this season's shelves and this week's staff
# A promise that lies further off is kept at its time, not as soon as hands are free.
SOON: Final = timedelta(minutes=30)


# Unused for so long, a session wants its PIN again. Between two picks lie minutes; a lead's
# device hands over without a code, so it lies open less long, and so do those of who may more.
LOCKED_AFTER: Final[Mapping[Role, timedelta]] = {
    Role.ASSOCIATE: timedelta(minutes=15),
    Role.LEAD: timedelta(minutes=10),
    Role.MANAGER: timedelta(minutes=10),
    Role.MARKETER: timedelta(minutes=10),
}


class TaskState(StrEnum):
    """Where a pick task stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"  # one of the staff holds it
    STAGED = "staged"  # on a shelf at the desk
    CANCELLED = "cancelled"  # nothing is left to fetch


TASK_OPEN: Final = (TaskState.WAITING, TaskState.CLAIMED)
BEING_PICKED: Final = (OrderState.PLACED, OrderState.PICKING)


class OfferState(StrEnum):
    """Where a substitution stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"


class ShortReason(StrEnum):
    """Why pieces cannot be picked. The first two are off the shelf and leave the ledger."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    OTHER = "other"


class ReturnReason(StrEnum):
    """Why pieces came back."""

    UNWANTED = "unwanted"
    UNSUITABLE = "unsuitable"  # size, colour
    DAMAGED = "damaged"
    WRONG = "wrong"  # not what was ordered
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who is signed in. ``touch_due``: note that she was seen, it is a minute ago."""

    id: str
    location_id: str
    number: str
    name: str
    role: Role
    touch_due: bool = False

    @property
    def is_lead(self) -> bool:
        """Say whether she may do what a lead may and an associate may not."""
        return self.may(May.LEAD)

    @property
    def on_the_floor(self) -> bool:
        """Say whether she picks and hands over."""
        return self.may(May.FLOOR)

    def may(self, what: May) -> bool:
        """Say whether her role does this."""
        return may(self.role, what)

    @property
    def locked_after_s(self) -> int:
        """Return after how many seconds without a hand on it her device is locked."""
        return int(LOCKED_AFTER[self.role].total_seconds())


@dataclass(frozen=True, slots=True)
class Changed:
    """An order that a command has changed, for whoever tells pages and colleagues.

    ``refunds``: money that is owed back now.
    """

    order_id: str
    version: int
    location_id: str
    refunds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that was staged: what one walk's time is measured by."""

    walk_id: str
    started_at: datetime
    finished_at: datetime
    pieces: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a location picks. ``measured`` false: too few walks, so it is assumed."""

    seconds_per_piece: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open task as the order of the queue sees it. ``pieces``: not fetched yet."""

    order_id: str
    promise_at: datetime
    here_at: datetime | None
    pieces: int

    @property
    def turn(self) -> tuple[datetime, bool, datetime, str]:
        """Its place: by quarter hour of the promise, then who stands at the desk, then the rest."""
        here = self.here_at is not None
        return (quarter(self.promise_at), not here, self.here_at or self.promise_at, self.order_id)


def quarter(moment: datetime) -> datetime:
    """Return the beginning of the quarter hour that holds ``moment``."""
    return moment - timedelta(
        minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond
    )


def pace(finished: Iterable[Finished]) -> Pace:
    """Return the median seconds per piece of whole walks.

    By walk, not by task: tasks that were picked together all lasted as long as
    their walk, and would count its time several times over.
    """
    walks: defaultdict[str, list[Finished]] = defaultdict(list)
    for one in finished:
        walks[one.walk_id].append(one)
    samples = [_seconds_per_piece(walk) for walk in walks.values()][:WALKS_MEASURED_MAX]
    if len(samples) < WALKS_MEASURED_MIN:
        return Pace(SECONDS_PER_PIECE_ASSUMED, measured=False)
    return Pace(median(samples), measured=True)


def _seconds_per_piece(walk: Sequence[Finished]) -> float:
    begun = min(one.started_at for one in walk)
    ended = max(one.finished_at for one in walk)
    pieces = sum(one.pieces for one in walk)
    return max(0.0, (ended - begun).total_seconds()) / max(1, pieces)


def wait(pieces_ahead: int, own_pieces: int, seconds_per_piece: float, staff: int) -> timedelta:
    """Return how long until an order is staged: the queue is shared, the order is one person's."""
    ahead_s = pieces_ahead * seconds_per_piece / max(1, staff)
    return timedelta(seconds=round(ahead_s + own_pieces * seconds_per_piece))
