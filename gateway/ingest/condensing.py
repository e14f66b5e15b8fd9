"""Condenses events of long ago: of each some twelve bytes stay, by which it counts once for ever.

A chunk is one transaction: whoever is killed between two has lost nothing. Its locks: the
device's streams in the order in which ingest takes them, then rows of events that are committed,
which nobody else locks. Ingest may wait for such a row, and holds no stream then.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from cart.db import is_sqlite, reading, unit_of_work
from cart.kernel.clock import Clock, to_us
from gateway.ingest.digests import EMPTY, SLOT_BYTES, slot, take_back
from gateway.ingest.tables import DeviceEventPastRow, DeviceStreamRow

logger = logging.getLogger(__name__)

CHUNK_MAX: Final = 500  # events of one transaction: other writers wait as long
PACK_MAX: Final = 1_000  # numbers of one row
HOLE_MAX: Final = 16  # empty slots in a row; a new row costs as much as so many
SPAN_MAX_US: Final = 90 * 86_400_000_000  # a clock that was wrong spoils no search by time
PAUSE_S: Final = 0.1
EVERY_S: Final = 6 * 3600.0
# The gateways of the version before are renewed by then: they know no digests.
FIRST_S: Final = 900.0
AGAIN_S: Final = 60.0
STOP_WAIT_S: Final = 5.0


class Place(NamedTuple):
    """Where the next chunk of a device begins: behind this event."""

    received_at_us: int = 0
    spool: str = ""
    sequence: int = -1
    event_id: str = ""


class Old(NamedTuple):
    """An event that may be condensed."""

    received_at_us: int
    spool: str
    sequence: int
    event_id: str
    type: str
    at_us: int

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(*self[:4])


_OLD: Final = text(
    "SELECT received_at_us, spool, sequence, event_id, type, at_us FROM device_event"
    " WHERE device_id = :device_id AND received_at_us >= :received_at_us"
    " AND received_at_us < :before_us AND (received_at_us, spool, sequence, event_id)"
    " > (:received_at_us, :spool, :sequence, :event_id)"
    " ORDER BY received_at_us, spool, sequence, event_id LIMIT :max"
)


def old(db: Session, device_id: str, after: Place, before_us: int, most: int) -> list[Old]:
    """Return up to ``most`` events of a device that were received before a time, in order."""
    bound = {"device_id": device_id, "before_us": before_us, "max": most, **after._asdict()}
    return [Old(*row) for row in db.connection().execute(_OLD, bound)]


def condense(db: Session, device_id: str, after: Place, before_us: int) -> Place | None:
    """Condense a chunk in this unit of work; return where the next begins, none: it was the last.

    ``before_us``: only what was received before. Left as they are: what waits for a missing
    number, another event under a number that is taken, and what came after later ones had been
    condensed. They go on counting once by their rows.
    """
    asked = (
        select(DeviceStreamRow)
        .where(DeviceStreamRow.device_id == device_id)
        .order_by(col(DeviceStreamRow.spool))
    )
    if not is_sqlite(db.connection()):
        asked = asked.with_for_update()
    streams = {row.spool: row for row in db.exec(asked)}
    found = old(db, device_id, after, before_us, CHUNK_MAX)
    by_spool: defaultdict[str, list[Old]] = defaultdict(list)
    for one in found:
        by_spool[one.spool].append(one)
    gone: list[tuple[str, str]] = []
    for spool, events in by_spool.items():
        if spool in streams:
            taken = _pack(db, streams[spool], sorted(events, key=lambda one: one.sequence))
            gone += [(device_id, one.event_id) for one in taken]
    db.flush()
    take_back(db, gone)
    return found[-1].place if len(found) == CHUNK_MAX else None


def _pack(db: Session, stream: DeviceStreamRow, events: list[Old]) -> list[Old]:
    pack = db.exec(
        select(DeviceEventPastRow)
        .where(
            DeviceEventPastRow.device_id == stream.device_id,
            DeviceEventPastRow.spool == stream.spool,
        )
        .order_by(col(DeviceEventPastRow.first).desc())
        .limit(1)
    ).first()
    taken: list[Old] = []
    slots = bytearray(pack.digests if pack else b"")
    for one in events:
        if not stream.condensed_through < one.sequence <= stream.stored_through:
            continue
        if pack is None or not _fits(pack, one):
            if pack is not None:
                pack.digests = bytes(slots)
            pack = DeviceEventPastRow(
                device_id=stream.device_id,
                spool=stream.spool,
                first=one.sequence,
                last=one.sequence - 1,
                earliest_us=one.at_us,
                latest_us=one.at_us,
                events=0,
                digests=b"",
            )
            db.add(pack)
            slots = bytearray()
        slots += EMPTY * (one.sequence - pack.first - len(slots) // SLOT_BYTES)
        slots += slot(one.event_id, one.type, one.at_us)
        pack.last = one.sequence
        pack.events += 1
        pack.earliest_us = min(pack.earliest_us, one.at_us)
        pack.latest_us = max(pack.latest_us, one.at_us)
        stream.condensed_through = one.sequence
        stream.condensed_at_us = max(stream.condensed_at_us, one.at_us)
        taken.append(one)
    if pack is not None and taken:
        pack.digests = bytes(slots)
    return taken


def _fits(pack: DeviceEventPastRow, one: Old) -> bool:
    span_us = max(pack.latest_us, one.at_us) - min(pack.earliest_us, one.at_us)
    return (
        one.sequence - pack.first < PACK_MAX
        and one.sequence - pack.last <= HOLE_MAX
        and span_us <= SPAN_MAX_US
    )


class Condenser:
    """A thread that condenses what is old enough, chunk by chunk, with pauses."""

    def __init__(
        self, engine: Engine, clock: Clock, *, keep_days: int, is_ours: Callable[[], bool]
    ) -> None:
        self._engine, self._clock, self._is_ours = engine, clock, is_ours
        self._keep = timedelta(days=keep_days)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="condense", daemon=True)

    def start(self) -> None:
        """Begin, a quarter of an hour from now."""
        self._thread.start()

    def stop(self) -> None:
        """End after the chunk in hand."""
        self._stopping.set()
        self._thread.join(STOP_WAIT_S)

    def look(self) -> None:
        """Condense all that is old enough now, unless stopped."""
        before_us = to_us(self._clock.now() - self._keep)
        with reading(self._engine) as db:
            devices = db.exec(select(DeviceStreamRow.device_id).distinct()).all()
        for device_id in devices:
            place: Place | None = Place()
            with reading(self._engine) as db:  # nearly always none: then nobody waits for a writer
                if not old(db, device_id, place or Place(), before_us, 1):
                    continue
            while place is not None:
                if not self._is_ours() or self._stopping.is_set():
                    return
                with unit_of_work(self._engine) as db:
                    place = condense(db, device_id, place, before_us)
                self._stopping.wait(PAUSE_S)

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._stopping.wait(wait_s):
            wait_s = EVERY_S
            if not self._is_ours():
                wait_s = AGAIN_S
                continue
            try:
                self.look()
            except SQLAlchemyError as error:
                logger.warning("old events will be condensed later: %s", error)
                wait_s = AGAIN_S
