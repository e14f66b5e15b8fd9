"""A round trip to PostgreSQL: it begins as asked, forgets nothing, and survives what ends it."""

import signal
from collections.abc import Iterator
from typing import Any, Final

import pytest
from psycopg import ProgrammingError
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from cart.db import glancing, make_engine, reading, unit_of_work
from cart.db.engine import PREPARED_MAX
from cart.db.rows import TEXT, Ask, run, run_together

_ONE: Final = (("id", TEXT),)
_ECHO: Final = "SELECT d.id FROM {rows}"
_PREPARED: Final = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture
def pool(postgresql_url: str) -> Iterator[Engine]:
    """An engine; one after the other has the connection that the last one had."""
    engine = make_engine(postgresql_url)
    yield engine
    engine.dispose()


def _ask(db: Session, template: str, **extra: object) -> tuple[Any, ...]:
    [found] = run_together(db, Ask(template, _ONE, [("a",)], extra))
    return tuple(found[0])


def test_a_transaction_begins_as_whoever_opened_it_said(pool: Engine) -> None:
    """It is the round trip that begins it, and not the driver."""
    asked = (
        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    )
    with unit_of_work(pool) as db:
        assert _ask(db, asked) == ("read committed", "off")
    with reading(pool) as db:
        assert _ask(db, asked) == ("repeatable read", "on")
    with glancing(pool) as db:
        assert _ask(db, asked) == ("read committed", "off")
        driver: Any = db.connection().connection.driver_connection
        assert driver.info.transaction_status is TransactionStatus.IDLE  # and there is none


def test_nothing_is_written_where_somebody_reads(pool: Engine) -> None:
    """The database refuses it, whichever way it is sent."""
    written = (
        "INSERT INTO timeline_mark (name, position, read_until_us) SELECT d.id, 0, 0 FROM {rows}"
    )
    with pytest.raises(DBAPIError, match="read-only"), reading(pool) as db:
        run(db, written, _ONE, [("a",)])


def test_what_is_prepared_stays_so_after_reading_and_is_prepared_anew_after_a_failure(
    pool: Engine,
) -> None:
    """The driver forgets all its names with a rollback, ours among them: each is asked anew."""
    with reading(pool) as db:
        _ask(db, _ECHO)
    with unit_of_work(pool) as db:
        kept = db.connection().execute(text(_PREPARED)).scalar_one()
    with pytest.raises(DBAPIError, match="division by zero"), unit_of_work(pool) as db:
        _ask(db, "SELECT d.id, 1 / (length(d.id) - 1) FROM {rows}")
    with unit_of_work(pool) as db:
        after = db.connection().execute(text(_PREPARED)).scalar_one()
        found = _ask(db, _ECHO)
    assert (kept, after, found) == (1, 0, ("a",))


def test_a_statement_of_which_another_takes_the_objects_is_prepared_anew(pool: Engine) -> None:
    """As a migration does; the driver ends every prepared statement of the connection."""
    with unit_of_work(pool) as db:
        db.connection().exec_driver_sql("CREATE TABLE tried (id TEXT)")
        assert _ask(db, "SELECT d.id, (SELECT count(*) FROM tried) FROM {rows}") == ("a", 0)
        db.connection().exec_driver_sql("DROP TABLE tried")
        db.connection().exec_driver_sql("CREATE TABLE tried (id BIGINT)")
        assert _ask(db, "SELECT d.id, (SELECT count(*) FROM tried) FROM {rows}") == ("a", 0)
        db.connection().exec_driver_sql("DROP TABLE tried")


def test_more_statements_than_are_kept_all_have_answers(pool: Engine) -> None:
    """The one that was not used for longest makes room; the server does not fill up."""
    with unit_of_work(pool) as db:
        for turn in range(2):
            for number in range(PREPARED_MAX + 20):
                asked = _ECHO.replace("d.id", f"d.id, {number}")
                assert _ask(db, asked) == ("a", number), turn
        held = db.connection().execute(text(_PREPARED)).scalar_one()
    assert PREPARED_MAX - 1 <= held <= PREPARED_MAX + 1


def test_a_value_that_cannot_travel_stops_only_its_own_round_trip(pool: Engine) -> None:
    """Said before anything leaves: the transaction goes on."""
    with unit_of_work(pool) as db:
        with pytest.raises(DBAPIError) as failed:
            _ask(db, "SELECT :it FROM {rows}", it=object())
        assert isinstance(failed.value.orig, ProgrammingError)
        assert _ask(db, _ECHO) == ("a",)


def test_answers_larger_than_any_buffer_cross_questions_that_are_so_too(pool: Engine) -> None:
    """Both sides write at once and neither waits for the other to read."""
    rows = [(f"{number:04d}" * 1_000,) for number in range(1_000)]
    with unit_of_work(pool) as db:
        found = run_together(db, *[Ask(_ECHO, _ONE, rows) for _ in range(4)])
    assert [sorted(one) for one in found] == [rows] * 4


def test_a_server_that_ends_it_half_way_is_an_error_and_no_wrong_answer(pool: Engine) -> None:
    """Whoever asked is told that it is gone; the next unit of work has another."""
    with pytest.raises(DBAPIError) as failed, unit_of_work(pool) as db:
        run_together(
            db,
            Ask(_ECHO, _ONE, [("a",)]),
            Ask("SELECT pg_terminate_backend(pg_backend_pid()) FROM {rows}", _ONE, [("b",)]),
            Ask(_ECHO, _ONE, [("c",)]),
        )
    assert failed.value.connection_invalidated
    with unit_of_work(pool) as db:
        assert _ask(db, _ECHO) == ("a",)


def test_who_interrupts_one_that_waits_has_a_connection_afterwards(pool: Engine) -> None:
    """Ctrl-C: the server is told to stop, and no answer of it is taken for a later one."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt), unit_of_work(pool) as db:
            run_together(
                db,
                Ask(_ECHO, _ONE, [("a",)]),
                Ask("SELECT pg_sleep(60) FROM {rows}", _ONE, [("b",)]),
                Ask(_ECHO, _ONE, [("c",)]),
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with unit_of_work(pool) as db:
        assert _ask(db, _ECHO) == ("a",)
