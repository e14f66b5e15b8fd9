"""Reads a person's rows for an export, from the registry alone: what it says is shown of each."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session

from cart.personal.finding import IDS_AT_ONCE_MAX, FoundIds, conditions, keys_inside, table_of
from cart.personal.model import Holding

ROWS_IN_MEMORY: Final = 500


def rows_of(db: Session, holding: Holding, found: FoundIds) -> Iterator[dict[str, Any]]:
    """Yield the shown columns of each row of a table that is hers, once, as the columns have them.

    Memory: ROWS_IN_MEMORY rows, and the keys of those that several of her ids may find.
    """
    table = table_of(holding)
    keys = list(table.primary_key.columns)
    every = list(conditions(holding, found))
    for hers in keys_inside(db, holding, found) if holding.inside else ():
        every += [
            keys[0].in_(hers[at : at + IDS_AT_ONCE_MAX])
            for at in range(0, len(hers), IDS_AT_ONCE_MAX)
        ]
    given: set[tuple[Any, ...]] = set()
    wanted = select(*keys, *(table.c[name] for name in holding.shown)).order_by(*keys)
    for condition in every:
        rows = db.connection().execute(
            wanted.where(condition).execution_options(yield_per=ROWS_IN_MEMORY)
        )
        for row in rows:
            key = tuple(row[: len(keys)])
            if key in given:
                continue
            if len(every) > 1:
                given.add(key)
            yield dict(zip(holding.shown, row[len(keys) :], strict=True))
