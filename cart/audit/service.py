"""Write into the audit log, and read it. Entries are the last rows of their unit of work."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import insert, text
from sqlmodel import Session, col, select

from cart.audit.model import (
    DONE,
    FIELDS,
    Action,
    Entry,
    Head,
    On,
    Verdict,
    Who,
    examined,
    seal,
)
from cart.audit.tables import AuditRow
from cart.db import before_commit, is_sqlite
from cart.kernel.clock import Clock, to_us

LOCK_KEY: Final = 0x0CA7_A0D1  # any number that nothing else in the database locks
READ_AT_ONCE: Final = 1_000  # rows; a log of years is examined in the memory of one page
SHOWN_MAX: Final = 1_000
# Who reloads a page has seen nothing new; after this she looks at it again.
SEEN_AGAIN: Final = timedelta(minutes=5)
_PENDING: Final = "carryover_audit"
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{0,64}")  # ours are; a stranger's text is not written down


def note(
    db: Session, clock: Clock, who: Who, action: Action, on: On, *, outcome: str = DONE
) -> None:
    """Write down what ``who`` did in this unit of work, if it is committed.

    The entries of one unit of work are its last statements: on PostgreSQL whoever
    appends waits for the commit of whoever appended before, and for nothing else.
    Note what a savepoint may undo only outside of it.
    """
    facts: dict[str, object] = {
        "at_us": to_us(clock.now()),
        "who_kind": who.kind.value,
        "who_id": _plain(who.id),
        "role": _plain(who.role),
        "location_id": _plain(who.location_id),
        "action": action.value,
        "on_kind": on.kind,
        "on_id": _plain(on.id),
        "outcome": outcome,
    }
    pending: list[dict[str, object]] = db.info.setdefault(_PENDING, [])
    if not pending:
        before_commit(db, lambda: _append(db))
    pending.append(facts)


def lately(
    db: Session, clock: Clock, who: Who, action: Action, on: On, *, outcome: str = DONE
) -> bool:
    """Say whether this very thing was noted within the last five minutes."""
    newest_us = (
        select(AuditRow.at_us)
        .where(
            AuditRow.on_id == _plain(on.id),
            AuditRow.on_kind == on.kind,
            AuditRow.who_id == _plain(who.id),
            AuditRow.role == _plain(who.role),
            AuditRow.action == action.value,
            AuditRow.outcome == outcome,
        )
        .order_by(col(AuditRow.seq).desc())
        .limit(1)
    )
    found = db.exec(newest_us).first()
    return found is not None and found > to_us(clock.now() - SEEN_AGAIN)


def newest(
    db: Session,
    *,
    who_id: str = "",
    action: str = "",
    on_id: str = "",
    location_id: str = "",
    limit: int = SHOWN_MAX,
) -> Sequence[AuditRow]:
    """Return entries, the newest first; empty filters let everything through."""
    statement = select(AuditRow).order_by(col(AuditRow.seq).desc()).limit(min(limit, SHOWN_MAX))
    wanted = {"who_id": who_id, "action": action, "on_id": on_id, "location_id": location_id}
    for name, value in wanted.items():
        if value:
            statement = statement.where(getattr(AuditRow, name) == value)
    return db.exec(statement).all()


def head(db: Session) -> Head:
    """Return the number and hash of the newest entry."""
    found = db.exec(
        select(AuditRow.seq, AuditRow.hash).order_by(col(AuditRow.seq).desc()).limit(1)
    ).first()
    return Head() if found is None else Head(*found)


def verify(db: Session, kept: Head | None = None) -> Verdict:
    """Examine the whole log: see :func:`cart.audit.model.examined`. One pass, bounded memory."""
    return examined(_all(db), kept)


def _all(db: Session) -> Iterator[Entry]:
    after: int | None = None
    columns = [getattr(AuditRow, name) for name in FIELDS]
    while True:
        statement = select(*columns).order_by(col(AuditRow.seq)).limit(READ_AT_ONCE)
        if after is not None:
            statement = statement.where(AuditRow.seq > after)
        rows = db.exec(statement).all()
        yield from (Entry(*row) for row in rows)
        if len(rows) < READ_AT_ONCE:
            return
        after = rows[-1][0]


def _append(db: Session) -> None:
    db.flush()
    connection = db.connection()
    if not is_sqlite(connection):  # on SQLite one writer is alone already
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    last = head(db)
    rows = []
    for facts in db.info.pop(_PENDING):
        whole = {"seq": last.seq + 1, **facts, "previous": last.hash}
        last = Head(last.seq + 1, seal(whole))
        rows.append({**whole, "hash": last.hash})
    connection.execute(insert(AuditRow), rows)


def _plain(name: str) -> str:
    return name if _ID.fullmatch(name) else "?"
