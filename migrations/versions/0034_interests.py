"""What people say about their interests; and indexes by which the timeline follows the facts.

On PostgreSQL those of tables that only grow are of the kind that has one line for each megabyte of
rows: whoever adds a row pays nothing for them.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0034"
down_revision: Final = "0033"
branch_labels: Final = None
depends_on: Final = None

GROWING: Final = (
    ("cart_operation", "received_at_us"),
    ("session_key", "created_at"),
    ("saved_list", "created_at"),
    ("list_request", "requested_at"),
    ("checkout", "created_at"),
    ("order_event", "at"),
    ("look", "taken_at"),
)
SENT: Final = (("list_request", "sent_at"), ("order_letter", "sent_at"))


def upgrade() -> None:
    op.create_table(
        "interest_word",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("facet", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("said", sa.String(length=16), nullable=False),
        sa.Column("size", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "facet IN ('category', 'brand', 'colour', 'size', 'all')",
            name=op.f("ck_interest_word_facet"),
        ),
        sa.CheckConstraint(
            "said IN ('not_for_me', 'other_size', 'cleared')", name=op.f("ck_interest_word_said")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_interest_word_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "facet", "value", name=op.f("pk_interest_word")),
    )
    for table, column in GROWING:
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="brin")
    for table, column in SENT:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in (*GROWING, *SENT):
        op.drop_index(f"ix_{table}_{column}", table_name=table)
    op.drop_table("interest_word")
