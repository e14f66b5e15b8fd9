"""Zones have names in languages, and so has a pick line, which keeps its zone's."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0010"
down_revision: Final = "0009"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("pick_line", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "zone_name_i18n",
                sa.JSON().with_variant(JSONB(), "postgresql"),
                server_default="{}",
                nullable=False,
            )
        )

    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "name_i18n",
                sa.JSON().with_variant(JSONB(), "postgresql"),
                server_default="{}",
                nullable=False,
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.drop_column("name_i18n")

    with op.batch_alter_table("pick_line", schema=None) as batch_op:
        batch_op.drop_column("zone_name_i18n")
