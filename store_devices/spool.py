"""The device's spool: every event is in this file before it is sent, until a receipt covers it.

Owns one SQLite file: the events, their sequence numbers, the hybrid clock and
a few remembered values, so that a reboot loses none of them. It knows nothing
of MQTT, and never gives up a scan: when it is full, the oldest health events go.
A tablet has two: what people do, and telemetry (health), which has small limits.
Health that an older release left in the first is sent from there.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Final

from cart.kernel.clock import Clock, from_us, to_us
from cart.kernel.errors import SpoolFull, Unavailable
from cart.kernel.ids import Ids
from gateway.wire.codec import encode
from gateway.wire.events import SOURCE_PREFIX, DeviceEvent, HealthData
from gateway.wire.tracing import NOT_TRACED, TraceContext, Tracer
from store_devices.sayings import Saying, event_of

TELEMETRY_EVENTS_MAX: Final = 120
"""Two hours of a report a minute: longer ago nobody asks how a device was. The newest stay."""
TELEMETRY_BYTES_MAX: Final = 128 * 1024  # of 500 bytes each, and twice as much
EVENTS_MAX: Final = 20_000
"""A day of the busiest tablet is some 3,000 events; a week without a gateway fits."""
BYTES_MAX: Final = 16 * 1024 * 1024
"""What that many events of 600 bytes take, and a half more."""
RESERVE: Final = 2
"""Scans may fill this many times the limits before anybody is told to stop."""
BUSY_MS: Final = 5_000  # another process that looks into the file is done long before
STATE_VALUE_MAX_CHARS: Final = 262_144  # a visit of 200 lines takes a tenth of it

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS event (
  sequence INTEGER PRIMARY KEY,
  health INTEGER NOT NULL CHECK (health IN (0, 1)),
  payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS event_health ON event (sequence) WHERE health = 1;
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

Remember = Callable[[DeviceEvent], Mapping[str, str | None]]
"""What to remember together with an event: values by key, None forgets."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a spool may keep: soft limits, and how many times that for other than health."""

    events_max: int = EVENTS_MAX
    bytes_max: int = BYTES_MAX
    reserve: int = RESERVE
    pages_max: int | None = None  # of the file, 4 KiB each; None is SQLite's own limit


