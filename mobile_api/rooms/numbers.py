"""How long people in fitting rooms wait, for whoever watches shops: by location, nobody's name."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlmodel import Session, col, func, select

from gateway.monitor.exposition import Values
from gateway.rooms.answering import Moved
from gateway.rooms.model import OPEN
from gateway.rooms.tables import SizeRequestRow

# From a glance at the page to a walk to the stock room and back.
SECONDS: Final = (10, 20, 30, 60, 90, 120, 180, 240, 300, 600, 1_200)


class RoomNumbers:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def seconds(what: str, says: str) -> Histogram:
            return Histogram(
                f"carryover_api_size_{what}_seconds", says, ("location",),
                buckets=SECONDS, registry=registry,
            )  # fmt: skip

        self._answer = seconds("answer", "From a wish in a fitting room to staff's first word.")
        self._bring = seconds("bring", "From a wish in a fitting room to what was brought.")
        self._lapsed = Counter(
            "carryover_api_size_lapsed", "Wishes that nobody answered, or brought, in time.",
            ("location",), registry=registry,
        )  # fmt: skip

    def moved(self, moved: Moved) -> None:
        """Count what somebody of the staff did."""
        if moved.answered_s is not None:
            self._answer.labels(moved.location_id).observe(moved.answered_s)
        if moved.brought_s is not None:
            self._bring.labels(moved.location_id).observe(moved.brought_s)

    def lapsed(self, locations: Iterable[str]) -> None:
        """Count wishes that nobody met, by where they were."""
        for location_id in locations:
            self._lapsed.labels(location_id).inc()


def open_requests(db: Session) -> Values:
    """Return open size requests by state."""
    found = db.exec(
        select(SizeRequestRow.state, func.count())
        .where(col(SizeRequestRow.state).in_([one.value for one in OPEN]))
        .group_by(col(SizeRequestRow.state))
    ).all()
    return {(state.value,): dict(found).get(state.value, 0) for state in OPEN}
