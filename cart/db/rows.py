"""Many rows in one statement, on both databases.

A batch travels as one JSON text: an array of rows, each an array of values.
:func:`source` is the ``FROM`` that turns it into columns again. One round trip
and one plan whatever the size of the batch. Statements of which none needs what
another finds go to PostgreSQL together (:func:`run_together`), the last with the commit
(:func:`run_last`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import Column, Connection, bindparam, insert, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import TextClause
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.db.engine import is_sqlite

# SQL types as PostgreSQL needs them for the cast; SQLite keeps what JSON says.
TEXT, INTEGER, BIGINT, BOOLEAN, JSONB = "text", "integer", "bigint", "boolean", "jsonb"
PACKED = "text::jsonb"  # an object that comes as its text
_POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_LAST: Final = "carryover_last"
Columns = tuple[tuple[str, str], ...]
AnyRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One statement for many rows, to be executed with others; the arguments of :func:`run`."""

    template: str
    columns: Columns
    rows: Sequence[Sequence[object]]
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What several asks are about: rows that travel with each, or those that a select finds.

    ``columns``: of the rows that travel. ``select``: stands for ``{rows}``, is named ``d``, and
    may hold ``{rows}``, which are those that travel. ``extra``: its further bound values.
    """

    columns: Columns
    rows: Sequence[Sequence[object]] = (("",),)  # a select looks at no row that travels
    select: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)

    def ask(self, template: str, extra: Mapping[str, object] | None = None) -> Ask:
        """Return a statement about this batch, with further bound values of its own."""
        if not self.select:
            return Ask(template, self.columns, self.rows, extra or self.extra)
        whole = _about(template, self.select)
        return Ask(whole, self.columns, self.rows, {**self.extra, **(extra or {})})

    def found(self, select: str, extra: Mapping[str, object] | None = None) -> "Batch":
        """Return as a batch of its own what a select finds of this one."""
        one = self.ask(select, extra)
        return Batch(one.columns, one.rows, one.template, one.extra)


@lru_cache(maxsize=256)
def _about(template: str, select: str) -> str:
    return template.replace("{rows}", select)


@dataclass(frozen=True, slots=True)
class New:
    """Rows of one table that are to be inserted, with other statements; they join no session.

    ``unless``: what PostgreSQL does about a row that cannot be, and what it returns.
    """

    rows: Sequence[SQLModel]
    unless: str = ""


# PostgreSQL expects a hundred rows of any JSON, and reads whole tables for them. Up to so many
# are said to be no more than that: it looks each of them up.
FEW: Final = 8


@lru_cache(maxsize=512)
def source(dialect: str, columns: Columns, *, few: bool = False) -> str:
    """Return ``(SELECT … AS name, … ) AS d``: the rows bound as ``:rows``, in their order.

    ``few``: they are :data:`FEW` at most.
    """
    if dialect == "sqlite":
        fields = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}"
            for place, (name, _) in enumerate(columns)
        )
        return f"(SELECT {fields}, key AS place FROM json_each(:rows)) AS d"  # noqa: S608
    fields = ", ".join(
        # JSON within the row stays what it is; the rest is taken out as text.
        f"(value {'->' if kind == JSONB else '->>'} {place})::{kind} AS {name}"
        for place, (name, kind) in enumerate(columns)
    )
    return (
        f"(SELECT {fields}, place FROM"  # noqa: S608 - names are ours, values are bound
        " jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS t(value, place)"
        f"{f' LIMIT {FEW}' if few else ''}) AS d"
    )


@lru_cache(maxsize=256)
def _statement(
    dialect: str, template: str, columns: Columns, moments: tuple[str, ...]
) -> TextClause:
    typed = [bindparam(name, type_=UTCDateTime()) for name in moments]
    return text(template.replace("{rows}", source(dialect, columns))).bindparams(*typed)


def _packed(rows: Sequence[Sequence[object]]) -> str:
    return to_json(rows).decode()


def run(
    db: Session,
    template: str,
    columns: Columns,
    rows: Iterable[Sequence[object]],
    extra: Mapping[str, object] | None = None,
) -> Sequence[AnyRow]:
    """Execute ``template`` with ``{rows}`` standing for the batch; return what it returns.

    ``extra``: further bound values; moments are bound as columns of moments are. An
    empty batch runs nothing.
    """
    batch = list(rows)
    if not batch:
        return []
    connection, bound = db.connection(), extra or {}
    if connection.dialect.name != "sqlite":
        [found] = _sent(connection, [Ask(template, columns, batch, bound)])
        return found
    moments = tuple(name for name, value in bound.items() if isinstance(value, datetime))
    statement = _statement("sqlite", template, columns, moments)
    result = connection.execute(statement, {"rows": _packed(batch), **bound})
    if not result.returns_rows:
        return []
    found = result.cursor.fetchall() if result.cursor is not None else ()
    result.close()
    return found


def run_together(db: Session, *asks: Ask | New) -> list[Sequence[AnyRow]]:
    """Execute statements in their order and return what each returns.

    On PostgreSQL one round trip for all of them; what one writes, the next one
    sees. SQLite, without round trips, executes one after the other.
    """
    connection = db.connection()
    if connection.dialect.name == "sqlite":
        return [_alone(db, one) for one in asks]
    sent = _written_out(asks)
    answers = iter(_sent(connection, sent) if sent else [])
    return [next(answers) if one.rows else () for one in asks]


def run_last(db: Session, *asks: Ask | New) -> None:
    """Execute statements as the last of this unit of work, of which nobody reads the answers.

    On PostgreSQL they travel with its commit. Nothing before the commit sees what they write.
    """
    db.info.setdefault(_LAST, []).extend(asks)


def finish(db: Session) -> None:
    """Execute what :func:`run_last` was given; whoever commits calls this, and then commits."""
    asks = [one for one in db.info.pop(_LAST, ()) if one.rows]
    if not asks:
        return
    db.flush()
    if is_sqlite(db.connection()):
        run_together(db, *asks)
    else:
        _sent(db.connection(), _written_out(asks), commit=True)


def _written_out(asks: Iterable[Ask | New]) -> list[Ask]:
    """Return them as statements; one without rows is none."""
    return [_insertion(one) if isinstance(one, New) else one for one in asks if one.rows]


def _alone(db: Session, ask: Ask | New) -> Sequence[AnyRow]:
    if isinstance(ask, Ask):
        return run(db, ask.template, ask.columns, ask.rows, ask.extra)
    values = [row.model_dump() for row in ask.rows]
    if values:  # one set of values is executed at once, a list is prepared for many
        db.connection().execute(insert(type(ask.rows[0])), values if len(values) > 1 else values[0])
    return ()


def _insertion(new: New) -> Ask:
    template, columns = _inserting(type(new.rows[0]))
    names = [name for name, _ in columns]
    values = (row.model_dump() for row in new.rows)
    return Ask(
        f"{template}{new.unless}", columns, [[one[name] for name in names] for one in values]
    )


@lru_cache(maxsize=256)
def _inserting(row: type[SQLModel]) -> tuple[str, Columns]:
    table = inspect(row).local_table
    columns = tuple((column.name, _kind(column)) for column in table.columns)
    names = ", ".join(name for name, _ in columns)
    listed = ", ".join(f"d.{name}" for name, _ in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {listed} FROM {{rows}}", columns  # noqa: S608


def _kind(column: Column[Any]) -> str:
    """Return a column's type as PostgreSQL writes it."""
    return column.type.compile(dialect=_POSTGRESQL).lower()


