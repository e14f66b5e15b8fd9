"""Makes the engine for a database URL: SQLite for one shop, PostgreSQL for a chain."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

# A writer waits this long for another process's transaction. Ours take milliseconds;
# a catalogue import commits in chunks well under a second.
BUSY_TIMEOUT_MS = 10_000
# Endpoints run in a pool of 40 threads; more connections than this only queue in the database.
POOL_SIZE = 10
POOL_OVERFLOW_MAX = 30
POOL_WAIT_S = 10
# Errors are logged; what was bound to the statement may be somebody's address.
HIDE_PARAMETERS = True
# 16 MB of pages per connection keeps a shop's hot tables in memory without growing the process.
SQLITE_CACHE_KIB = 16_384


def is_sqlite(engine_or_connection: Engine | Connection) -> bool:
    """Say whether this is SQLite, for the few statements that differ."""
    return engine_or_connection.dialect.name == "sqlite"


def make_engine(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """Return an engine for ``sqlite:///path``, ``sqlite://`` or ``postgresql://…``.

    SQLite runs in WAL with full fsync, foreign keys on, and every transaction
    that writes begins IMMEDIATE: a deferred one reads, is overtaken, and loses
    the update in silence.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW_MAX,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=True,
            hide_parameters=HIDE_PARAMETERS,
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": busy_timeout_ms / 1000, "check_same_thread": False},
        hide_parameters=HIDE_PARAMETERS,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that was acknowledged survives the power plug
        "foreign_keys = ON",
        f"cache_size = -{SQLITE_CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options: dict[str, Any] = dict(connection.get_execution_options())
    mode = "DEFERRED" if options.get("reading") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")
