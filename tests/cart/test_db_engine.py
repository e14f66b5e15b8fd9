"""The engine: what its errors say, and to whom they may be shown."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

import pytest
from psycopg import sql
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cart.db import before_commit, make_engine, reading, unit_of_work
from cart.db.rows import TEXT, Ask, run_last, run_together, source
from tests.real.postgres import PostgresServer

AT_ONCE = 3  # connections in the pool
NOON: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_an_error_does_not_repeat_what_was_bound(engine: Engine) -> None:
    """Errors go to logs; an address among a statement's values must not."""
    with pytest.raises(DBAPIError) as failed, reading(engine) as db:
        db.connection().execute(
            text("SELECT * FROM nowhere WHERE email = :email"), {"email": "noa@example.com"}
        )
    assert "noa@example.com" not in str(failed.value)


def test_connections_that_a_restart_closed_are_replaced_before_anybody_notices(
    postgresql_url: str, postgres: PostgresServer
) -> None:
    """One that lay idle in the pool is asked first, and another is opened in its stead."""
    engine = _used(postgresql_url, alive_s=0.0)
    _close_all(postgres, engine)
    assert _ask(engine) == 1
    engine.dispose()


def test_of_connections_that_were_just_used_one_fails_and_the_rest_is_forgotten(
    postgresql_url: str, postgres: PostgresServer
) -> None:
    """Nobody asks a connection of a moment ago; the first that is dead empties the pool."""
    engine = _used(postgresql_url, alive_s=3_600.0)
    _close_all(postgres, engine)
    with pytest.raises(DBAPIError):
        _ask(engine)
    assert [_ask(engine) for _ in range(AT_ONCE + 1)] == [1] * (AT_ONCE + 1)
    engine.dispose()


def _used(url: str, *, alive_s: float) -> Engine:
    """Return an engine with several connections in its pool."""
    engine = make_engine(url, alive_s=alive_s)
    with ExitStack() as held:
        for _ in range(AT_ONCE):
            held.enter_context(reading(engine)).connection()
    return engine


def _close_all(postgres: PostgresServer, engine: Engine) -> None:
    """Let the server end every connection to the engine's database, as its restart does."""
    postgres.execute(
        sql.SQL(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = {}"
        ).format(sql.Literal(engine.url.database))
    )


def _ask(engine: Engine) -> int:
    with reading(engine) as db:
        return int(db.connection().execute(text("SELECT 1")).scalar_one())


_WORDS: Final = (("id", TEXT), ("currency", TEXT))
_WRITE: Final = (
    "INSERT INTO cart (id, version, latest_at_us, currency, created_at)"
    " SELECT id, 0, 0, currency, :now FROM {rows}"
)
_READ: Final = "SELECT c.id, c.created_at FROM {rows} JOIN cart AS c ON c.id = d.id ORDER BY c.id"


def _carts(*names: str) -> Ask:
    return Ask(_WRITE, _WORDS, [(name, "EUR") for name in names], {"now": NOON})


def _asked(*names: str) -> Ask:
    return Ask(_READ, _WORDS[:1], [(name,) for name in names])


def test_statements_sent_together_are_executed_in_their_order(engine: Engine) -> None:
    """Each sees what the ones before it wrote; one without rows is not executed."""
    with unit_of_work(engine) as db:
        before, _, empty, after = run_together(
            db, _asked("a", "b"), _carts("a", "b"), _asked(), _asked("b", "a")
        )
    assert (list(before), list(empty)) == ([], [])
    assert [row[0] for row in after] == ["a", "b"]


def test_one_of_them_that_fails_takes_all_along(engine: Engine) -> None:
    """It fails as any other statement would, and nothing of it stays."""
    with pytest.raises(IntegrityError), unit_of_work(engine) as db:
        run_together(db, _carts("a"), _carts("b", "a"), _carts("c"))
    with unit_of_work(engine) as db:
        (found,) = run_together(db, _asked("a", "b", "c"))
    assert list(found) == []


