"""A migration may run while the version before works on: it adds, and takes nothing away.

Looked at is what it does to a database, not how it is written: all tables before it and after.
What it writes into rows no comparison of tables can judge; whoever writes it has to.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from cart.db import make_engine
from cart.db.migrate import configuration, connected
from tests.real.postgres import PostgresServer

# SQLAlchemy sees no index of SQLite's on an expression; PostgreSQL's are compared.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Skipped unsupported reflection of expression-based index"
)
SINCE: Final = "0043"
"""The first schema that is looked at is this one: nobody renews an older one while it works."""
STOP: Final = "Stop all first"
"""How CHANGELOG.md says that the version before cannot go on beside a migration."""
# By revision, what it does all the same, and why that does no harm: or STOP, and CHANGELOG.md
# has to say it where it names the migration.
EXCEPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "0044": {
        "movement: a new trigger": "no version changed or deleted a line of the ledger",
        "order_event: a new trigger": "no version changed or deleted an entry of a history",
    },
    "0050": {
        "journey_message: check state": "states were only counted: one more is in no sum",
        "journey_message: check bounce": "of a new column; its default is among what is allowed",
        "journey_message: unique mark": "of a new column that is null by default",
    },
    "0051": {
        "interaction: check kind": STOP,
        "interaction: check channel": STOP,
    },
    "0052": {
        "interaction: check kind": STOP,
    },
}
TRIGGERS: Final = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT c.relname, t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal"
    ),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as far as it can stand in the way of who reads and writes it."""

    columns: Mapping[str, tuple[str, bool, bool]]
    """By name: its type, whether it may be null, whether it has a default."""
    checks: Mapping[str, str]
    unique: frozenset[tuple[str, ...]]
    foreign: frozenset[str]
    triggers: frozenset[str]


def shapes(db: Connection) -> dict[str, Shape]:
    """Return every table's."""
    seen = inspect(db)
    triggers = {(row[0], row[1]) for row in db.execute(text(TRIGGERS[db.dialect.name]))}
    checks, foreign = seen.get_multi_check_constraints(), seen.get_multi_foreign_keys()
    unique, indexes = seen.get_multi_unique_constraints(), seen.get_multi_indexes()
    keys = seen.get_multi_pk_constraint()
    return {
        key[1]: Shape(
            {one["name"]: _column(one) for one in columns},
            {str(one["name"]): str(one["sqltext"]) for one in checks.get(key, ())},
            frozenset(
                tuple(map(str, one["column_names"]))
                for one in (
                    *unique.get(key, ()),
                    *(one for one in indexes.get(key, ()) if one["unique"]),
                    {"column_names": keys[key]["constrained_columns"]},
                )
            ),
            frozenset(
                f"{one['constrained_columns']} to {one['referred_table']}"
                for one in foreign.get(key, ())
            ),
            frozenset(name for table, name in triggers if table == key[1]),
        )
        for key, columns in seen.get_multi_columns().items()
    }


def _column(one: Mapping[str, Any]) -> tuple[str, bool, bool]:
    filled = one["default"] is not None or one.get("identity") is not None
    return str(one["type"]), bool(one["nullable"]), filled


def hindrances(before: Mapping[str, Shape], after: Mapping[str, Shape]) -> Iterator[str]:
    """Yield what the version that knows ``before`` may stumble over in ``after``."""
    for table, was in before.items():
        if table not in after:
            yield f"{table}: gone"
            continue
        now = after[table]
        yield from (f"{table}.{one}" for one in _of_columns(was.columns, now.columns))
        for name, words in now.checks.items():
            if was.checks.get(name) != words:
                yield f"{table}: check {re.sub(f'^ck_{table}_', '', name)}"
        for columns in now.unique ^ was.unique:  # one that is gone: ON CONFLICT names it
            yield f"{table}: unique {', '.join(columns)}"
        for one in now.foreign - was.foreign:
            yield f"{table}: foreign key {one}"
        if now.triggers - was.triggers:
            yield f"{table}: a new trigger"


def _of_columns(
    before: Mapping[str, tuple[str, bool, bool]], after: Mapping[str, tuple[str, bool, bool]]
) -> Iterator[str]:
    for name, (kind, nullable, filled) in before.items():
        if name not in after:
            yield f"{name}: gone, or has another name"
            continue
        kind_now, nullable_now, filled_now = after[name]
        if kind_now != kind:
            yield f"{name}: of another type"
        if nullable and not nullable_now:
            yield f"{name}: may not be null any more"
        if filled and not filled_now:
            yield f"{name}: has no default any more"
    for name in after.keys() - before.keys():
        _, nullable, filled = after[name]
        if not (nullable or filled):
            yield f"{name}: new, not null, without a default"


