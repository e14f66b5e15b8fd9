"""Web push: browsers that may be rung, and rings."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0038"
down_revision: Final = "0037"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "push_phone",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=1_024), nullable=False),
        sa.Column("point", sa.String(length=88), nullable=False),
        sa.Column("auth", sa.String(length=24), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["shopper_session.id"], name=op.f("fk_push_phone_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_phone")),
    )
    op.create_index("ix_push_phone_session_id", "push_phone", ["session_id"])
    op.create_table(
        "push_ring",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("phone_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'failed')", name=op.f("ck_push_ring_state")
        ),
        sa.CheckConstraint("kind IN ('turn')", name=op.f("ck_push_ring_kind")),
        sa.ForeignKeyConstraint(
            ["phone_id"], ["push_phone.id"], name=op.f("fk_push_ring_phone_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_ring")),
    )
    op.create_index("ix_push_ring_phone_id", "push_ring", ["phone_id"])
    op.create_index("ix_push_ring_state", "push_ring", ["state", "requested_at"])


def downgrade() -> None:
    for table in ("push_ring", "push_phone"):
        op.drop_table(table)