def test_a_text_with_every_sign_survives_the_way_together(engine: Engine) -> None:
    """Percent signs, colons and quotes are data, whatever the driver takes for a place."""
    odd = "50 % :now %(now)s '\" \\ ü"
    with unit_of_work(engine) as db:
        _, found = run_together(db, _carts(odd), _asked(odd))
    assert [row[0] for row in found] == [odd]


def test_statements_sent_together_notice_a_dead_connection_as_all_others_do(
    postgresql_url: str, postgres: PostgresServer
) -> None:
    """They fail as the database's error, and the pool forgets every connection of that age."""

    def ask() -> list[str]:
        with unit_of_work(engine) as db:
            (found,) = run_together(db, Ask("SELECT d.id FROM {rows}", _WORDS[:1], [("a",)]))
            return [row[0] for row in found]

    engine = _used(postgresql_url, alive_s=3_600.0)
    _close_all(postgres, engine)
    with pytest.raises(DBAPIError):
        ask()
    assert [ask() for _ in range(AT_ONCE + 1)] == [["a"]] * (AT_ONCE + 1)
    engine.dispose()


@pytest.mark.parametrize(("owns", "cost"), [("", "1.1"), ("2.5", "2.5")])
def test_one_row_is_looked_up_unless_the_operator_says_what_that_costs(
    postgresql_url: str, postgres: PostgresServer, *, owns: str, cost: str
) -> None:
    """Also where a batch may have a hundred keys, and a table few pages."""
    name = sql.Identifier(make_url(postgresql_url).database or "")
    if owns:
        wish = sql.SQL("ALTER DATABASE {} SET random_page_cost = {}")
        postgres.execute(wish.format(name, sql.Literal(owns)))
    engine = make_engine(postgresql_url)
    try:
        with unit_of_work(engine) as db:
            ask = db.connection().exec_driver_sql
            assert ask("SHOW random_page_cost").scalar() == cost
            ask(
                "INSERT INTO cart (id, version, latest_at_us, currency, created_at)"
                " SELECT 'c' || n, 1, 1, 'EUR', now() FROM generate_series(1, 20000) AS n"
            )
            ask("ANALYZE cart")
            join = _asked("c7").template.replace("{rows}", source("postgresql", _WORDS[:1]))
            plan = ask("EXPLAIN " + join.replace(":rows", "'[[\"c7\"]]'")).scalars().all()
            assert owns or any("Index" in one for one in plan), plan
    finally:
        engine.dispose()
        postgres.execute(sql.SQL("ALTER DATABASE {} RESET random_page_cost").format(name))


def test_what_travels_with_the_commit_is_there_after_it(engine: Engine) -> None:
    """And not before: what it writes nobody in this unit of work reads."""
    with unit_of_work(engine) as db:
        run_last(db, _carts("a"), _asked(), _carts("b"))
        (before,) = run_together(db, _asked("a", "b"))
        before_commit(db, lambda: run_last(db, _carts("c")))
    with unit_of_work(engine) as db:
        (after,) = run_together(db, _asked("a", "b", "c"))
    assert (list(before), [row[0] for row in after]) == ([], ["a", "b", "c"])


def test_what_fails_on_the_way_to_the_commit_takes_all_along(engine: Engine) -> None:
    """What was written before it too; and who raises before the end never sends it."""
    with pytest.raises(IntegrityError):
        _write(engine, "b", "b", "c")
    with pytest.raises(ZeroDivisionError):
        _leaves(engine)
    with unit_of_work(engine) as db:
        (found,) = run_together(db, _asked("a", "b", "c", "d"))
    assert list(found) == []


def _write(engine: Engine, *last: str) -> None:
    with unit_of_work(engine) as db:
        run_together(db, _carts("a"))
        run_last(db, *[_carts(one) for one in last])


def _leaves(engine: Engine) -> None:
    with unit_of_work(engine) as db:
        run_last(db, _carts("d"))
        raise ZeroDivisionError
