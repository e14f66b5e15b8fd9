"""Erases a person's rows, from the registry alone: deletes, empties, and leaves what has to stay.

One unit of work: nobody ever sees half of it, and doing it again finds nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, select, update
from sqlmodel import Session, SQLModel, col

from cart.db.guarded import write
from cart.personal.finding import FoundIds, conditions, keys_inside, table_of
from cart.personal.model import Emptied, Erasure, Holding, Scope
from cart.personal.tables import ErasureRow


def erase(db: Session, registry: Sequence[Holding], found: FoundIds) -> Counter[str]:
    """Do what the registry says with the rows of whoever has these ids; return how many by table.

    Rows that stay are emptied first, so that nothing points to what is deleted.
    """
    counts: Counter[str] = Counter()
    known = {one.table: one for one in registry}
    ordered = [known[table.name] for table in SQLModel.metadata.sorted_tables]
    for one in ordered:
        if one.erasure is Erasure.BLANK:
            counts[one.table] += _empty(db, one, found)
        counts[one.table] += _unmention(db, one, found[Scope.ADDRESS])
    for one in reversed(ordered):
        if one.erasure is Erasure.DELETE:
            for condition in conditions(one, found):
                counts[one.table] += write(db, delete(table_of(one)).where(condition))
            if one.inside:
                counts[one.table] += _look_inside(db, one, found)
    return +counts


def under_way(db: Session, customer_id: str) -> bool:
    """Say whether her erasure was asked for and is not done: nobody is to begin anything as her."""
    found = select(col(ErasureRow.id)).where(col(ErasureRow.customer_id) == customer_id)
    return db.connection().execute(found).first() is not None


def _empty(db: Session, one: Holding, found: FoundIds) -> int:
    table = table_of(one)
    plain = {name: to for name, to in one.blanks.items() if not isinstance(to, Emptied)}
    parts = {name: to for name, to in one.blanks.items() if isinstance(to, Emptied)}
    # What finds a row goes last: a session is found by its customer, and by itself.
    every = list(conditions(one, found))
    for condition in every:
        for name, to in parts.items():
            _empty_keys(db, table, condition, name, to.keys)
    touched = _keys_of(db, table, every)
    if plain:
        for key in touched:
            write(db, update(table).where(_is(table, key)).values(**plain))
    return len(touched)


def _keys_of(
    db: Session, table: Table, every: Sequence[ColumnElement[bool]]
) -> set[tuple[Any, ...]]:
    keys: set[tuple[Any, ...]] = set()
    for condition in every:
        rows = db.connection().execute(select(*table.primary_key.columns).where(condition))
        keys.update(tuple(row) for row in rows)
    return keys


def _is(table: Table, key: Sequence[Any]) -> ColumnElement[bool]:
    pairs = zip(table.primary_key.columns, key, strict=True)
    return and_(*(column == value for column, value in pairs))


def _empty_keys(
    db: Session,
    table: Table,
    condition: ColumnElement[bool],
    name: str,
    keys: Mapping[str, Any],
) -> int:
    touched = _keys_of(db, table, [condition])
    for key in touched:
        mine = _is(table, key)
        kept = db.connection().execute(select(table.c[name]).where(mine)).scalar_one()
        fresh = {**kept, **{one: to for one, to in keys.items() if one in kept}}
        if fresh != kept:
            write(db, update(table).where(mine).values(**{name: fresh}))
    return len(touched)


def _unmention(db: Session, one: Holding, addresses: set[str]) -> int:
    """Empty her addresses in rows of others. They are kept as they were typed, hers are lower."""
    table, hers, gone = table_of(one), sorted(addresses), 0
    for name, key in one.mentions:
        column = table.c[name]
        if key:
            same = func.lower(column[key].as_string()).in_(hers)
            gone += _empty_keys(db, table, same, name, {key: ""})
        else:
            emptied = update(table).where(func.lower(column).in_(hers)).values(**{name: ""})
            gone += write(db, emptied)
    return gone


def _look_inside(db: Session, one: Holding, found: FoundIds) -> int:
    table = table_of(one)
    (key,) = table.primary_key.columns
    return sum(
        write(db, delete(table).where(key.in_(hers))) for hers in keys_inside(db, one, found)
    )
