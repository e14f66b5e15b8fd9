"""Staff whom a retailer's own identity provider vouches for."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0019"
down_revision: Final = "0018"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "staff_identity",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_identity_staff_id")
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", "location_id", name=op.f("pk_staff_identity")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_staff_identity_staff_id")),
    )


def downgrade() -> None:
    op.drop_table("staff_identity")
