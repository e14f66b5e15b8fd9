"""What is odd about devices, and the credential that a device had before its present one."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0010"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "device_finding",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("first_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("looked_at_us", sa.BigInteger(), nullable=True),
        sa.Column("looked_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "kind IN ('flooding', 'cloned', 'forked', 'elsewhere')",
            name=op.f("ck_device_finding_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_finding_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "kind", name=op.f("pk_device_finding")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("previous_hash", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_column("previous_until")
        batch_op.drop_column("previous_hash")

    op.drop_table("device_finding")
