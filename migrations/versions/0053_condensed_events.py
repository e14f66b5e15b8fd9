"""Events of long ago take some twelve bytes each: what was stored is known by digests."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0053"
down_revision: Final = "0052"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "device_event_past",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("earliest_us", sa.BigInteger(), nullable=False),
        sa.Column("latest_us", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "spool", "first", name=op.f("pk_device_event_past")),
    )
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        for name in ("condensed_through", "condensed_at_us"):
            batch_op.add_column(
                sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            )


def downgrade() -> None:
    # Ids that were condensed cannot be had back: events older than the keep time count again.
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        batch_op.drop_column("condensed_at_us")
        batch_op.drop_column("condensed_through")
    op.drop_table("device_event_past")
