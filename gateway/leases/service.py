"""Joining, beating, taking and giving back: each a transaction of its own, of one row.

One row at a time, because a batch holds several leases until its commit: two that
wait for each other's rows would be a deadlock. A lease that cannot be had within
LOCK_WAIT_MS is tried again at the next look, so that nobody's beat waits for a batch.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from gateway.leases.model import NAMES, Lease
from gateway.leases.queries import Seen, look
from gateway.leases.tables import GatewayMemberRow

logger = logging.getLogger(__name__)
LOCK_WAIT_MS: Final = 300  # a batch takes a tenth of a second; a beat is due every 500 ms
# By our own clock: PostgreSQL measures the wait by the time of day, and a server whose clock is
# set back an hour while we wait would let us wait for that hour. Our lease is three times as long.
LOCK_WAIT_MAX_S: Final = 1.0
CANCEL_S: Final = 1.0  # the longest that asking the server to cancel may take
# PostgreSQL's appendix A: lock_not_available, query_canceled
_WAITED: Final = frozenset({"55P03", "57014"})

_BEAT: Final = text("UPDATE gateway_member SET beat = beat + 1 WHERE id = :me")
_NAME: Final = text(
    "INSERT INTO lease (name, holder, fence) VALUES (:name, '', 0) ON CONFLICT (name) DO NOTHING"
)
_TAKE: Final = text(
    "UPDATE lease SET holder = :me, fence = fence + 1 WHERE name = :name AND fence = :fence"
)
_RELEASE: Final = text("UPDATE lease SET holder = '' WHERE name = :name AND holder = :me")
_FORGET: Final = text("DELETE FROM gateway_member WHERE id = :id AND beat = :beat")
_LEAVE: Final = text("DELETE FROM gateway_member WHERE id = :me")
_END: Final = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = :id AND pid <> pg_backend_pid()"
)
_WAIT: Final = text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_MS}ms'")


def join(engine: Engine, clock: Clock, *, me: str, name: str) -> None:
    """Write this process down among the members; the names of leases, too, if they are new."""
    with unit_of_work(engine) as db:
        db.add(GatewayMemberRow(id=me, name=name, beat=1, started_at=clock.now()))
        for one in NAMES:
            db.connection().execute(_NAME, {"name": one})


def beat(engine: Engine, *, me: str) -> bool:
    """Show that we live; False when somebody took us for dead, and we have to join again."""
    with unit_of_work(engine) as db:
        return db.connection().execute(_BEAT, {"me": me}).rowcount == 1


def seen(engine: Engine) -> Seen:
    """Return members and leases as they are now."""
    with reading(engine) as db:
        return look(db)


def take(engine: Engine, lease: Lease, *, me: str) -> bool:
    """Take a lease as it was seen; say whether we have it: nobody else was faster.

    A holder that was frozen in the middle of a batch still has the row locked, and
    would keep it locked until it wakes: its connections, which bear its id, are ended
    then, and what it had not committed is undone.
    """
    try:
        return _take(engine, lease, me=me)
    except OperationalError as error:
        if not _waited(error) or not lease.holder:
            raise
        logger.warning("%s is held by a batch of %s, which is ended", lease.name, lease.holder)
    with unit_of_work(engine) as db:
        db.connection().execute(_END, {"id": lease.holder})
    return _take(engine, lease, me=me)


def _take(engine: Engine, lease: Lease, *, me: str) -> bool:
    with unit_of_work(engine) as db:
        wanted = {"me": me, "name": lease.name, "fence": lease.fence}
        with _briefly(db.connection()) as connection:
            return connection.execute(_TAKE, wanted).rowcount == 1


def release(engine: Engine, name: str, *, me: str) -> bool:
    """Give a lease back once no batch of ours holds it; False when one still does."""
    try:
        with unit_of_work(engine) as db, _briefly(db.connection()) as connection:
            connection.execute(_RELEASE, {"name": name, "me": me})
    except OperationalError as error:
        if _waited(error):
            return False
        raise
    return True


def forget(engine: Engine, *, member: str, beat: int) -> None:
    """Strike a dead member off, unless it has beaten since."""
    with unit_of_work(engine) as db:
        db.connection().execute(_FORGET, {"id": member, "beat": beat})


def leave(engine: Engine, *, me: str) -> None:
    """Strike ourselves off."""
    with unit_of_work(engine) as db:
        db.connection().execute(_LEAVE, {"me": me})


@contextmanager
def _briefly(connection: Connection) -> Iterator[Connection]:
    """Let what is done with it wait for a lock ``LOCK_WAIT_MS``, whatever the database's clock.

    Raises:
        OperationalError: the lock is still held by another.
    """
    connection.execute(_WAIT)
    # Not by importing the driver: where all is SQLite there are no leases, and it takes 8 MiB.
    error_of_driver = connection.dialect.loaded_dbapi.Error
    driver = connection.connection.driver_connection
    guard = threading.Timer(LOCK_WAIT_MAX_S, _cancel, (driver, error_of_driver))
    guard.start()
    try:
        yield connection
    finally:
        guard.cancel()
        guard.join()  # or it could cancel what is done next


def _cancel(
    driver: Any,  # noqa: ANN401 - a connection of psycopg
    error_of_driver: type[Exception],
) -> None:
    try:
        driver.cancel_safe(timeout=CANCEL_S)
    except error_of_driver as error:
        logger.warning("what waits for a lease cannot be cancelled: %s", error)


def _waited(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", "") in _WAITED
