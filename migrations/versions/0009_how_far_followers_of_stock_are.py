"""how far followers of stock are."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "stock_mark",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("mark_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stock_mark")),
    )


def downgrade() -> None:
    op.drop_table("stock_mark")