TELEMETRY_LIMITS: Final = Limits(TELEMETRY_EVENTS_MAX, TELEMETRY_BYTES_MAX, reserve=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """One event as it is to be sent now."""

    sequence: int
    payload: bytes


class Spool:
    """A bounded, durable queue of events. Safe to use from several threads."""

    id: str  # its name to the gateway; a new one when it turns out to be an old copy
    opened: str  # random at each opening: who hears two of one device in turns has found a clone

    def __init__(
        self,
        path: Path,
        *,
        device_id: str,
        clock: Clock,
        ids: Ids,
        limits: Limits | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Open ``path``, or make it with a fresh random spool id; ``tracer`` begins traces.

        Raises:
            Unavailable: the file cannot be opened or written.
        """
        self._source = SOURCE_PREFIX + device_id
        self._tracer = tracer
        self._clock = clock
        self._ids = ids
        self._limits = limits or Limits()
        self._lock = RLock()
        self._count = self._bytes = self._dropped = 0
        try:
            self._db = self._open(path)
        except sqlite3.Error as error:
            msg = f"the spool {path} does not open: {error}"
            raise Unavailable(msg) from error
        self.id = self._named()
        self.opened = ids.new("boot")
        self._load()

    def _open(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
        )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # an event is on the disk before it is sent
        db.execute("PRAGMA secure_delete = ON")  # a sent e-mail address is overwritten, not left
        if self._limits.pages_max is not None:
            db.execute(f"PRAGMA max_page_count = {self._limits.pages_max:d}")
        db.executescript(_SCHEMA)
        path.chmod(0o600)
        return db

    def _named(self) -> str:
        with self._write():
            found = self.recall("spool") or self._ids.new("spool")
            self._put("spool", found)
        return found

    def _load(self) -> None:
        self._sequence = int(self.recall("sequence") or 0)
        self._last_at_us = int(self.recall("last_at_us") or 0)
        self._offset_us = int(self.recall("offset_us") or 0)
        self._dropped = int(self.recall("dropped") or 0)
        self._count, self._bytes = self._db.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM event"
        ).fetchone()

    @contextmanager
    def _write(self) -> Iterator[None]:
        with self._lock:
            counted = (self._count, self._bytes, self._dropped)
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._count, self._bytes, self._dropped = counted
                if isinstance(error, sqlite3.Error):
                    # A full disk: what the log holds may fit into the file, and the log begins
                    # anew. Without it a receipt could not be written either, and free nothing.
                    self._sweep()
                    msg = f"the spool cannot be written: {error}"
                    raise Unavailable(msg) from error
                raise

    def __len__(self) -> int:
        """Return the number of events that wait for a receipt."""
        return int(self._count)

    @property
    def size_bytes(self) -> int:
        """The payload bytes that wait."""
        return int(self._bytes)

    @property
    def dropped(self) -> int:
        """How many health events were given up, ever."""
        return self._dropped

    @property
    def sequence(self) -> int:
        """The number of the last event, 0 before the first."""
        return self._sequence

    @property
    def offset_us(self) -> int:
        """What is added to this machine's clock to get the server's time."""
        return self._offset_us

    def add(self, data: Saying, remember: Remember | None = None) -> DeviceEvent:
        """Number, stamp and keep one event; on return it is on the disk.

        Raises:
            SpoolFull: no room: for health over the limits with nothing to give
                up, for all else over the reserve. Nothing has changed.
            Unavailable: the disk is full or broken. Nothing has changed.
        """
        health = isinstance(data, HealthData)
        part = None
        if self._tracer is not None and not health:
            part = self._tracer.begin("device keep", kind="producer")
        try:
            trace = NOT_TRACED if part is None else part.context
            return self._add(data, remember, health=health, trace=trace)
        finally:
            if part is not None:
                part.end()

    def _add(
        self, data: Saying, remember: Remember | None, *, health: bool, trace: TraceContext
    ) -> DeviceEvent:
        with self._lock:
            at_us = self._stamp_us()
            sequence = self._sequence + 1
            event = event_of(
                data,
                id=self._ids.new("evt"),
                source=self._source,
                time=from_us(at_us),
                spool=self.id,
                sequence=sequence,
                trace=trace,
            )
            payload = encode(event)
            refused = False
            with self._write():
                refused = not self._make_room(len(payload), health=health)
                if not refused:
                    self._insert(sequence, payload, health=health)
                    self._put("sequence", str(sequence))
                    self._put("last_at_us", str(at_us))
                    for key, value in (remember(event) if remember else {}).items():
                        self._put(key, value)
                elif health:
                    self._drop(1)
            if refused:
                msg = f"the spool is full: {self._count} events, {self._bytes} bytes"
                raise SpoolFull(msg, events=int(self._count), bytes=int(self._bytes))
            self._sequence, self._last_at_us = sequence, at_us
            return event

    def _stamp_us(self) -> int:
        """Hybrid: the server's time as far as we know it, and never backwards."""
        return max(to_us(self._clock.now()) + self._offset_us, self._last_at_us + 1)

    def _make_room(self, size_bytes: int, *, health: bool) -> bool:
        limits = self._limits
        while self._count + 1 > limits.events_max or self._bytes + size_bytes > limits.bytes_max:
            oldest = self._db.execute(
                "SELECT sequence, length(payload) FROM event WHERE health = 1"
                " ORDER BY sequence LIMIT 1"
            ).fetchone()
            if oldest is None:
                break
            self._db.execute("DELETE FROM event WHERE sequence = ?", (oldest[0],))
            self._count -= 1
            self._bytes -= oldest[1]
            self._drop(1)
        factor = 1 if health else limits.reserve
        return bool(
            self._count + 1 <= limits.events_max * factor
            and self._bytes + size_bytes <= limits.bytes_max * factor
        )

    def _drop(self, count: int) -> None:
        self._dropped += count
        self._put("dropped", str(self._dropped))

    def _insert(self, sequence: int, payload: bytes, *, health: bool) -> None:
        self._db.execute(
            "INSERT INTO event (sequence, health, payload) VALUES (?, ?, ?)",
            (sequence, health, payload),
        )
        self._count += 1
        self._bytes += len(payload)

    def receipt(self, spool: str, stored_through: int) -> int:
        """Forget everything through ``stored_through``; return how many events that were.

        A receipt for another spool id (of a file that was lost) changes nothing.

        Raises:
            Unavailable: the disk refuses; the events stay and are sent again.
        """
        if spool != self.id:
            return 0
        with self._write():
            count, size_bytes = self._db.execute(
                "SELECT count(*), coalesce(sum(length(payload)), 0) FROM event WHERE sequence <= ?",
                (stored_through,),
            ).fetchone()
            self._db.execute("DELETE FROM event WHERE sequence <= ?", (stored_through,))
            self._count -= count
            self._bytes -= size_bytes
        if count and not self._count:
            self._sweep()
        return int(count)

    def begin_anew(self) -> None:
        """Give what is kept a new spool id and new numbers: this file was put back from a copy.

        Raises:
            Unavailable: the disk refuses; nothing has changed.
        """
        with self._lock:
            fresh = self._ids.new("spool")
            with self._write():
                asked = self._db.execute("SELECT health, payload FROM event ORDER BY sequence")
                kept = asked.fetchall()
                self._db.execute("DELETE FROM event")
                self._count = self._bytes = 0
                for number, (health, payload) in enumerate(kept, start=1):
                    event = json.loads(payload) | {"spool": fresh, "sequence": number}
                    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
                    self._insert(number, text.encode(), health=bool(health))
                self._put("spool", fresh)
                self._put("sequence", str(len(kept)))
            self.id, self._sequence = fresh, len(kept)

    def _sweep(self) -> None:
        """Empty the write-ahead log, so that nothing deleted can be read in any file."""
        with self._lock, suppress(sqlite3.Error):  # a later receipt does it then
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def pending(self, after: int = 0, limit: int = 100) -> list[Kept]:
        """Return up to ``limit`` kept events past sequence ``after``, in order, ready to send.

        ``previous`` is filled in as of now: the kept event before, 0 if none.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT sequence, payload FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
                (after, limit),
            ).fetchall()
            (before,) = self._db.execute(
                "SELECT coalesce(max(sequence), 0) FROM event WHERE sequence <= ?", (after,)
            ).fetchone()
        kept: list[Kept] = []
        for sequence, payload in rows:
            kept.append(Kept(sequence, _with_previous(payload, before)))
            before = sequence
        return kept

    def count_through(self, sequence: int) -> int:
        """Return how many kept events have a number up to ``sequence``."""
        with self._lock:
            (count,) = self._db.execute(
                "SELECT count(*) FROM event WHERE sequence <= ?", (sequence,)
            ).fetchone()
        return int(count)

    def learn(self, offset_us: int) -> None:
        """Remember how far this machine's clock is behind the server's, in microseconds."""
        with self._write():
            self._put("offset_us", str(offset_us))
        self._offset_us = offset_us

    def observe(self, moment: datetime) -> None:
        """Let every later event carry a later time than ``moment``."""
        at_us = max(self._last_at_us, to_us(moment))
        with self._write():
            self._put("last_at_us", str(at_us))
        self._last_at_us = at_us

    def server_now(self) -> datetime:
        """Return the time as the server has it, as far as we know."""
        return from_us(to_us(self._clock.now()) + self._offset_us)

    def recall(self, key: str) -> str | None:
        """Return what was remembered under ``key``."""
        with self._lock:
            row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, key: str, value: str | None) -> None:
        """Remember ``value`` under ``key`` over a reboot; None forgets.

        Raises:
            Unavailable: the disk refuses; the old value stays.
        """
        with self._write():
            self._put(key, value)

    def _put(self, key: str, value: str | None) -> None:
        if value is None:
            self._db.execute("DELETE FROM state WHERE key = ?", (key,))
            return
        if len(value) > STATE_VALUE_MAX_CHARS:
            msg = f"a value of {len(value)} characters is too long to remember"
            raise Unavailable(msg, key=key)
        self._db.execute(
            "INSERT INTO state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def close(self) -> None:
        """Close the file; what it keeps is there at the next start."""
        with self._lock:
            self._db.close()


def _with_previous(payload: bytes, previous: int) -> bytes:
    event = json.loads(payload)
    event["previous"] = previous
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
