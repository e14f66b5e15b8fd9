"""telemetry in a lane of its own: the channel of a spool, what a gateway holds of it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("channel", sa.String(length=16), server_default="events", nullable=False)
        )
    with op.batch_alter_table("gateway_pulse", schema=None) as batch_op:
        for name in ("telemetry_held", "telemetry_held_max"):
            batch_op.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("gateway_pulse", schema=None) as batch_op:
        batch_op.drop_column("telemetry_held_max")
        batch_op.drop_column("telemetry_held")
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        batch_op.drop_column("channel")
