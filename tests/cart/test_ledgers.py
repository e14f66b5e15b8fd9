"""The ledger of pieces and an order's history: the database lets nobody change what is in them."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from cart.db import is_sqlite, reading, unit_of_work
from tests.cart.buying import Buyer, fill
from tests.fakes.clock import FakeClock

CHANGES = {
    "movement": "delta = delta + 1",
    "order_event": "what = 'handed_over', actor = 'nobody'",
}


@pytest.mark.parametrize("table", CHANGES)
def test_the_database_refuses_to_change_a_ledger(
    engine: Engine, clock: FakeClock, table: str
) -> None:
    """Neither one row nor all of them, by whichever statement; and all is there afterwards."""
    fill(engine, clock)
    Buyer(engine, clock).buy()
    before = rows(engine, table)
    assert before
    statements = [f"UPDATE {table} SET {CHANGES[table]}", f"DELETE FROM {table}"]  # noqa: S608 - ours
    if not is_sqlite(engine):
        statements.append(f"TRUNCATE {table}")
    for statement in statements:
        with pytest.raises(DatabaseError, match="only appended to"), unit_of_work(engine) as db:
            db.connection().execute(text(statement))
    assert rows(engine, table) == before
    Buyer(engine, clock).buy()
    assert len(rows(engine, table)) > len(before)


def rows(engine: Engine, table: str) -> list[tuple[object, ...]]:
    """Return all of a table."""
    with reading(engine) as db:
        found = db.connection().execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - ours
        return [tuple(map(repr, row)) for row in found]
