"""operators and the gateways pulse."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "gateway_pulse",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("span_ms", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("dead", sa.Integer(), nullable=False),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("commit_us_sum", sa.BigInteger(), nullable=False),
        sa.Column("commit_us_max", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("held_max", sa.Integer(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "at_us", name=op.f("pk_gateway_pulse")),
    )
    with op.batch_alter_table("gateway_pulse", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gateway_pulse_at_us"), ["at_us"], unique=False)

    op.create_table(
        "staff_permission",
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("permission", sa.String(length=16), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "permission IN ('operator')", name=op.f("ck_staff_permission_permission")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_permission_staff_id")
        ),
        sa.PrimaryKeyConstraint("staff_id", "permission", name=op.f("pk_staff_permission")),
    )


def downgrade() -> None:
    op.drop_table("staff_permission")
    with op.batch_alter_table("gateway_pulse", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gateway_pulse_at_us"))

    op.drop_table("gateway_pulse")
