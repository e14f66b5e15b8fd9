"""Finds every id of one person, and rows in whose bytes one stands, from the registry alone."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Table, select
from sqlmodel import Session, SQLModel

from cart.personal.model import Holding, Inside, Scope, joint

IDS_AT_ONCE_MAX: Final = 500  # values bound to one statement; SQLite takes 32 766
ROWS_AT_ONCE: Final = 200  # of bytes that are looked through
# What may stand beside an address and make it another: joann@… is not ann@…
_BEFORE: Final = rb"(?<![a-z0-9._%+@\x80-\xff-])"
_AFTER: Final = rb"(?![a-z0-9_\x80-\xff-]|\.[a-z0-9])"
FoundIds = dict[Scope, set[str]]


def ids_of(db: Session, registry: Sequence[Holding], customer_id: str) -> FoundIds:
    """Return all ids of a customer, by scope."""
    return follow(db, registry, {Scope.CUSTOMER: {customer_id}})


def follow(
    db: Session,
    registry: Sequence[Holding],
    begun: Mapping[Scope, set[str]],
    *,
    not_into: Collection[Scope] = (),
) -> FoundIds:
    """Return all ids that these lead to, by scope, and these: found in one row they lead to others.

    Scopes ``not_into`` gain none. Memory: the ids, not the rows.
    """
    found: FoundIds = {scope: set(begun.get(scope, ())) for scope in Scope}
    before = -1
    while before != (before := sum(map(len, found.values()))):
        for holding in registry:
            _follow(db, holding, found, not_into)
    return found


def conditions(holding: Holding, found: Mapping[Scope, set[str]]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that together find a person's rows of a table, a bounded number of ids each.

    A row may fit more than one.
    """
    table = table_of(holding)
    for column, scope in holding.found:
        ids = sorted(found[scope])
        for start in range(0, len(ids), IDS_AT_ONCE_MAX):
            yield table.c[column].in_(ids[start : start + IDS_AT_ONCE_MAX])


def keys_inside(db: Session, holding: Holding, found: FoundIds) -> Iterator[list[str]]:
    """Yield keys of rows in whose bytes an id of hers stands, some at a time.

    Walks the whole table in pages: it is a short one.
    """
    table = table_of(holding)
    (key,) = table.primary_key.columns
    for one in holding.inside:
        hers = _pattern(one, found[one.scope])
        if hers is None:
            continue
        beside = [table.c[one.within]] if one.within else []
        after = ""
        while True:
            page = select(key, table.c[one.column], *beside).where(key > after).order_by(key)
            rows = db.connection().execute(page.limit(ROWS_AT_ONCE)).all()
            if not rows:
                break
            after = rows[-1][0]
            yield [row[0] for row in rows if hers(bytes(row[1]), *row[2:])]


def _pattern(one: Inside, ids: set[str]) -> Callable[..., bool] | None:
    """Return what says whether bytes, of what they are within, hold one of these ids."""
    if not ids:
        return None
    if not one.within:
        spelled = b"|".join(re.escape(each) for text in sorted(ids) for each in _spellings(text))
        whole = re.compile(_BEFORE + rb"(?:" + spelled + rb")" + _AFTER)
        return lambda content: whole.search(content.lower()) is not None
    valued = re.compile(rb'"' + re.escape(one.key.encode()) + rb'"\s*:\s*"([^"]*)"')
    return lambda content, within: any(
        joint(within, value.decode("utf-8", "replace")) in ids for value in valued.findall(content)
    )


def _spellings(text: str) -> list[bytes]:
    """Return how JSON may have it: as it is, or with escapes; both in small letters."""
    plain = text.lower()
    return [plain.encode(), json.dumps(plain)[1:-1].encode()]


def table_of(holding: Holding) -> Table:
    """Return the table that a holding is about."""
    return SQLModel.metadata.tables[holding.table]


def _follow(db: Session, holding: Holding, found: FoundIds, not_into: Collection[Scope]) -> None:
    table = table_of(holding)
    for one in holding.reveals:
        if one.scope in not_into:
            continue
        wanted = [table.c[one.column].is_not(None)]
        if one.while_null:
            wanted.append(table.c[one.while_null].is_(None))
        names = [table.c[one.within], table.c[one.column]] if one.within else [table.c[one.column]]
        for condition in conditions(holding, found):
            rows = db.connection().execute(select(*names).where(condition, *wanted).distinct())
            found[one.scope].update(joint(*row) if one.within else row[0] for row in rows)