# A bound value of ours is written :name; two colons are a cast of PostgreSQL's.
_BOUND: Final = re.compile(r"(?<!:):([a-z_]+)")


@lru_cache(maxsize=512)
def _numbered(template: str, columns: Columns, *, few: bool) -> tuple[bytes, tuple[str, ...]]:
    """Return the text with ``$1, $2, …`` for its names, and the names in that order."""
    whole = template.replace("{rows}", source("postgresql", columns, few=few))
    names = tuple(dict.fromkeys(_BOUND.findall(whole)))
    places = {name: f"${place}" for place, name in enumerate(names, start=1)}
    return _BOUND.sub(lambda found: places[found[1]], whole).encode(), names


def _sent(
    connection: Connection, asks: Sequence[Ask], *, commit: bool = False
) -> list[Sequence[AnyRow]]:
    """Execute by the driver itself: SQLAlchemy's way costs as much again as the statement.

    Prepared, under one text for batches of a few rows and one for all others. The rows are the
    driver's own tuples: wrapping each in a Row was a twentieth of a gateway's work.
    """
    from cart.db.round_trip import round_trip  # noqa: PLC0415 - a shop on SQLite needs no driver

    statements = []
    for one in asks:
        text_, names = _numbered(one.template, one.columns, few=len(one.rows) <= FEW)
        bound = {**one.extra, "rows": _packed(one.rows)} if "rows" in names else one.extra
        statements.append((text_, [bound[name] for name in names]))
    driver: Any = connection.connection.driver_connection
    error_of_driver = connection.dialect.loaded_dbapi.Error
    try:
        return round_trip(connection, statements, commit=commit)
    except error_of_driver as error:
        raise _as_sqlalchemy(connection, driver, error, error_of_driver) from error


