"""Buries messages, and says what became of those that were tried again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import null
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, and_, col, delete, func, or_, select

from cart.db import is_sqlite
from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError, NotFound
from cart.kernel.ids import Ids
from gateway.dead_letters.tables import DeadLetterRow
from gateway.wire.topics import TOPIC_LENGTH_MAX

DETAIL_MAX = 500
PAYLOAD_KEPT_MAX_BYTES = 262_144  # a larger one cannot have come through the broker's limit
OUTCOME_DONE = "done"
# An operator comes back from a holiday; an address in a letter is not kept for ever.
KEPT = timedelta(days=30)
DONE_KEPT = timedelta(days=7)  # as long as the address of a list that was sent
BURIED_AT_ONCE_MAX = 1_000  # rows of one insert: 9 values each, and SQLite takes 32,766 of them
FORGOTTEN_AT_ONCE_MAX = 1_000  # a sweep must not hold the writer's lock for long


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that could not be done."""

    device_id: str
    topic: str
    payload: bytes
    error: CarryoverError


def bury(db: Session, clock: Clock, ids: Ids, letters: Sequence[Letter]) -> None:
    """Keep each message with its reason; one that was kept before counts up.

    As many statements for a batch of bad messages as for one.
    """
    now = clock.now()
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for letter in letters:
        payload, topic = letter.payload[:PAYLOAD_KEPT_MAX_BYTES], letter.topic[:TOPIC_LENGTH_MAX]
        digest = hashlib.sha256(payload).hexdigest()
        row = rows.setdefault(
            (topic, digest),
            {
                "id": ids.new("dead"),
                "device_id": letter.device_id,
                "topic": topic,
                "payload": payload,
                "payload_hash": digest,
                "received_at": now,
                "last_at": now,
                "times": 0,
                "outcome": "",
            },
        )
        row["times"] = int(str(row["times"])) + 1
        row["reason"], row["detail"] = letter.error.code, _said(letter.error)
    in_order = [rows[key] for key in sorted(rows)]  # two gateways lock them in one order
    for start in range(0, len(in_order), BURIED_AT_ONCE_MAX):
        _write(db, in_order[start : start + BURIED_AT_ONCE_MAX])


def _write(db: Session, rows: Sequence[dict[str, object]]) -> None:
    connection = db.connection()
    insert = (
        sqlite.insert(DeadLetterRow) if is_sqlite(connection) else postgresql.insert(DeadLetterRow)
    )
    fresh = insert.excluded
    connection.execute(
        insert.values(rows).on_conflict_do_update(
            index_elements=["topic", "payload_hash"],
            set_={
                "times": col(DeadLetterRow.times) + fresh.times,
                "last_at": fresh.last_at,
                "reason": fresh.reason,
                "detail": fresh.detail,
                "replayed_at": null(),
                "outcome": "",
            },
        )
    )


def _said(error: CarryoverError) -> str:
    """Return the error's sentence as any database takes it: it may quote what a device sent."""
    sentence = error.message.replace("\x00", "")[:DETAIL_MAX]
    return sentence.encode(errors="replace").decode()


def listed(
    db: Session, *, limit: int, reason: str | None = None, every: bool = False
) -> Sequence[DeadLetterRow]:
    """Return dead letters, newest first; those done by a replay only with ``every``."""
    query = select(DeadLetterRow).order_by(col(DeadLetterRow.last_at).desc()).limit(limit)
    if reason:
        query = query.where(DeadLetterRow.reason == reason)
    if not every:
        query = query.where(DeadLetterRow.outcome != OUTCOME_DONE)
    return db.exec(query).all()


def counted(db: Session) -> int:
    """Return how many dead letters wait for someone."""
    query = select(func.count()).where(DeadLetterRow.outcome != OUTCOME_DONE)
    return db.exec(query).one()


def letter(db: Session, letter_id: str) -> DeadLetterRow:
    """Return one dead letter.

    Raises:
        NotFound: there is none with this id.
    """
    found = db.get(DeadLetterRow, letter_id, populate_existing=True)
    if found is None:
        msg = f"there is no dead letter {letter_id}"
        raise NotFound(msg, letter_id=letter_id)
    return found


def settle(db: Session, clock: Clock, letter_id: str, error: CarryoverError | None) -> None:
    """Note how a replay went; ``error`` None: it is done."""
    found = letter(db, letter_id)
    found.replayed_at = clock.now()
    found.outcome = OUTCOME_DONE if error is None else error.code
    if error is not None:
        found.reason, found.detail = error.code, _said(error)
    db.add(found)
    db.flush()


def forget(db: Session, clock: Clock) -> int:
    """Delete letters that did not come again for KEPT, a bounded number at once; return how many.

    One that a replay has done is over sooner: what it asked for is in the tables.
    """
    now = clock.now()
    done = col(DeadLetterRow.outcome) == OUTCOME_DONE
    old = (
        select(DeadLetterRow.id)
        .where(
            or_(
                col(DeadLetterRow.last_at) < now - KEPT,
                and_(done, col(DeadLetterRow.replayed_at) < now - DONE_KEPT),
            )
        )
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    gone = db.exec(delete(DeadLetterRow).where(col(DeadLetterRow.id).in_(old)))
    return int(gone.rowcount)
