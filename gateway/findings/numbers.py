"""What two devices with one spool, or somebody who plays old messages, cannot avoid in numbers.

An honest device gives each number once, and an event never changes: a start, a new
connection and a broker that brings a message twice all bring the same id with the same text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from sqlmodel import Session

from cart.db.rows import BIGINT, TEXT, run
from gateway.findings.service import Found
from gateway.findings.tables import FindingKind


class Event(Protocol):
    """What is asked of an event that was read."""

    @property
    def device_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def spool(self) -> str:
        """The spool that numbers it."""
        ...

    @property
    def event_id(self) -> str:
        """Its id."""
        ...

    @property
    def number(self) -> int:
        """Its sequence."""
        ...

    @property
    def kind(self) -> str:
        """Its type."""
        ...

    @property
    def at_us(self) -> int:
        """When it happened, by the device."""
        ...


def forked(fresh: Sequence[Event], marks: Mapping[tuple[str, str], int]) -> Iterable[Found]:
    """Yield what has a new id and an old number; ``fresh`` by device, spool and number.

    ``marks``: through which number each spool was stored before these came.
    """
    device_id, spool, number, mark = "", "", 0, 0
    for event in fresh:
        if event.device_id != device_id or event.spool != spool:
            device_id, spool, number = event.device_id, event.spool, 0
            mark = marks.get((device_id, spool), 0)
        if event.number <= mark or event.number == number:
            yield Found(
                device_id,
                FindingKind.FORKED,
                f"number {event.number} of {spool} came with another event before",
            )
        number = event.number


def altered(db: Session, again: Sequence[Event]) -> list[Found]:
    """Return which of these events, whose ids are known, are not what was stored under them."""
    changed = run(
        db,
        "SELECT e.device_id, e.event_id FROM {rows} JOIN device_event AS e"
        " ON e.device_id = d.device_id AND e.event_id = d.event_id"
        " WHERE e.type <> d.type OR e.at_us <> d.at_us",
        (("device_id", TEXT), ("event_id", TEXT), ("type", TEXT), ("at_us", BIGINT)),
        [(one.device_id, one.event_id, one.kind, one.at_us) for one in again],
    )
    return [changed_event(*row) for row in changed]


def changed_event(device_id: str, event_id: str) -> Found:
    """Return the finding that a known id came with something else in it."""
    return Found(device_id, FindingKind.FORKED, f"{event_id} came again as another event")
