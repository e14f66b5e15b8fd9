"""Ledgers that a test may damage: the database's own refusal is taken away."""

from typing import Final

from sqlalchemy import Engine, text

from cart.db import is_sqlite, unit_of_work

LEDGERS: Final = ("movement", "order_event")


def unlock(engine: Engine) -> None:
    """Let rows of both ledgers be changed and deleted in this test's database."""
    with unit_of_work(engine) as db:
        for table in LEDGERS:
            if is_sqlite(engine):
                for what in ("update", "delete"):
                    db.connection().execute(text(f"DROP TRIGGER {table}_no_{what}"))
            else:
                db.connection().execute(text(f"DROP TRIGGER {table}_guard ON {table}"))
