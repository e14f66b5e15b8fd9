"""pieces picked in the ledger."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

# Picks of before are in the ledger without their pieces: one entry for each SKU and
# location makes up for it, dated as its last pick was.
BEFORE: Final = (
    "INSERT INTO movement (location_id, sku, delta, picked_delta, reason, reference, at_us)"
    " SELECT m.location_id, m.sku, 0, p.pieces, 'picked', 'picked:before-0003', max(m.at_us)"
    " FROM movement AS m JOIN (SELECT t.location_id, l.sku, sum(l.picked) AS pieces"
    " FROM pick_line AS l JOIN pick_task AS t ON t.id = l.task_id WHERE l.picked > 0"
    " GROUP BY t.location_id, l.sku) AS p ON p.location_id = m.location_id AND p.sku = m.sku"
    " GROUP BY m.location_id, m.sku, p.pieces"
)


def upgrade() -> None:
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("picked_delta", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.drop_constraint(op.f("ck_movement_reason"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_movement_reason"),
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved',"
            " 'corrected', 'reserved', 'allocated', 'released', 'picked', 'unpicked')",
        )
    op.execute(BEFORE)


def downgrade() -> None:
    op.execute("DELETE FROM movement WHERE reason = 'unpicked' OR reference = 'picked:before-0003'")
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_movement_reason"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_movement_reason"),
            "reason IN ('received', 'counted', 'sold', 'returned', 'damaged', 'moved',"
            " 'corrected', 'reserved', 'allocated', 'released', 'picked')",
        )
        batch_op.drop_column("picked_delta")
