"""The ledger of pieces and the histories of orders: tables that the database lets nobody change.

Nothing of ours does: an erasure and what is kept for a time leave both as they are. On
SQLite a table that is copied to alter it loses its triggers: who alters one of these
afterwards has to make them anew.
"""

from typing import Final

from alembic import op

revision: Final = "0044"
down_revision: Final = "0043"
branch_labels: Final = None
depends_on: Final = None

LEDGERS: Final = {
    "movement": "the ledger of pieces is only appended to",
    "order_event": "the history of an order is only appended to",
}


def upgrade() -> None:
    for table, refusal in LEDGERS.items():
        if op.get_bind().dialect.name == "sqlite":
            for what in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
                )
            continue
        op.execute(
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
        )


def downgrade() -> None:
    for table in LEDGERS:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(f"DROP TRIGGER {table}_no_delete")
            continue
        op.execute(f"DROP TRIGGER {table}_guard ON {table}")
        op.execute(f"DROP FUNCTION {table}_refuse()")
