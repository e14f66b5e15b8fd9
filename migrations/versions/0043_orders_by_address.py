"""Orders by the address that they were placed with: has she bought, also as a guest."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0043"
down_revision: Final = "0039"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_index("ix_placed_order_lower_email", "placed_order", [sa.text("lower(email)")])


def downgrade() -> None:
    op.drop_index("ix_placed_order_lower_email", "placed_order")
