"""Brings a database to the present schema. Runs the migrations, and knows no table.

Tables live in modules named ``tables`` all over the server; they are found by
that name, so a new feature's tables need no list to be added to. Alembic is
imported only here and in ``migrations``, and only where there is something to do: a
process that finds its schema ready is ten megabytes smaller without it.
"""

import importlib
import pkgutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from cart.db.engine import is_sqlite
from cart.kernel.errors import SchemaNewer

if TYPE_CHECKING:
    from alembic.config import Config

SERVER_PACKAGES: Final = ("cart", "inventory_api", "gateway", "mobile_api")
LOCK_KEY: Final = 0x0CA7_70E5  # any number that nothing else in the database locks
LOCK_WAIT_MAX_S = 120  # the longest migration another process may be in the middle of
# Who waits to alter a table keeps everybody else from it meanwhile, reading included. So a
# migration gives way to what is longer (a backup), and to a deadlock, and begins again.
TABLE_WAIT_MAX_S = 2
TABLE_PAUSE_S = 1.0  # for those who waited behind it
GAVE_WAY: Final = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected


def load_tables() -> list[str]:
    """Import every module called ``tables``; return their names, sorted."""
    found: list[str] = []
    for name in SERVER_PACKAGES:
        package = importlib.import_module(name)
        found += [
            module.name
            for module in pkgutil.walk_packages(package.__path__, f"{name}.")
            if module.name.rpartition(".")[2] == "tables"
        ]
    for module_name in found:
        importlib.import_module(module_name)
    return sorted(found)


def configuration() -> "Config":
    """Return Alembic's configuration: where the revisions are, and how they are named."""
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that nobody else migrates in; commit at the end.

    SQLite: the transaction is IMMEDIATE, so a second process waits for it.
    PostgreSQL: an advisory lock, held until the commit. Foreign keys are off on
    SQLite while tables are rebuilt, and checked before the commit.
    """
    with engine.connect() as connection:
        if not is_sqlite(connection):
            with connection.begin():
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_MAX_S}s'"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
                yield connection
            return
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker
        raw.execute("PRAGMA foreign_keys = OFF")  # means something only outside a transaction
        [waits_ms] = raw.execute("PRAGMA busy_timeout").fetchone()
        raw.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MAX_S * 1000}")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    msg = f"after migrating, rows point at nothing: {broken[:5]}"
                    raise sqlite3.IntegrityError(msg)
        finally:
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute(f"PRAGMA busy_timeout = {waits_ms}")


def upgrade(engine: Engine, *, all_tables: bool = True) -> None:
    """Bring the database to the newest schema; does nothing when it is there already.

    Safe to call from several processes at once: one migrates, the others wait. On PostgreSQL
    also while others work: what it alters it waits for two seconds at a time, for up to
    two minutes in all.

    ``all_tables``: import every module of tables, as a migration does. A command line that has
    imported all that its own rows refer to (``cart.referred``) is there a second sooner without.

    Raises:
        SchemaNewer: a newer version of the software has been here.
        OperationalError: the database is away, or others were in the way for all that time.
    """
    if _present(engine) != newest():
        _run(engine, "head")
    elif all_tables:
        load_tables()


def newest() -> str:
    """Return the newest revision: files are named by their revisions, one after the other."""
    folder = files("migrations").joinpath("versions")
    names = [one.name for one in folder.iterdir() if one.name.endswith(".py")]
    return max(name.partition("_")[0] for name in names)


def _present(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).first()
        return None if found is None else str(found[0])


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to ``revision``; ``base`` is an empty database."""
    from alembic import command  # noqa: PLC0415 - see above

    config = configuration()
    with connected(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _run(engine: Engine, revision: str) -> None:
    """Migrate; begin again when PostgreSQL says that others are in the way, for a time."""
    deadline_s = time.monotonic() + LOCK_WAIT_MAX_S
    while True:
        try:
            _run_once(engine, revision)
        except OperationalError as error:
            gave_way = getattr(error.orig, "sqlstate", None) in GAVE_WAY
            if not gave_way or time.monotonic() > deadline_s:
                raise
            time.sleep(TABLE_PAUSE_S)
        else:
            return


def _run_once(engine: Engine, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = configuration()
    with connected(engine) as connection:
        now = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if now is not None and now not in known:
            msg = f"the database is at schema {now}, which this version does not know"
            raise SchemaNewer(msg, schema=now)
        if not is_sqlite(connection):
            connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_WAIT_MAX_S}s'"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
