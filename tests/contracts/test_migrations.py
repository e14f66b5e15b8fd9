"""The migrations lead to exactly the tables that the code declares, and back."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Inspector, inspect, text
from sqlmodel import SQLModel

from cart.db import is_sqlite, make_engine, unit_of_work
from cart.db.migrate import (
    TABLE_WAIT_MAX_S,
    configuration,
    downgrade,
    load_tables,
    newest,
    upgrade,
)
from cart.kernel.errors import SchemaNewer
from tests.real.postgres import PostgresServer

# SQLAlchemy sees no index of SQLite's on an expression; PostgreSQL's are compared.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Skipped unsupported reflection of expression-based index",
    "ignore:autogenerate skipping metadata-specified expression-based index",
)
VERSION_TABLE = "alembic_version"
TWO_AT_ONCE = "import sys; from cart.db import make_engine; from cart.db.migrate import upgrade; "


@pytest.fixture
def empty_engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine on a database without any table."""
    made = make_engine(empty_database_url)
    yield made
    made.dispose()


def _in_order(found: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in found)


def _shape(engine: Engine) -> dict[str, Any]:
    """Return all that matters of every table, in an order of its own making."""
    seen: Inspector = inspect(engine)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in seen.get_columns(table)
            },
            "primary key": seen.get_pk_constraint(table)["constrained_columns"],
            "foreign keys": _in_order(seen.get_foreign_keys(table)),
            "unique": _in_order(seen.get_unique_constraints(table)),
            "checks": _in_order(seen.get_check_constraints(table)),
            "indexes": _in_order(seen.get_indexes(table)),
        }
        for table in seen.get_table_names()
        if table != VERSION_TABLE
    }


def test_upgrading_from_empty_gives_what_the_code_declares(empty_engine: Engine) -> None:
    """Alembic finds no difference between the migrated database and the tables."""
    load_tables()
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_checks_and_indexes_are_the_same_too(empty_engine: Engine) -> None:
    """What Alembic does not compare (checks, defaults) is equal as well."""
    upgrade(empty_engine)
    migrated = _shape(empty_engine)
    with empty_engine.begin() as connection:
        SQLModel.metadata.drop_all(connection)
        SQLModel.metadata.create_all(connection)
    assert migrated == _shape(empty_engine)


def test_downgrading_to_base_leaves_nothing(empty_engine: Engine) -> None:
    """Every revision can be taken back, and the way up works again after it."""
    upgrade(empty_engine)
    there = _shape(empty_engine)
    downgrade(empty_engine, "base")
    assert _shape(empty_engine) == {}
    upgrade(empty_engine)
    assert _shape(empty_engine) == there


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    """At the newest schema it is a check, no more; rows stay."""
    upgrade(empty_engine)
    moment = "2026-03-02 09:00:00+00:00"
    with unit_of_work(empty_engine) as db:
        db.execute(
            text(
                "INSERT INTO cart (id, version, latest_at_us, currency, created_at)"
                " VALUES ('cart_1', 0, 0, 'EUR', :moment)"
            ),
            {"moment": moment},
        )
    upgrade(empty_engine)
    with unit_of_work(empty_engine) as db:
        assert db.execute(text("SELECT count(*) FROM cart")).scalar_one() == 1


def test_who_finds_the_schema_ready_needs_no_alembic(
    empty_engine: Engine, empty_database_url: str
) -> None:
    """The newest revision is known by the files' names; all tables are known nevertheless."""
    heads = ScriptDirectory.from_config(configuration()).get_heads()
    assert heads == [newest()]
    upgrade(empty_engine)
    code = TWO_AT_ONCE + "upgrade(make_engine(sys.argv[1])); from sqlmodel import SQLModel; "
    code += "print('alembic' in sys.modules, len(SQLModel.metadata.tables))"
    said = subprocess.check_output([sys.executable, "-c", code, empty_database_url], text=True)
    assert said.split() == ["False", str(len(SQLModel.metadata.tables))]
    code = code.replace("1]))", "1]), all_tables=False)")
    said = subprocess.check_output([sys.executable, "-c", code, empty_database_url], text=True)
    assert said.split() == ["False", "0"]


def test_a_newer_database_is_refused_and_left_alone(empty_engine: Engine) -> None:
    """Software that was rolled back does not touch a schema it does not know."""
    upgrade(empty_engine)
    with unit_of_work(empty_engine) as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = _shape(empty_engine)
    with pytest.raises(SchemaNewer, match="9999"):
        upgrade(empty_engine)
    assert _shape(empty_engine) == before
    with unit_of_work(empty_engine) as db:
        kept = db.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert kept == "9999"


def test_processes_that_start_together_migrate_once(
    empty_engine: Engine, empty_database_url: str
) -> None:
    """Gateway and API come up at the same moment: both succeed, the schema is whole."""
    code = TWO_AT_ONCE + "upgrade(make_engine(sys.argv[1]))"
    starting = [
        subprocess.Popen([sys.executable, "-c", code, empty_database_url]) for _ in range(2)
    ]
    assert [process.wait(timeout=100) for process in starting] == [0, 0]
    upgrade(empty_engine)
    assert set(_shape(empty_engine)) == set(SQLModel.metadata.tables)


def test_who_waits_for_a_table_keeps_nobody_else_from_it_for_long(
    bare_postgres: PostgresServer,
) -> None:
    """A backup reads on while a migration wants its table: others read too, and it succeeds."""
    waits_s: list[float] = []
    with bare_postgres.database("template0") as url:
        engine = make_engine(url)
        upgrade(engine)
        downgrade(engine, "0046")  # 0050 alters the table below
        with engine.connect() as backup:
            backup.execute(text("SELECT count(*) FROM journey_message"))
            migrating = threading.Thread(target=upgrade, args=(engine,))
            migrating.start()
            until_s = time.monotonic() + 3 * TABLE_WAIT_MAX_S
            while (began_s := time.monotonic()) < until_s:
                with engine.connect() as reader:
                    reader.execute(text("SELECT count(*) FROM journey_message"))
                waits_s.append(time.monotonic() - began_s)
                time.sleep(0.05)
            assert migrating.is_alive()
        migrating.join(60)
        with engine.connect() as reader:
            now = reader.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        engine.dispose()
    assert now == newest()
    assert 0.5 < max(waits_s) < TABLE_WAIT_MAX_S + 2  # it did stand before them


def test_foreign_keys_hold_again_after_a_migration(empty_engine: Engine) -> None:
    """SQLite rebuilds tables with foreign keys off; afterwards they are on."""
    upgrade(empty_engine)
    if is_sqlite(empty_engine):
        with empty_engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    else:
        with empty_engine.connect() as connection:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert connection.exec_driver_sql(locks).scalar_one() == 0
