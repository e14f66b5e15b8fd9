"""Writing where somebody else may have been faster: the row that changed is the answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session, SQLModel

from cart.db.engine import is_sqlite
from cart.db.rows import New, run_together


def write(db: Session, statement: Update | Delete) -> int:
    """Execute a guarded UPDATE or a DELETE; return how many rows it changed.

    Rows that this session has read before are not refreshed: that is half the cost of
    an UPDATE, and whoever reads them again asks for them anew (``populate_existing``).
    """
    return int(db.connection().execute(statement).rowcount)


def insert_new(
    db: Session,
    row: type[SQLModel],
    values: Mapping[str, Any],
    *,
    keys: Sequence[str],
    where: TextClause | None = None,
) -> bool:
    """Insert a row unless one with the same ``keys`` is there; say whether it was inserted.

    ``where``: the predicate of a partial unique index over the keys. On PostgreSQL
    it waits for a rival who is inserting the same keys, and then says False.
    """
    inserting = sqlite.insert if is_sqlite(db.connection()) else postgresql.insert
    statement = inserting(row).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=keys, index_where=where)
    return _came_back(db, statement)


def insert_new_many(
    db: Session, rows: Sequence[SQLModel], *, keys: Sequence[str], back: str, where: TextClause
) -> set[Any]:
    """Insert those rows whose ``keys`` are not there; return their values of column ``back``.

    Otherwise as :func:`insert_new`.
    """
    if not rows:
        return set()
    if not is_sqlite(db.connection()):
        unless = f" ON CONFLICT ({', '.join(keys)}) WHERE {where} DO NOTHING RETURNING {back}"
        [found] = run_together(db, New(rows, unless))
        return {row[0] for row in found}
    kind = type(rows[0])
    statement = sqlite.insert(kind).on_conflict_do_nothing(index_elements=keys, index_where=where)
    values = [row.model_dump() for row in rows]
    return set(db.connection().execute(statement.returning(getattr(kind, back)), values).scalars())


def insert_or_change(
    db: Session,
    row: type[SQLModel],
    values: Mapping[str, Any],
    *,
    keys: Sequence[str],
    change: Mapping[str, Any],
    where: ColumnElement[bool] | None = None,
) -> bool:
    """Insert a row, or ``change`` the one that is there if ``where`` holds; say if either was done.

    ``change``: new values by column; expressions over the row's columns are fine.
    """
    inserting = sqlite.insert if is_sqlite(db.connection()) else postgresql.insert
    statement = inserting(row).values(**values)
    statement = statement.on_conflict_do_update(index_elements=keys, set_=dict(change), where=where)
    return _came_back(db, statement)


def _came_back(db: Session, statement: postgresql.Insert | sqlite.Insert) -> bool:
    # Drivers count updates and deletes; of an insert, only what it returns is sure.
    return db.connection().execute(statement.returning(literal(1))).first() is not None


def insert_all(db: Session, *tables: Sequence[SQLModel]) -> None:
    """Insert rows, those of one table in one statement; on PostgreSQL in one round trip for all.

    They do not become part of the session, which costs several times the insert itself:
    whoever needs one again reads it.
    """
    run_together(db, *(New(rows) for rows in tables))
