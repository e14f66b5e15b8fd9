"""A receiver may stand at a door, where those who come in hold their bands."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0027"
down_revision: Final = "0026"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("floor_receiver", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gate", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("floor_receiver", schema=None) as batch_op:
        batch_op.drop_column("gate")
