"""The only place that commits."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlmodel import Session

from cart.db.engine import is_sqlite
from cart.db.rows import finish

logger = logging.getLogger(__name__)
_AFTER = "carryover_after_commit"
_BEFORE = "carryover_before_commit"


@contextmanager
def unit_of_work(engine: Engine) -> Iterator[Session]:
    """Yield a session; commit when the block ends, roll back when it raises.

    What was registered with :func:`before_commit` runs last, what was given to
    :func:`~cart.db.rows.run_last` goes with the commit, and what was registered with
    :func:`on_commit` runs after it. Each in order.
    """
    with Session(engine, expire_on_commit=False) as db:
        db.info[_AFTER] = []
        try:
            yield db
            for last in db.info.pop(_BEFORE, ()):
                last()
            finish(db)
            db.commit()
        except BaseException:
            db.rollback()
            raise
        after: list[Callable[[], None]] = db.info.pop(_AFTER)
    for action in after:
        try:
            action()
        except Exception:  # what was committed stays true; a notice is only a doorbell
            logger.exception("an action after a commit failed")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Yield a session that sees one state and writes nothing; it never waits for a writer."""
    # SQLite: a deferred transaction is a snapshot. PostgreSQL gives one only when asked.
    options: dict[str, object] = {"reading": True}
    if not is_sqlite(engine):
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, Session(connection) as db:
        yield db
        db.expunge_all()  # what was read may be looked at afterwards
        if is_sqlite(engine):
            db.rollback()
        else:
            db.commit()  # read only; with a rollback the driver forgets all that it has prepared


@contextmanager
def glancing(engine: Engine) -> Iterator[Session]:
    """Yield a session for one select: each statement sees a state of its own, no transaction.

    Saves the round trips that begin and end a transaction; for a question that
    one statement answers. On SQLite, without round trips, it is :func:`reading`.
    """
    if is_sqlite(engine):
        with reading(engine) as db:
            yield db
        return
    options = {"isolation_level": "AUTOCOMMIT"}
    with engine.connect().execution_options(**options) as connection, Session(connection) as db:
        yield db


def before_commit(db: Session, action: Callable[[], None]) -> None:
    """Run ``action`` as the last thing in this unit of work; what it raises rolls all back.

    For what every writer queues for: the queue is held only while the commit lasts, and
    whoever has its place in it waits for nothing else.
    """
    db.info.setdefault(_BEFORE, []).append(action)


def on_commit(db: Session, action: Callable[[], None]) -> None:
    """Run ``action`` once this unit of work has committed; never if it rolls back.

    For doorbells (a change notice) only: what must happen even if the process
    dies right after the commit is a durable workflow, or is found by a sweep.
    """
    db.info.setdefault(_AFTER, []).append(action)
