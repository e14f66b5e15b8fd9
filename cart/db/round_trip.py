"""One round trip to PostgreSQL: statements that leave together and are answered together.

By the building blocks that the driver itself is made of, since its pipeline waits for the
socket and flushes with every statement: the server wakes for each, and each costs us three
times as much (docs/adr/0056-one-flush-a-round-trip.md).
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import psycopg
from psycopg import IsolationLevel
from psycopg import abc as driving
from psycopg._preparing import Prepare, PrepareManager
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Connection

_KEPT: Final = "carryover_adaption"
_DONE: Final = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.PIPELINE_SYNC}

Sent = tuple[bytes, Sequence[Any]]  # a statement with $1, $2, …, and what stands for them
_Driver = psycopg.Connection[Any]
_Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Bound:
    """A statement with its values as they travel; named as the driver's manager reads it."""

    query: bytes
    types: tuple[int, ...]
    values: Sequence[Any]
    formats: Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """One answer to come. ``prepared``: what the driver is to be told of how that went."""

    asked: bool
    prepared: tuple[Any, Prepare, bytes] | None = None


@dataclass(slots=True)
class _Exchange:
    """What was sent, in its order, and what came back, in the same."""

    parts: list[_Part] = field(default_factory=list)
    answers: list[list[PGresult]] = field(default_factory=list)


def round_trip(
    connection: Connection, statements: Sequence[Sent], *, commit: bool = False
) -> list[_Rows]:
    """Execute the statements in their order, each prepared; return the rows of each.

    What one writes, the next one sees. Begins the transaction if none has begun.
    ``commit``: and if none of them fails, end it with that. Raises psycopg's error for
    the first that failed; those after it, the commit too, were not executed.
    """
    driver = cast("_Driver", connection.connection.driver_connection)
    adaption = connection.info.get(_KEPT)
    if adaption is None:
        adaption = connection.info[_KEPT] = Transformer(driver)
    # All of them first: a value that cannot travel stops nothing half-way.
    bound = [_bound(adaption, text, values) for text, values in statements]
    exchange = _Exchange()
    with driver.lock:
        _travel(driver, exchange, bound, commit=commit)
        return _read(driver, adaption, exchange)


def _bound(adaption: driving.Transformer, text: bytes, values: Sequence[Any]) -> _Bound:
    dumped = adaption.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return _Bound(text, adaption.types or (), dumped, adaption.formats or ())


def _travel(driver: _Driver, exchange: _Exchange, bound: Sequence[_Bound], *, commit: bool) -> None:
    """Send all, and collect the answers there are: fewer if the server went away."""
    pgconn = driver.pgconn
    pgconn.enter_pipeline_mode()
    try:
        if pgconn.transaction_status == TransactionStatus.IDLE and not driver.autocommit:
            pgconn.send_query_params(_beginning(driver), None)
            exchange.parts.append(_Part(asked=False))
        for one in bound:
            _send(pgconn, _manager(driver), exchange, one)
        if commit:
            pgconn.send_query_params(b"COMMIT", None)
            exchange.parts.append(_Part(asked=False))
        pgconn.pipeline_sync()
        exchange.parts.append(_Part(asked=False))
        driver.wait(_collect(pgconn, exchange))
    finally:
        if len(exchange.answers) == len(exchange.parts):
            pgconn.exit_pipeline_mode()
        else:
            driver.close()  # half an exchange is left in it: which answer would be whose?


def _manager(driver: _Driver) -> PrepareManager:
    """Return what knows the names that are prepared: its own after a rollback are none."""
    return driver._prepared  # noqa: SLF001 - two who name statements would end each other's


def _beginning(driver: _Driver) -> bytes:
    """Return how this connection begins a transaction, as the driver itself would."""
    words = ["BEGIN"]
    if driver.isolation_level is not None:
        level = IsolationLevel(driver.isolation_level).name.replace("_", " ")
        words.append(f"ISOLATION LEVEL {level}")
    if driver.read_only is not None:
        words.append("READ ONLY" if driver.read_only else "READ WRITE")
    if driver.deferrable is not None:
        words.append("DEFERRABLE" if driver.deferrable else "NOT DEFERRABLE")
    return " ".join(words).encode()


def _send(pgconn: PGconn, manager: PrepareManager, exchange: _Exchange, one: _Bound) -> None:
    known = cast("Any", one)  # has what the manager looks at
    how, name = manager.get(known, prepare=True)
    if how is Prepare.SHOULD:
        pgconn.send_prepare(name, one.query, one.types)
        exchange.parts.append(_Part(asked=False))
    pgconn.send_query_prepared(name, one.values, one.formats)
    key = manager.maybe_add_to_cache(known, how, name)
    exchange.parts.append(_Part(asked=True, prepared=(key, how, name) if key else None))


def _collect(pgconn: PGconn, exchange: _Exchange) -> Generator[Any, Any, None]:
    """Flush once and collect; made of the driver's generators, for its ``wait``."""
    yield from send(pgconn)  # and takes in meanwhile what comes back
    while len(exchange.answers) < len(exchange.parts):
        one = yield from fetch_many(pgconn)
        if not one:
            break
        exchange.answers.append(one)


def _read(driver: _Driver, adaption: driving.Transformer, exchange: _Exchange) -> list[_Rows]:
    rows: list[_Rows] = []
    failed: PGresult | None = None
    manager = _manager(driver)
    for part, answer in zip(exchange.parts, exchange.answers, strict=False):  # fewer: see below
        result = answer[-1]
        if part.prepared:
            manager.validate(*part.prepared, answer)
        if result.status not in _DONE:
            failed = failed or result
        elif part.asked:
            rows.append(_rows(adaption, result))
    if failed is not None:
        raise error_from_result(failed)
    if len(exchange.answers) < len(exchange.parts):
        msg = "the server ended the connection before it had answered"
        raise psycopg.OperationalError(msg)
    driver.wait(manager.maintain_gen(driver))  # what is prepared no more; nearly always nothing
    return rows


def _rows(adaption: driving.Transformer, result: PGresult) -> _Rows:
    if not result.nfields:
        return ()
    adaption.set_pgresult(result)
    rows = adaption.load_rows(0, result.ntuples, tuple)
    adaption.set_pgresult(None)  # its memory is as large as the answer
    return rows
