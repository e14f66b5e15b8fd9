"""Makes the engine for a database URL: SQLite for one shop, PostgreSQL for a chain."""

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# A writer waits this long for another process's transaction. Ours take milliseconds;
# a catalogue import commits in chunks well under a second.
BUSY_TIMEOUT_MS = 10_000
# Endpoints run in a pool of 40 threads; more connections than this only queue in the database.
POOL_SIZE = 10
POOL_OVERFLOW_MAX = 30
POOL_WAIT_S = 10
# Statements that a connection keeps prepared: about three times what an API process has. The
# driver's own limit is below that, and whatever it forgets is planned anew.
PREPARED_MAX = 500
# A connection that was used just now is alive; asking each time is a third of a small request.
# The database needs longer than this to be started anew, so that what it closed has been idle.
ALIVE_S = 0.5
_USED = "carryover_used"
# Errors are logged; what was bound to the statement may be somebody's address.
HIDE_PARAMETERS = True
# 16 MB of pages per connection keeps a shop's hot tables in memory without growing the process.
SQLITE_CACHE_KIB = 16_384


def is_sqlite(engine_or_connection: Engine | Connection) -> bool:
    """Say whether this is SQLite, for the few statements that differ."""
    return engine_or_connection.dialect.name == "sqlite"


def make_engine(
    url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS, alive_s: float = ALIVE_S
) -> Engine:
    """Return an engine for ``sqlite:///path``, ``sqlite://`` or ``postgresql://…``.

    SQLite runs in WAL with full fsync, foreign keys on, and every transaction
    that writes begins IMMEDIATE: a deferred one reads, is overtaken, and loses
    the update in silence. ``alive_s``: how long PostgreSQL's connections may lie
    idle before they are asked whether they live.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(
            parsed,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW_MAX,
            pool_timeout=POOL_WAIT_S,
            pool_use_lifo=True,  # the one used last has its statements prepared
            hide_parameters=HIDE_PARAMETERS,
        )
        event.listen(engine, "connect", _prepare_postgresql)
        _require_alive(engine, alive_s)
        return engine
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


def _note_use(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED] = time.monotonic()


def _require_alive(engine: Engine, alive_s: float) -> None:
    """Let a connection that was idle out of the pool only if the database still answers on it.

    One that was used a moment ago and is dead nevertheless fails its request, and with
    it the pool forgets all the others of its age.
    """

    def ask(
        connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        used = entry.info.get(_USED)
        if used is None or time.monotonic() - used < alive_s:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            msg = "the database has closed this connection"
            raise DisconnectionError(msg) from error  # the pool opens another one

    event.listen(engine, "checkout", ask)
    event.listen(engine, "checkin", _note_use)


# Rows that are asked for by their keys lie in memory or on a disk without arms. PostgreSQL's
# own 4.0 is for one with arms: by that it reads a table of 20,000 sessions from end to end to
# find one of them. What the operator has set himself stays.
_RANDOM_PAGE_COST: Final = (
    "SELECT set_config('random_page_cost', '1.1', false) FROM pg_settings"
    " WHERE name = 'random_page_cost' AND source = 'default'"
)


def _prepare_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - psycopg's
    connection.prepared_max = PREPARED_MAX
    connection.autocommit = True  # what a transaction sets may be taken back with it
    connection.execute(_RANDOM_PAGE_COST)
    connection.autocommit = False


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in (
        "journal_mode = WAL",
        "secure_delete = ON",  # what is erased is overwritten, not only forgotten
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
