"""How far a spool was heard, beside how far it is stored: numbers lost on the way are seen."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0046"
down_revision: Final = "0044"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    # 0 for spools of before: a hole that is open now is seen with the next event behind it.
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("heard_through", sa.BigInteger(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("device_stream", schema=None) as batch_op:
        batch_op.drop_column("heard_through")
