"""Anonymous shopper sessions that nobody came back to are emptied, once."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0020"
down_revision: Final = "0019"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.add_column(
        "shopper_session", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True)
    )
    where = sa.text("emptied_at IS NULL AND customer_id IS NULL")
    op.create_index(
        "ix_shopper_session_idle",
        "shopper_session",
        ["created_at"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    op.drop_index("ix_shopper_session_idle", table_name="shopper_session")
    op.drop_column("shopper_session", "emptied_at")
