"""An erasure reaches every table that the registry knows: two people in each, and one goes.

Made from the registry and the tables themselves, so that a new table is in it by being there.
The rows are bare: no rule of the product made them, and constraints are not asked.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from sqlalchemy import Column, Engine, Table, text
from sqlalchemy.dialects.sqlite import dialect
from sqlmodel import SQLModel

from cart.db import make_engine, unit_of_work
from cart.db.migrate import load_tables
from cart.personal.erasing import erase
from cart.personal.finding import FoundIds, ids_of
from cart.personal.model import Emptied, Erasure, Holding, Scope, joint
from mobile_api.rights.registry import REGISTRY

SQLITE: Final = dialect()
WHEN: Final = "2026-03-02 08:00:00.000000"
# Begun by a look at what nobody had tested: their rows are a person's and go.
ASKED_FOR: Final = frozenset(
    {
        *("passkey", "push_phone", "push_ring", "subscription", "topic_letter"),
        *("segment_member", "interest_word", "saved_list", "customer_email"),
    }
)
Key = tuple[Any, ...]


@dataclass
class Person:
    """Somebody with one id of each scope, and the keys of the rows that are hers, by table."""

    name: str
    rows: dict[str, set[Key]] = field(default_factory=dict)

    def id_of(self, scope: Scope, place: int = 0) -> str:
        """Return her id of a scope; ``place``: one more of them."""
        if scope is Scope.ADDRESS:
            return f"{self.name}@example.org"
        word = scope.value.replace(" ", "-")
        return f"{self.name}-{word}" + (f"-{place}" if place else "")


class Seeding:
    """Puts rows into a database whose constraints look away."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._numbers = iter(range(1, 1_000_000))

    def put(self, person: Person, holding: Holding) -> None:
        """Put a row for each way in which her rows of a table are found."""
        table = SQLModel.metadata.tables[holding.table]
        ways: list[dict[str, Any]] = [
            {column: person.id_of(scope)} for column, scope in holding.found
        ]
        for one in holding.inside:
            said = {one.key or "email": person.id_of(one.scope)}
            within = {one.within: f"{person.name}-within"} if one.within else {}
            ways.append({one.column: json.dumps(said).encode(), **within})
        for place, way in enumerate(ways):
            row = {one.name: self._value(one, holding) for one in table.columns}
            for reveal in holding.reveals:
                row[reveal.column] = person.id_of(reveal.scope, place)
                if reveal.within:
                    row[reveal.within] = f"{person.name}-within"
                if reveal.while_null:
                    row[reveal.while_null] = None
            row |= way
            key = tuple(row[one.name] for one in table.primary_key.columns)
            if key in person.rows.get(table.name, ()):
                continue  # found by its own id, which the way before has revealed
            self._insert(table, row)
            person.rows.setdefault(table.name, set()).add(key)

    def _value(self, column: Column[Any], holding: Holding) -> Any:  # noqa: ANN401 - of any type
        blank = holding.blanks.get(column.name, ...)
        if isinstance(blank, Emptied):
            return json.dumps({**dict.fromkeys(blank.keys, "hers"), "else": "stays"})
        if column.nullable and blank is ...:
            return None
        number = next(self._numbers)
        kind = str(column.type.compile(SQLITE)).partition("(")[0]
        simple = {"VARCHAR": f"some-{number}", "TEXT": f"some-{number}", "DATETIME": WHEN}
        return {**simple, "BLOB": b"some", "JSON": "{}"}.get(kind, number)

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        said = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - ours
        self._db.execute(said, list(row.values()))


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A database with a row of Ada's and one of Ben's in every table that has people's."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def people(sqlite_url: str) -> tuple[Person, Person]:
    """Both, with their rows."""
    load_tables()
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    seeding = Seeding(connection)
    both = Person("ada"), Person("ben")
    for holding in REGISTRY:
        if holding.erasure is not Erasure.NONE:
            for person in both:
                seeding.put(person, holding)
    connection.close()
    return both


def erased(engine: Engine, person: Person) -> FoundIds:
    """Erase somebody; return the ids by which it was done."""
    with unit_of_work(engine) as db:
        db.connection().exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        found = ids_of(db, REGISTRY, person.id_of(Scope.CUSTOMER))
        erase(db, REGISTRY, found)
    return found


def rows_of(engine: Engine, person: Person) -> dict[str, dict[Key, dict[str, Any]]]:
    """Return what is there of somebody's rows, as it stands in the tables."""
    found: dict[str, dict[Key, dict[str, Any]]] = {}
    with engine.connect() as connection:
        for name, keys in person.rows.items():
            primary = [one.name for one in SQLModel.metadata.tables[name].primary_key.columns]
            every = connection.execute(text(f'SELECT * FROM "{name}"')).mappings()  # noqa: S608 - ours
            by_key = {tuple(row[one] for one in primary): dict(row) for row in every}
            found[name] = {key: row for key, row in by_key.items() if key in keys}
    return found


def test_an_erasure_reaches_every_table_and_nobody_else(
    engine: Engine, people: tuple[Person, Person]
) -> None:
    """Deleted, emptied or kept as the registry says, by every way in which a row is hers."""
    ada, ben = people
    bens, before = rows_of(engine, ben), rows_of(engine, ada)
    assert {name for name, rows in before.items() if not rows} == set(), "there is one in each"
    found = erased(engine, ada)
    lacking = {scope for scope in Scope if not any("ada" in one for one in found[scope])}
    assert lacking == set(), "each kind of id was found"
    assert not any("ben" in one for ids in found.values() for one in ids)
    assert rows_of(engine, ben) == bens
    after = rows_of(engine, ada)
    by_table = {one.table: one for one in REGISTRY}
    for name, rows in after.items():
        holding = by_table[name]
        match holding.erasure:
            case Erasure.DELETE:
                assert rows == {}, name
            case Erasure.KEEP:
                assert rows == before[name], name
            case _:
                assert rows.keys() == before[name].keys(), name
                for row in rows.values():
                    left = [
                        column for column in holding.blanks if not is_blank(holding, row, column)
                    ]
                    assert left == [], name
    deleted = {name for name in after if by_table[name].erasure is Erasure.DELETE}
    assert deleted >= ASKED_FOR
    assert len(deleted) > 40


def is_blank(holding: Holding, row: dict[str, Any], column: str) -> bool:
    """Say whether a column of a row that stays is as an erasure leaves it."""
    wanted = holding.blanks[column]
    if isinstance(wanted, Emptied):
        kept = json.loads(row[column])
        return bool(kept == {**wanted.keys, "else": "stays"})
    if isinstance(wanted, dict | list):
        return bool(json.loads(row[column]) == wanted)
    return bool(row[column] == wanted)


def test_once_more_finds_nothing(engine: Engine, people: tuple[Person, Person]) -> None:
    """The second erasure of the same person changes no row."""
    ada, _ = people
    erased(engine, ada)
    with unit_of_work(engine) as db:
        again = erase(db, REGISTRY, ids_of(db, REGISTRY, ada.id_of(Scope.CUSTOMER)))
    assert {name: number for name, number in again.items() if number} == {}


def test_what_is_within_something_is_one_id() -> None:
    """A visit is one of its device: the words of the seeding above are those of the search."""
    assert joint("ada-within", "v") == "ada-within v"