def _revisions() -> list[str]:
    found = ScriptDirectory.from_config(configuration()).walk_revisions()
    return sorted(one.revision for one in found)


def _walked(engine: Engine) -> dict[str, set[str]]:
    """Return by revision what it does that the version before may stumble over."""
    shape: list[tuple[str, dict[str, Shape]]] = []
    for revision in [one for one in _revisions() if one >= SINCE]:
        config = configuration()
        with connected(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        with engine.connect() as connection:
            shape.append((revision, shapes(connection)))
    return {
        revision: found
        for (_, before), (revision, after) in pairwise(shape)
        if (found := set(hindrances(before, after)))
    }


def test_migrations_take_nothing_away_that_the_version_before_needs(
    empty_database_url: str,
) -> None:
    """All that one does beside adding is in the list above, with a reason; nothing else is."""
    engine = make_engine(empty_database_url)
    try:
        found = _walked(engine)
    finally:
        engine.dispose()
    assert found == {revision: set(known) for revision, known in EXCEPTIONS.items()}


def test_the_changelog_says_which_ones_need_a_stop() -> None:
    """And no other: who runs the shop reads it there."""
    said = Path("CHANGELOG.md").read_text(encoding="utf-8").partition("## [Unreleased]")[2]
    entries = re.split(r"^(?=- |#)", said, flags=re.MULTILINE)
    stopping = {
        number
        for entry in entries
        if STOP in " ".join(entry.split())
        for number in re.findall(r"\((\d{4})\)", entry)
    }
    wanted = {revision for revision, known in EXCEPTIONS.items() if STOP in known.values()}
    assert stopping == wanted


@pytest.mark.parametrize(
    ("ddl", "hindrance"),
    [
        ("DROP TABLE thing", "thing: gone"),
        ("ALTER TABLE thing DROP COLUMN word", "thing.word: gone, or has another name"),
        (
            "ALTER TABLE thing RENAME COLUMN word TO term",
            "thing.word: gone, or has another name",
        ),
        (
            "ALTER TABLE thing ALTER COLUMN word SET NOT NULL",
            "thing.word: may not be null any more",
        ),
        ("ALTER TABLE thing ALTER COLUMN word TYPE integer USING 0", "thing.word: of another type"),
        (
            "ALTER TABLE thing ALTER COLUMN pieces DROP DEFAULT",
            "thing.pieces: has no default any more",
        ),
        (
            "ALTER TABLE thing ADD COLUMN more integer NOT NULL",
            "thing.more: new, not null, without a default",
        ),
        ("ALTER TABLE thing ADD CONSTRAINT ck_thing_few CHECK (pieces < 9)", "thing: check few"),
        ("CREATE UNIQUE INDEX ux_thing_word ON thing (word)", "thing: unique word"),
        ("ALTER TABLE thing DROP CONSTRAINT uq_thing_name", "thing: unique name"),
        (
            "ALTER TABLE thing ADD FOREIGN KEY (word) REFERENCES thing (id)",
            "thing: foreign key ['word'] to thing",
        ),
        (
            (
                "CREATE TRIGGER still BEFORE UPDATE ON thing EXECUTE FUNCTION"
                " suppress_redundant_updates_trigger()"
            ),
            "thing: a new trigger",
        ),
        ("ALTER TABLE thing ADD COLUMN more integer NOT NULL DEFAULT 0", None),
        ("ALTER TABLE thing ADD COLUMN more integer", None),
        ("ALTER TABLE thing ALTER COLUMN pieces DROP NOT NULL", None),
        ("ALTER TABLE thing DROP CONSTRAINT ck_thing_some", None),
        ("CREATE INDEX ix_thing_word ON thing (word)", None),
        ("CREATE TABLE other (id text PRIMARY KEY REFERENCES thing (id))", None),
    ],
)
def test_what_stands_in_the_way_is_seen(
    ddl: str, hindrance: str | None, bare_postgres: PostgresServer
) -> None:
    """Each of the operations that are refused, and of those that are not."""
    engine = make_engine(bare_postgres.url())
    try:
        with engine.connect() as db:
            db.execute(
                text(
                    "CREATE TABLE thing (id text PRIMARY KEY, word text, name text,"
                    " pieces integer NOT NULL DEFAULT 1, CONSTRAINT uq_thing_name UNIQUE (name),"
                    " CONSTRAINT ck_thing_some CHECK (pieces > 0))"
                )
            )
            before = shapes(db)
            db.execute(text(ddl))
            assert set(hindrances(before, shapes(db))) == ({hindrance} if hindrance else set())
    finally:
        engine.dispose()
