"""Begin, finish and forget a request under its Idempotency-Key.

Source of the rules: draft-ietf-httpapi-idempotency-key-header. Knows nothing
of HTTP beyond a status number; the caller's unit of work holds key and effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from cart.db import is_sqlite
from cart.db.rows import INTEGER, TEXT, Ask, run_together
from cart.idempotency.tables import RequestKeyRow
from cart.kernel.clock import Clock
from cart.kernel.errors import IdempotencyKeyReused, InFlight
from cart.kernel.ids import secret_hash

# A phone that was offline over a weekend may still repeat its last request.
KEPT = timedelta(days=7)
_KEEP = insert(RequestKeyRow)
_COLUMNS = (
    ("key_hash", TEXT),
    ("request_hash", TEXT),
    ("session_id", TEXT),
    ("salt", TEXT),
    ("status", INTEGER),
    ("body", TEXT),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_KEEP_MANY = (
    f"INSERT INTO request_key ({_NAMES}, created_at)"  # noqa: S608 - our own names
    f" SELECT {_NAMES}, :now FROM {{rows}}"
)
_IN_FLIGHT = "the same request is being worked on"
FORGOTTEN_AT_ONCE_MAX = 1_000  # a sweep must not hold the writer's lock for long


def begin(db: Session, clock: Clock, *, key: str, request_hash: str) -> RequestKeyRow:
    """Return the row of ``key``: fresh (``status`` 0: do the work), or with its answer.

    Raises:
        IdempotencyKeyReused: the key came before, with another request.
        InFlight: another process is working on it (PostgreSQL; SQLite waits instead).
    """
    key_hash = secret_hash(key)
    connection = db.connection()
    if not is_sqlite(connection):
        locked = connection.execute(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key_hash}
        ).scalar()
        if not locked:
            msg = "the same request is being worked on"
            raise InFlight(msg)
    known = db.exec(select(RequestKeyRow).where(RequestKeyRow.key_hash == key_hash)).first()
    if known is not None:
        if known.request_hash != request_hash:
            msg = "this Idempotency-Key was used with another request"
            raise IdempotencyKeyReused(msg)
        return known
    return RequestKeyRow(key_hash=key_hash, request_hash=request_hash, created_at=clock.now())


def finish(
    db: Session, row: RequestKeyRow, *, status: int, body: str, session_id: str, salt: str
) -> None:
    """Keep the answer of a fresh row beside the effect.

    Raises:
        InFlight: as :func:`keep`.
    """
    values = {
        "key_hash": row.key_hash,
        "request_hash": row.request_hash,
        "session_id": session_id,
        "salt": salt,
        "status": status,
        "body": body,
        "created_at": row.created_at,
    }
    _insert(db, [values])


def known_ask(keys: Iterable[str]) -> Ask:
    """Ask which of these keys came before; a row for each."""
    return Ask(
        "SELECT k.key_hash FROM {rows} JOIN request_key AS k ON k.key_hash = d.key_hash",
        (("key_hash", TEXT),),
        [(secret_hash(key),) for key in keys],
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered, as it is kept."""

    key: str
    request_hash: str
    status: int
    body: str
    session_id: str
    salt: str


def keep(db: Session, clock: Clock, answers: Sequence[Answered]) -> None:
    """Keep many answers beside their effects, in one statement.

    Raises:
        InFlight: another process kept one of the keys meanwhile; this unit of work must not go on.
    """
    rows = [
        (secret_hash(one.key), one.request_hash, one.session_id, one.salt, one.status, one.body)
        for one in answers
    ]
    ask = Ask(_KEEP_MANY, _COLUMNS, rows, {"now": clock.now()})
    try:
        run_together(db, ask)
    except IntegrityError as error:
        raise InFlight(_IN_FLIGHT) from error


def _insert(db: Session, values: list[dict[str, object]]) -> None:
    if not values:
        return
    db.flush()  # what the effect has still in hand goes first
    try:
        db.connection().execute(_KEEP, values)
    except IntegrityError as error:
        raise InFlight(_IN_FLIGHT) from error


def forget(db: Session, clock: Clock) -> int:
    """Delete keys older than KEPT, a bounded number at once; return how many."""
    old = (
        select(RequestKeyRow.key_hash)
        .where(col(RequestKeyRow.created_at) < clock.now() - KEPT)
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    done = db.exec(delete(RequestKeyRow).where(col(RequestKeyRow.key_hash).in_(old)))
    return int(done.rowcount)