def _as_sqlalchemy(
    connection: Connection,
    driver: Any,  # noqa: ANN401 - psycopg's connection
    error: Exception,
    error_of_driver: type[Exception],
) -> BaseException:
    """Return the driver's error as everybody else's statements raise it."""
    lost = bool(connection.dialect.is_disconnect(error, driver, None))  # type: ignore[arg-type]
    if lost:
        connection.invalidate(error)
        connection.engine.dispose()  # the others of its age are as dead
    return DBAPIError.instance(
        "statements for many rows",
        None,
        error,
        error_of_driver,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=connection.dialect,
    )


def insert_new(
    db: Session,
    table: str,
    columns: Columns,
    rows: Iterable[Sequence[object]],
    *,
    keys: int,
) -> set[AnyRow]:
    """Insert the rows that are not there yet; return the keys of those that are.

    The first ``keys`` columns are the table's primary key; no key comes twice in
    ``rows``. What is returned is nearly always empty, which is the point: to be told
    of every row that went in costs as much as the insert, and on SQLite a turn of the
    interpreter's lock for each.
    """
    batch = list(rows)
    names = [name for name, _ in columns]
    known = ", ".join(f"d.{name}" for name in names[:keys])
    same = " AND ".join(f"t.{name} = d.{name}" for name in names[:keys])
    listed, key = ", ".join(names), ", ".join(names[:keys])
    if is_sqlite(db.connection()):
        # No other writer can come between the two: the transaction began as a writer.
        there = run(
            db,
            f"SELECT {known} FROM {{rows}} JOIN {table} AS t ON {same}",  # noqa: S608
            columns[:keys],
            [row[:keys] for row in batch],
        )
        run(
            db,
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {{rows}} WHERE true"  # noqa: S608
            f" ON CONFLICT ({key}) DO NOTHING",
            columns,
            batch,
        )
    else:
        there = run(
            db,
            f"WITH d AS MATERIALIZED (SELECT * FROM {{rows}}),"  # noqa: S608
            f" t AS (INSERT INTO {table} ({listed}) SELECT {listed} FROM d"
            f" ON CONFLICT ({key}) DO NOTHING RETURNING {key})"
            f" SELECT {known} FROM d WHERE NOT EXISTS (SELECT FROM t WHERE {same})",
            columns,
            batch,
        )
    return set(there)
