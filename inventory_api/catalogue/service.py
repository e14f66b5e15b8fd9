"""Commands on the catalogue. The feeds give them; nobody edits the catalogue by hand."""

from sqlalchemy import text
from sqlmodel import Session

from cart.db import is_sqlite
from cart.kernel.clock import Clock, to_us


def lock(db: Session) -> None:
    """Be the only one who changes the catalogue until the commit.

    One importer after another, chunk by chunk: no deadlock between two of them,
    and no version number that is seen before a smaller one. SQLite has a single
    writer anyway.
    """
    connection = db.connection()
    connection.execute(
        text(
            "INSERT INTO catalogue_version (id, version, changed_at_us) VALUES (1, 0, 0)"
            " ON CONFLICT (id) DO NOTHING"
        )
    )
    if not is_sqlite(connection):
        connection.execute(text("SELECT version FROM catalogue_version WHERE id = 1 FOR UPDATE"))


def bump(db: Session, clock: Clock) -> None:
    """Give the catalogue its next version; under :func:`lock`."""
    db.connection().execute(
        text("UPDATE catalogue_version SET version = version + 1, changed_at_us = :now_us"),
        {"now_us": to_us(clock.now())},
    )
